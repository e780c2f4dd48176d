"""One ordered stream of events per environment, and what each of its readers still has to get.

A reader is never waited for. What it did not take in time is dropped oldest first, and only where
a later one makes up for it (samples, ticks, log lines); states, finished runs and verdicts always
arrive. Every hole in the sequence is said by a ``gap`` event, so that a reader knows what to fetch
again.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_sysdesign.control.models import Event, EventType
from jupyter_sysdesign.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from jupyter_sysdesign.control.sequence import Sequence

#: Kinds that may be dropped: the next one of the kind says more than the lost one did.
DROPPABLE = frozenset({EventType.METRIC_SAMPLE, EventType.RUN_TICK, EventType.LOG_LINE})

# A reader that is this far behind on what may not be dropped is cut off; it can resume.
_MOST_KEPT_BEHIND = 10_000


class Entry(NamedTuple):
    """An event as it is kept: encoded once, however many read it."""

    seq: int
    text: str


class TooSlowError(Exception):
    """The reader takes nothing at all; it has to come back and resume."""


class _Backlog:
    """Events in order of ``seq``, in two queues: what may be dropped and what may not."""

    def __init__(self, droppable: int, kept: int | None) -> None:
        self.droppable: deque[Entry] = deque(maxlen=droppable)
        self.kept: deque[Entry] = deque(maxlen=kept)

    def add(self, entry: Entry, *, droppable: bool) -> None:
        (self.droppable if droppable else self.kept).append(entry)

    def pop(self) -> Entry | None:
        """Take the oldest of both queues."""
        if self.droppable and (not self.kept or self.droppable[0].seq < self.kept[0].seq):
            return self.droppable.popleft()
        return self.kept.popleft() if self.kept else None


class Subscription:
    """One reader of a stream: an async iterator of JSON texts, ``seq`` strictly rising."""

    def __init__(self, stream: EventStream, after: int, backlog: _Backlog) -> None:
        self._stream = stream
        self._last = after
        self._known = stream.last_seq
        self._backlog = backlog
        self._waiting = asyncio.Event()
        self._closed = False
        self._overrun = False

    async def __aiter__(self) -> AsyncIterator[str]:
        """Yield event after event until the stream is closed.

        Raises:
            TooSlowError: too much that may not be dropped is waiting.
        """
        while True:
            for text in self.take():
                yield text
            if self._overrun:
                raise TooSlowError
            if self._closed:
                return
            self._waiting.clear()
            await self._waiting.wait()

    def take(self) -> Iterable[str]:
        """Yield what is there now, with a ``gap`` before the first event after a hole."""
        while (entry := self._backlog.pop()) is not None:
            if entry.seq > self._last + 1:
                yield _gap(self._last + 1, entry.seq - 1)
            self._last = entry.seq
            yield entry.text
        if self._last < self._known:  # the newest were forgotten, or numbered before a kill
            yield _gap(self._last + 1, self._known)
            self._last = self._known

    def offer(self, entry: Entry, *, droppable: bool) -> None:
        """Add one event; never waits."""
        self._overrun = self._overrun or len(self._backlog.kept) >= _MOST_KEPT_BEHIND
        if not self._overrun:
            self._backlog.add(entry, droppable=droppable)
        self._waiting.set()

    def end(self) -> None:
        """Let the reader finish what it has and stop."""
        self._closed = True
        self._waiting.set()

    def close(self) -> None:
        """Leave the stream."""
        self._stream.leave(self)


class EventStream:
    """The events of one environment.

    Args:
        sequence: gives the numbers; it goes on where an earlier control plane ended, so that a
            reader's ``after`` keeps its meaning.
        history: how many events that are never dropped a reader can resume over.
        droppable: how many of the others; a minute of a run makes some 700.
        queue: how many droppable events wait for a slow reader.
    """

    def __init__(
        self,
        sequence: Sequence,
        *,
        history: int = 1024,
        droppable: int = 700,
        queue: int = 256,
    ) -> None:
        self._sequence = sequence
        self._history = _Backlog(droppable, history)
        self._queue = queue
        self._readers: set[Subscription] = set()

    @property
    def last_seq(self) -> int:
        """Return the number of the newest event, 0 before the first."""
        return self._sequence.last

    @property
    def readers(self) -> int:
        """Return how many are reading now."""
        return len(self._readers)

    def emit(self, kind: EventType | str, data: dict[str, Any]) -> None:
        """Append an event and offer it to every reader. Call on the event loop's thread."""
        kind = EventType(kind)
        event = Event(seq=self._sequence.next(), ts=time.time(), type=kind, data=data)
        entry = Entry(event.seq, event.model_dump_json())
        droppable = kind in DROPPABLE
        self._history.add(entry, droppable=droppable)
        for reader in self._readers:
            reader.offer(entry, droppable=droppable)

    def subscribe(self, after: int) -> Subscription:
        """Return a reader that gets everything later than ``after`` (0: all there is).

        Raises:
            InvalidRequestError: ``after`` is negative or in the future.
        """
        if after < 0:
            raise InvalidRequestError(
                f"after={after} is negative", hint="Use the seq of the last event you have, or 0."
            )
        if after > self.last_seq:
            raise InvalidRequestError(
                f"after={after} lies in the future: the last event is {self.last_seq}",
                hint="Use the seq of the last event you have, or 0 to start anew.",
            )
        backlog = _Backlog(self._queue, None)
        # What is resumed over may be more than a slow reader's queue: it is there already and
        # costs nothing, the bound is for what comes from now on.
        missed = (entry for entry in self._history.droppable if entry.seq > after)
        backlog.droppable = deque(missed, maxlen=self._queue + len(self._history.droppable))
        backlog.kept = deque(entry for entry in self._history.kept if entry.seq > after)
        reader = Subscription(self, after, backlog)
        self._readers.add(reader)
        return reader

    def forget_droppable(self) -> None:
        """Free what only somebody who watches now would miss: the environment is at rest."""
        self._history.droppable.clear()

    def leave(self, reader: Subscription) -> None:
        """Forget a reader."""
        self._readers.discard(reader)

    def close(self) -> None:
        """End every reader once it has read what is there."""
        for reader in self._readers:
            reader.end()


def _gap(first: int, last: int) -> str:
    # It carries the last missed number, so that resuming after a gap does not repeat it.
    data = {"missed_from": first, "missed_to": last}
    return Event(seq=last, ts=time.time(), type=EventType.GAP, data=data).model_dump_json()

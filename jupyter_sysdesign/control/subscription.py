"""An environment's events as they come, for one thread, until another one closes it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from websockets.exceptions import ConnectionClosed

from jupyter_sysdesign.control.models import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from websockets.sync.client import ClientConnection


class Subscription:
    """Events to iterate over; doing so again goes on after the last one.

    Args:
        connect: opens the stream of what comes later than a number.
        after: the number to begin after.

    Attributes:
        after: number of the last event.
        closed: set once ``close`` was called.
        opened: called each time the stream is open, by whoever iterates.
    """

    def __init__(self, connect: Callable[[int], ClientConnection], after: int) -> None:
        self.after = after
        self.closed = threading.Event()
        self.opened: Callable[[], None] = lambda: None
        self._connect = connect
        self._connection: ClientConnection | None = None
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[Event]:
        """Yield events, over broken connections, until it is closed or the environment removed.

        Raises:
            NotFoundError: there is no such environment (any more).
            InvalidRequestError: ``after`` lies in the future.
            UnavailableError: the control plane is gone.
        """
        while not self.closed.is_set():
            with self._connect(self.after) as connection:
                with self._lock:
                    if self.closed.is_set():
                        return
                    self._connection = connection
                self.opened()
                try:
                    for text in connection:
                        event = Event.model_validate_json(text)
                        self.after = event.seq
                        yield event
                except ConnectionClosed:
                    continue
                return

    def close(self) -> None:
        """End it, from whichever thread: who waits for an event waits no longer."""
        with self._lock:
            self.closed.set()
            connection = self._connection
        if connection is not None:
            connection.close()

"""Increases of counters between two samples, across restarts of what counts."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Key = TypeVar("Key")


@dataclass(frozen=True)
class Increases(Generic[Key]):
    """By how much each counter went up, and in how long."""

    by: dict[Key, float]
    seconds: float

    def total(self, keys: Iterable[Key] | None = None) -> float:
        """Return the sum over some or all counters; one that is not there counts as 0."""
        if keys is None:
            return sum(self.by.values())
        return sum(self.by.get(key, 0.0) for key in keys)

    def rate(self, *keys: Key) -> float:
        """Return the increase of the counters given, per second."""
        return self.total(keys) / self.seconds


class Counters(Generic[Key]):
    """A set of counters that begin at 0 when the service that counts starts anew."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at = 0.0
        self._values: dict[Key, float] | None = None

    def update(
        self, values: Mapping[Key, float], *, complete: bool = True, anchor: Key | None = None
    ) -> Increases[Key] | None:
        """Take new values; return their increases since the last ones, None the first time.

        A value below its last one tells that what counts has started anew: then all of each is
        new, however large. So is that of a counter that was not there before, unless the last
        values were not ``complete``. Where only a restart resets the ``anchor``, each counter is
        on its own: one that fell while the anchor did not has lost a part of what it sums up, and
        counts as nothing.
        """
        now, before = self._clock(), self._values
        seconds, self._at = now - self._at, now
        self._values = dict(values)
        if before is None or seconds <= 0:
            return None
        fallen = {key for key, value in values.items() if value < before.get(key, value)}
        anew = fallen and anchor is None
        kept = anchor is not None and anchor not in fallen
        by = {}
        for key, value in values.items():
            last = before.get(key)
            if last is None:
                by[key] = value if complete else 0.0
            elif anew or key in fallen:
                by[key] = 0.0 if kept else value
            else:
                by[key] = value - last
        return Increases(by, seconds)

    def forget(self) -> None:
        """Begin anew: the next values are the first."""
        self._values = None

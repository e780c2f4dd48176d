"""The last minutes of all metrics: ring buffers over one shared time axis."""

from __future__ import annotations

import bisect
import math
from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: Names come from what services report; a bound keeps a strange one from filling the memory.
MAX_NAMES = 512
_MISSING = math.nan


class Ring:
    """The last ``capacity`` numbers, oldest first."""

    __slots__ = ("_capacity", "_items", "_next")

    def __init__(self, capacity: int, filled: int = 0) -> None:
        """Make a ring; ``filled`` numbers of it are there already, all missing (NaN)."""
        self._capacity = capacity
        self._items = array("d", [_MISSING]) * min(filled, capacity)
        self._next = filled % capacity

    def __len__(self) -> int:
        return len(self._items)

    def append(self, item: float) -> None:
        """Add a number; the oldest one goes when the ring is full."""
        if len(self._items) < self._capacity:
            self._items.append(item)
            self._next = len(self._items) % self._capacity
        else:
            self._items[self._next] = item
            self._next = (self._next + 1) % self._capacity

    def list(self) -> list[float]:
        """Return the numbers, oldest first."""
        if len(self._items) < self._capacity:
            return self._items.tolist()
        return self._items[self._next :].tolist() + self._items[: self._next].tolist()


class Series:
    """All metrics of one environment; a value that a sample lacks is missing there."""

    def __init__(self, capacity: int = 1800) -> None:
        """Keep ``capacity`` samples: half an hour of one per second."""
        self._capacity = capacity
        self._ts = Ring(capacity)
        self._values: dict[str, Ring] = {}
        self._taken = 0
        self._seen: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._ts)

    @property
    def names(self) -> list[str]:
        """Return the names of all metrics seen."""
        return list(self._values)

    def append(self, ts: float, values: Mapping[str, float]) -> None:
        """Add a sample taken at ``ts`` (seconds since the epoch)."""
        for name in values:
            if name not in self._values:
                if len(self._values) >= MAX_NAMES:
                    self._forget_missing()
                if len(self._values) >= MAX_NAMES:
                    continue
                self._values[name] = Ring(self._capacity, filled=len(self._ts))
            self._seen[name] = self._taken
        self._taken += 1
        self._ts.append(ts)
        for name, ring in self._values.items():
            ring.append(values.get(name, _MISSING))

    def _forget_missing(self) -> None:
        """Drop the names of which no value is left."""
        for name, seen in list(self._seen.items()):
            if self._taken - seen >= self._capacity:
                del self._seen[name], self._values[name]

    def window(
        self, since: float = 0.0, names: Iterable[str] | None = None
    ) -> tuple[list[float], dict[str, list[float | None]]]:
        """Return times and values of the samples taken at or after ``since``; None where missing.

        A name that was never seen is not among them.
        """
        ts = self._ts.list()
        first = bisect.bisect_left(ts, since)
        wanted = self._values if names is None else [name for name in names if name in self._values]
        found = {}
        for name in wanted:
            items = self._values[name].list()[first:]
            found[name] = [None if math.isnan(item) else item for item in items]
        return ts[first:], found

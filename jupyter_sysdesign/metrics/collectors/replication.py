"""How far replicas are behind, seen from their primary.

The time is by the primary's log alone: how long ago it was where the replica is now, to within a
sample. So it is 0 while nobody writes, and grows whatever the reason: replay that is paused, a
replica that is slow, or one that is gone.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: Older than this is not told apart: an hour at a sample a second.
_REMEMBERED = 3600


class ReplicationLag:
    """The replicas of one primary. Positions are bytes since the beginning of its log."""

    def __init__(self, replicas: Iterable[str]) -> None:
        """Expect these; others that stream are none of ours."""
        self._names = frozenset(replicas)
        self._ends: deque[tuple[float, float]] = deque(maxlen=_REMEMBERED)
        self._replayed: dict[str, float] = {}

    def update(self, now_s: float, end: float, replayed: Mapping[str, float]) -> dict[str, float]:
        """Return the lag of every replica that was seen so far, by ``<replica>.<metric>``.

        Args:
            now_s: of a monotonic clock.
            end: where the primary's log ends.
            replayed: how far each replica is that is connected.
        """
        if self._ends and end < self._ends[-1][1]:  # the pair was reset
            self._ends.clear()
            self._replayed.clear()
        self._replayed.update({each: replayed[each] for each in self._names & replayed.keys()})
        if not self._replayed:
            return {}
        self._ends.append((now_s, end))
        slowest = min(self._replayed.values())
        while len(self._ends) > 1 and self._ends[0][1] <= slowest:
            self._ends.popleft()
        found: dict[str, float] = {}
        for name, position in self._replayed.items():
            missing = next((at_s for at_s, there in self._ends if there > position), now_s)
            found[f"{name}.replication_lag_bytes"] = max(end - position, 0.0)
            found[f"{name}.replication_lag_s"] = now_s - missing
        return found

"""Counters: one that only grows, and one that also shrinks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class GCounter:
    """A counter that grows (Shapiro et al., "A comprehensive study of CRDTs", 2011, spec. 6).

    One number for all would not do: two replicas that both went from 5 to 6 could not tell whether
    that was the same step. So each node counts for itself.

    Attributes:
        counts: how far each node has counted.
    """

    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def value(self) -> int:
        """The sum of what all have counted."""
        return sum(self.counts.values())

    def increment(self, node: str, by: int = 1) -> GCounter:
        """Return the counter after ``node`` has counted ``by`` further.

        Raises:
            ValueError: ``by`` is negative.
        """
        if by < 0:
            raise ValueError("a counter that only grows cannot be decremented")
        return GCounter({**self.counts, node: self.counts.get(node, 0) + by})

    def merge(self, other: GCounter) -> GCounter:
        """Return the larger count of each node: its own later state."""
        nodes = {**self.counts, **other.counts}
        return GCounter(
            {node: max(self.counts.get(node, 0), other.counts.get(node, 0)) for node in nodes}
        )


@dataclass(frozen=True)
class PNCounter:
    """A counter that grows and shrinks: the difference of two that grow (spec. 7).

    Taking the larger count would undo a decrement, so decrements are counted, too.

    Attributes:
        increments: all that was added.
        decrements: all that was taken away.
    """

    increments: GCounter = field(default_factory=GCounter)
    decrements: GCounter = field(default_factory=GCounter)

    @property
    def value(self) -> int:
        """What was added, less what was taken away."""
        return self.increments.value - self.decrements.value

    def increment(self, node: str, by: int = 1) -> PNCounter:
        """Return the counter after ``node`` has added ``by``."""
        return PNCounter(self.increments.increment(node, by), self.decrements)

    def decrement(self, node: str, by: int = 1) -> PNCounter:
        """Return the counter after ``node`` has taken ``by`` away."""
        return PNCounter(self.increments, self.decrements.increment(node, by))

    def merge(self, other: PNCounter) -> PNCounter:
        """Merge both counters."""
        return PNCounter(
            self.increments.merge(other.increments), self.decrements.merge(other.decrements)
        )

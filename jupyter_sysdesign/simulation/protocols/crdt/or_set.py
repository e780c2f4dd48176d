"""A set from which can be removed what was observed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

from jupyter_sysdesign.simulation.protocols.clocks import VectorClock

T = TypeVar("T")
#: One addition: the node that made it and how many it had made by then.
Dot: TypeAlias = "tuple[str, int]"


@dataclass(frozen=True)
class ORSet(Generic[T]):
    """A set in which an addition wins over a removal that did not know of it.

    Each addition is one of its own, and a removal takes away the additions it has seen. Bieniusa
    et al., "An optimized conflict-free replicated set" (2012): nothing has to be kept of what was
    removed, because an addition that is known but not there must have been removed.

    Attributes:
        additions: those that stand, each with what it added.
        known: of all additions, how many of each node have been seen, standing or not.
    """

    additions: frozenset[tuple[T, Dot]] = frozenset()
    known: VectorClock = field(default_factory=VectorClock)

    @property
    def value(self) -> frozenset[T]:
        """The elements."""
        return frozenset(element for element, _ in self.additions)

    def add(self, node: str, element: T) -> ORSet[T]:
        """Return the set after ``node`` has added ``element``, in place of earlier additions."""
        known = self.known.tick(node)
        others = self.remove(element).additions
        return ORSet(others | {(element, (node, known.of(node)))}, known)

    def remove(self, element: T) -> ORSet[T]:
        """Return the set without the additions of ``element`` that are known here."""
        return ORSet(frozenset(each for each in self.additions if each[0] != element), self.known)

    def merge(self, other: ORSet[T]) -> ORSet[T]:
        """Return what stands in both, and what stands in one and was never known to the other."""
        mine = frozenset(each for each in self.additions if not other.knows(each[1]))
        theirs = frozenset(each for each in other.additions if not self.knows(each[1]))
        both = self.additions & other.additions
        return ORSet(both | mine | theirs, self.known.merge(other.known))

    def knows(self, dot: Dot) -> bool:
        """Return whether an addition has been seen here, even if it was removed since."""
        node, number = dot
        return number <= self.known.of(node)

"""A list that several can edit at once: the replicated growable array.

Roh, Jeon, Kim and Lee, "Replicated abstract data types: Building blocks for collaborative
applications" (2011), in the form of a tree (Attiya et al., "Specification and complexity of
collaborative text editing", 2016).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from jupyter_sysdesign.simulation.protocols.clocks import Stamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

T = TypeVar("T")


@dataclass(frozen=True)
class RGA(Generic[T]):
    """A list.

    A position means nothing to others, who may have inserted before it. So an element is placed
    after another one, and both keep their stamps for ever. Of elements placed after the same one,
    the newest stands first: whoever placed it saw the others, or nobody can tell. A removed element
    stays as a tombstone, because others may yet place something after it.

    Attributes:
        elements: for each stamp, the stamp of the element it was placed after (None: the beginning)
            and what it is.
        removed: the stamps of tombstones.
    """

    elements: Mapping[Stamp, tuple[Stamp | None, T]] = field(default_factory=dict)
    removed: frozenset[Stamp] = frozenset()

    @property
    def value(self) -> list[T]:
        """The elements that stand, in order."""
        return [self.elements[stamp][1] for stamp in self._standing()]

    def insert(self, node: str, position: int, element: T) -> RGA[T]:
        """Return the list after ``node`` has inserted ``element`` before ``position``.

        Raises:
            IndexError: the list is shorter.
        """
        standing = list(self._standing())
        if not 0 <= position <= len(standing):
            raise IndexError(f"position {position} in a list of {len(standing)}")
        after = standing[position - 1] if position else None
        # Newer than all that is known here, so that it stands right behind ``after``.
        stamp = Stamp(max((each.time for each in self.elements), default=0) + 1, node)
        return RGA({**self.elements, stamp: (after, element)}, self.removed)

    def delete(self, position: int) -> RGA[T]:
        """Return the list without the element at ``position``.

        Raises:
            IndexError: the list is shorter.
        """
        standing = list(self._standing())
        if not 0 <= position < len(standing):
            raise IndexError(f"position {position} in a list of {len(standing)}")
        return RGA(self.elements, self.removed | {standing[position]})

    def merge(self, other: RGA[T]) -> RGA[T]:
        """Return all elements of both; what either has removed stays removed."""
        return RGA({**self.elements, **other.elements}, self.removed | other.removed)

    def order(self) -> Iterator[Stamp]:
        """Yield the stamps of all elements in order, tombstones among them."""
        after: dict[Stamp | None, list[Stamp]] = {}
        for stamp in sorted(self.elements):
            after.setdefault(self.elements[stamp][0], []).append(stamp)
        waiting = after.get(None, [])[:]
        while waiting:  # the newest lies on top
            stamp = waiting.pop()
            yield stamp
            waiting += after.get(stamp, [])

    def _standing(self) -> Iterator[Stamp]:
        return (stamp for stamp in self.order() if stamp not in self.removed)

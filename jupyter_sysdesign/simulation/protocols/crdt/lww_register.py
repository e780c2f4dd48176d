"""A register in which the last writer wins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.protocols.clocks import Stamp

T = TypeVar("T")


@dataclass(frozen=True)
class LWWRegister(Generic[T]):
    """One value, and when it was written (Shapiro et al. 2011, spec. 8).

    It converges by throwing away: of two writes that knew nothing of each other, only the one with
    the larger stamp is left, and nobody is told. With stamps from wall clocks, a clock that runs
    ahead wins over everything written after it.

    Attributes:
        value: what is in it.
        stamp: when that was written; no two writes have the same.
    """

    value: T
    stamp: Stamp

    def write(self, value: T, stamp: Stamp) -> LWWRegister[T]:
        """Return the register after a write; one older than what is in it changes nothing."""
        return self.merge(LWWRegister(value, stamp))

    def merge(self, other: LWWRegister[T]) -> LWWRegister[T]:
        """Return the one that was written last."""
        return other if other.stamp > self.stamp else self

"""Logical clocks: time that follows from who heard of whom.

Lamport, "Time, Clocks, and the Ordering of Events in a Distributed System" (1978); vector clocks by
Fidge and by Mattern (1988).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, order=True)
class Stamp:
    """A moment of Lamport time, told apart by node: all stamps of a system are in one order.

    The order never contradicts what happened before what, but it says more than is known: of two
    events that knew nothing of each other, one stamp is the smaller.
    """

    time: int
    node: str


class LamportClock:
    """The clock of one node (Lamport 1978, rules IR1 and IR2).

    Attributes:
        node: whose it is.
        time: of the last event.
    """

    def __init__(self, node: str) -> None:
        self.node = node
        self.time = 0

    def tick(self) -> Stamp:
        """Return the stamp of an event here; the sending of a message is one."""
        self.time += 1
        return Stamp(self.time, self.node)

    def receive(self, stamp: Stamp) -> Stamp:
        """Return the stamp of receiving a message that was sent at ``stamp``."""
        self.time = max(self.time, stamp.time)
        return self.tick()


class Order(Enum):
    """How two events stand to each other."""

    BEFORE = "before"
    AFTER = "after"
    EQUAL = "equal"
    CONCURRENT = "concurrent"


@dataclass(frozen=True)
class VectorClock:
    """How many events of each node are known.

    Unlike a Lamport stamp it tells the whole truth: one clock is before another if and only if its
    event happened before the other's.

    Attributes:
        events: for each node, how many of its events; a node that is missing has none.
    """

    events: Mapping[str, int] = field(default_factory=dict)

    def tick(self, node: str) -> VectorClock:
        """Return the clock after one more event of ``node``."""
        return VectorClock({**self.events, node: self.of(node) + 1})

    def merge(self, other: VectorClock) -> VectorClock:
        """Return what both know together; on receiving a message, merge and then tick."""
        nodes = {**self.events, **other.events}
        return VectorClock({node: max(self.of(node), other.of(node)) for node in nodes})

    def of(self, node: str) -> int:
        """Return how many events of ``node`` are known."""
        return self.events.get(node, 0)

    def compare(self, other: VectorClock) -> Order:
        """Return how this clock's event stands to the other's."""
        nodes = {**self.events, **other.events}
        behind = any(self.of(node) < other.of(node) for node in nodes)
        ahead = any(self.of(node) > other.of(node) for node in nodes)
        if behind and ahead:
            return Order.CONCURRENT
        if behind:
            return Order.BEFORE
        return Order.AFTER if ahead else Order.EQUAL

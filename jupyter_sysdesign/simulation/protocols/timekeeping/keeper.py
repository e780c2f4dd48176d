"""A process that keeps Lamport's clock and a vector clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.simulation.protocols.clocks import LamportClock, Stamp, VectorClock
from jupyter_sysdesign.simulation.protocols.timekeeping.frame import Process

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import NodeId


class Keeper(Process):
    """Keeps both clocks as they are written down in ``clocks.py``."""

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.clock = LamportClock(str(ctx.id))
        self.known = VectorClock()

    def tick(self) -> Stamp:
        """Let one event happen."""
        self.known = self.known.tick(str(self.ctx.id))
        return self.clock.tick()

    def show(self, stamp: Stamp) -> None:
        """Put the stamps where the frame looks for them."""
        self.lamport = stamp.time
        self.vector = {int(node): count for node, count in self.known.events.items()}

    def local(self) -> None:
        """One more event (IR1)."""
        self.show(self.tick())

    def send(self) -> Any:
        """One more event, whose stamps travel along (IR2 a)."""
        stamp = self.tick()
        self.show(stamp)
        return stamp, dict(self.known.events)

    def receive(self, stamp: Any) -> None:
        """Go on from what the sender knew (IR2 b), or from where one is, if that is later."""
        sent, events = stamp
        self.known = self.known.merge(VectorClock(events)).tick(str(self.ctx.id))
        self.show(self.clock.receive(sent))

    def order(self, one: Mapping[NodeId, int], other: Mapping[NodeId, int]) -> str:
        """Compare them entry by entry."""
        first = VectorClock({str(node): count for node, count in one.items()})
        second = VectorClock({str(node): count for node, count in other.items()})
        return first.compare(second).value

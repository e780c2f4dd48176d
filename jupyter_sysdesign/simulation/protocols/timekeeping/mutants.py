"""A gallery of processes whose clocks go wrong: what the judge must find."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.simulation.judge.gallery import Gallery
from jupyter_sysdesign.simulation.protocols.clocks import VectorClock
from jupyter_sysdesign.simulation.protocols.timekeeping.keeper import Keeper

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_sysdesign.simulation.node import NodeId

GALLERY = Gallery()


@GALLERY.mutant("own-time-only", "IR2", "clock-condition")
class OwnTimeOnly(Keeper):
    """Counts its own events, and does not look at the time a message was sent at."""

    def receive(self, stamp: Any) -> None:
        """Overlook the sender's time."""
        self.known = self.known.merge(VectorClock(stamp[1]))
        self.show(self.tick())


@GALLERY.mutant("takes-the-senders-time", "IR2", "clock-condition")
class TakesTheSendersTime(Keeper):
    """Sets its clock to the time of each message, also back."""

    def receive(self, stamp: Any) -> None:
        """Do not keep the later one."""
        self.clock.time = stamp[0].time
        self.known = self.known.merge(VectorClock(stamp[1]))
        self.show(self.tick())


@GALLERY.mutant("no-tick-on-receive", "IR2", "clock-condition", "vector-condition")
class NoTickOnReceive(Keeper):
    """Takes a message for no event of its own: its time is that of the sending."""

    def receive(self, stamp: Any) -> None:
        """Only catch up."""
        self.clock.time = max(self.clock.time, stamp[0].time)
        self.known = self.known.merge(VectorClock(stamp[1]))
        self.show(type(stamp[0])(self.clock.time, str(self.ctx.id)))


@GALLERY.mutant("stamps-before-the-tick", "IR2", "clock-condition", "vector-condition")
class StampsBeforeTheTick(Keeper):
    """Sends the stamp of the event before the sending."""

    def send(self) -> Any:
        """Tick too late."""
        late = type(self.tick())(self.clock.time - 1, str(self.ctx.id)), dict(self.known.events)
        late[1][str(self.ctx.id)] -= 1
        self.show(type(late[0])(self.clock.time, str(self.ctx.id)))
        return late


@GALLERY.mutant("overwrites-its-vector", "Mattern, §4", "vector-condition")
class OverwritesItsVector(Keeper):
    """Puts the vector of each message in the place of its own."""

    def receive(self, stamp: Any) -> None:
        """Forget what only oneself knew."""
        own = self.known.of(str(self.ctx.id))
        self.known = VectorClock({**stamp[1], str(self.ctx.id): own + 1})
        self.show(self.clock.receive(stamp[0]))


@GALLERY.mutant("compares-sums", "Mattern, Definition 7", "compared")
class ComparesSums(Keeper):
    """Takes the vector with fewer events altogether for the earlier one."""

    def order(self, one: Mapping[NodeId, int], other: Mapping[NodeId, int]) -> str:
        """Add them up."""
        first, second = sum(one.values()), sum(other.values())
        return "equal" if first == second else "before" if first < second else "after"


@GALLERY.mutant("misses-what-is-missing", "Mattern, Definition 7", "compared")
class MissesWhatIsMissing(Keeper):
    """Compares only the entries that both vectors have."""

    def order(self, one: Mapping[NodeId, int], other: Mapping[NodeId, int]) -> str:
        """Leave the others out."""
        both = one.keys() & other.keys()
        return super().order(
            {each: one[each] for each in both}, {each: other[each] for each in both}
        )

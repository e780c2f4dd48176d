"""A gallery of servers of the quorum store that each break one rule: what the judge must find."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.simulation.judge.gallery import Gallery
from jupyter_sysdesign.simulation.protocols.quorum import merkle
from jupyter_sysdesign.simulation.protocols.quorum.messages import EMPTY, Copy, HandedOff
from jupyter_sysdesign.simulation.protocols.quorum.replica import Replica, Work

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.node import NodeId
    from jupyter_sysdesign.simulation.protocols.quorum.messages import (
        Call,
        Compare,
        Copies,
        Fetched,
        Handoff,
        Store,
    )

QUORUM_MUTANTS = Gallery()
_mutant = QUORUM_MUTANTS.mutant


# Registers ---------------------------------------------------------------------------------


@_mutant("reads-only-read", "ABD", "linearizability")
class ReadsOnlyRead(Replica):
    """Answers what the newest of R has, and leaves it at that: the next read may find less."""

    def read(self, number: int, work: Work, newest: Copy) -> None:
        """Skip the second phase."""
        self.answer(work, ok=True, value=newest.value)
        self.done(number)


@_mutant("first-answer-wins", "Gifford (1979)", "linearizability")
class FirstAnswerWins(Replica):
    """Waits for R answers, and takes the first of them instead of the newest."""

    def on_fetched(self, src: NodeId, message: Fetched) -> None:
        """Let the later ones look like the first."""
        work = self.work.get(message.work)
        if work is not None and work.call.kind == "read" and work.found:
            message = message._replace(copy=next(iter(work.found.values())))
        super().on_fetched(src, message)


@_mutant("one-is-enough", "Gifford (1979)", "linearizability", "durable")
class OneIsEnough(Replica):
    """Acknowledges a write when the first copy is stored, whatever W says."""

    def enough(self, work: Work) -> int:
        """Count to one."""
        return 1


@_mutant("trusts-its-clock", "ABD; Lamport (1978)", "linearizability")
class TrustsItsClock(Replica):
    """Takes versions from its own clock, which may be behind that of another server."""

    def made(self, work: Work, number: int) -> Copy:
        """Look at the clock."""
        return super().made(work, max(self.ctx.now(), 1))


@_mutant("does-calls-twice", "ABD", "linearizability", "one-value")
class DoesCallsTwice(Replica):
    """Does a doubled write a second time, above what was written since."""

    def is_repeated(self, src: NodeId, message: Call) -> bool:
        """Take everything for new."""
        return False


@_mutant("strangers-count", "Dynamo, §4.6", "linearizability", "durable")
class StrangersCount(Replica):
    """Lets others stand in where strict quorums are chosen: a read may not meet the write."""

    def on_call(self, src: NodeId, message: Call) -> None:
        """Wait a little, and then take anybody."""
        super().on_call(src, message)
        if self.work:
            self.ctx.set_timer(f"stand-in {self.last_work}", self.STAND_IN_US)

    def may_widen(self, work: Work) -> bool:
        """Let them."""
        return True


# Copies ------------------------------------------------------------------------------------


@_mutant("last-to-arrive-wins", "ABD", "copy-kept", "linearizability")
class LastToArriveWins(Replica):
    """Keeps whatever arrives last, also if it is older than what is there."""

    def keep(self, key: str, copy: Copy) -> None:
        """Do not compare."""
        if copy != EMPTY:
            self.copies[key] = copy
            self.ctx.disk.write(key, copy)
            self.ctx.disk.sync()


@_mutant("acknowledges-unsynced", "Dynamo, §4.5", "copy-kept", "linearizability", "durable")
class AcknowledgesUnsynced(Replica):
    """Says that a copy is stored when it is written, and not yet synced."""

    def keep(self, key: str, copy: Copy) -> None:
        """Leave the sync to others."""
        mine = self.copies.get(key, EMPTY)
        merged = self.newer(key, mine, copy)
        if merged != mine:
            self.copies[key] = merged
            self.ctx.disk.write(key, merged)


# Answering always --------------------------------------------------------------------------


@_mutant("strict-all-the-same", "Dynamo, §4.6", "available")
class StrictAllTheSame(Replica):
    """Waits for the owners of a key where others may stand in."""

    def may_widen(self, work: Work) -> bool:
        """Wait."""
        return False


@_mutant("hints-in-memory", "Dynamo, §4.6", "convergence", "durable")
class HintsInMemory(Replica):
    """Keeps in memory what it keeps for others: after a crash it is gone."""

    def save_hints(self) -> None:
        """Write nothing."""


@_mutant("hands-off-and-forgets", "Dynamo, §4.6", "convergence", "durable")
class HandsOffAndForgets(Replica):
    """Forgets a hint when it is sent, not when its owner has it."""

    def on_timer(self, name: str) -> None:
        """Send, and forget."""
        super().on_timer(name)
        if name == "handoff":
            self.hints.clear()
            self.save_hints()


@_mutant("hints-for-itself", "Dynamo, §4.6", "convergence", "durable")
class HintsForItself(Replica):
    """Stands in for somebody, and takes the copy for its own: its owner never gets it."""

    def on_store(self, src: NodeId, message: Store) -> None:
        """Forget whose it is."""
        super().on_store(src, message._replace(owner=None))


@_mutant("loses-what-it-hears", "Dynamo, §4.6", "convergence", "durable")
class LosesWhatItHears(Replica):
    """Acknowledges a handoff without keeping it."""

    def on_handoff(self, src: NodeId, message: Handoff) -> None:
        """Be polite."""
        self.ctx.send(src, HandedOff(message.key, message.copy))


@_mutant("names-are-enough", "Dynamo, §4.7", "convergence")
class NamesAreEnough(Replica):
    """Compares which keys there are, and not which versions of them."""

    def on_copies(self, src: NodeId, message: Copies) -> None:
        """Take over what is missing."""
        for key, copy in message.copies:
            if key not in self.copies:
                self.keep(key, copy)
        if message.answer:
            self.send_copies(src, message.path, answer=False)


@_mutant("one-side-of-the-tree", "Dynamo, §4.7", "convergence")
class OneSideOfTheTree(Replica):
    """Goes down the left side of the tree only."""

    def on_compare(self, src: NodeId, message: Compare) -> None:
        """Cover the right digest with one's own."""
        left, _ = message.digests
        _, own = merkle.children(self.common(src), message.path)
        super().on_compare(src, message._replace(digests=(left, own)))

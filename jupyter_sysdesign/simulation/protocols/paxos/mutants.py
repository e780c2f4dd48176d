"""Two galleries of Paxos servers that each break one rule: what the judge must find.

Every one is a mistake that people make, small enough to read in one breath. Each names the rules
that may show it first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.simulation.clients import Reply, Request
from jupyter_sysdesign.simulation.judge.gallery import Gallery
from jupyter_sysdesign.simulation.protocols.paxos.messages import (
    Accept,
    Accepted,
    Ballot,
    Promise,
    Proposal,
)
from jupyter_sysdesign.simulation.protocols.paxos.multi import MultiPaxos
from jupyter_sysdesign.simulation.protocols.paxos.synod import LEADER, SLOT, Synod
from jupyter_sysdesign.simulation.protocols.raft.machine import KeyValue
from jupyter_sysdesign.simulation.units import MS

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import NodeId
    from jupyter_sysdesign.simulation.protocols.paxos.messages import Prepare

SYNOD_GALLERY = Gallery()
GALLERY = Gallery()

#: Two values in one slot: whoever is looked at first shows it.
_VALUES_DIFFER = ("highest-accepted", "one-chosen", "learned", "proposed")
#: The same in a store, where clients may be told of it first.
_SLOTS_DIFFER = ("highest-accepted", "one-chosen", "learned", "linearizability")

# One value ---------------------------------------------------------------------------------


@SYNOD_GALLERY.mutant("own-value", "§2.2, P2c", *_VALUES_DIFFER)
class OwnValue(Synod):
    """Proposes its own value, whatever the acceptors say they have accepted."""

    def value_to_propose(self) -> Any:
        """Do not look."""
        return self.wanted


@SYNOD_GALLERY.mutant("lowest-ballot", "§2.2, P2c", *_VALUES_DIFFER)
class LowestBallot(Synod):
    """Takes over the value of the lowest ballot it is told of, and not of the highest."""

    def value_to_propose(self) -> Any:
        """Take the oldest."""
        accepted = [each for each in self.promises.values() if each is not None]
        return min(accepted, key=lambda each: each.ballot).value if accepted else self.wanted


@SYNOD_GALLERY.mutant("accepts-anything", "§2.2, P1a", "promise-kept", "accepted-kept")
class AcceptsAnything(Synod):
    """Accepts whatever comes, also below the ballot it has promised."""

    def may_accept(self, ballot: Ballot) -> bool:
        """Forget the promise."""
        return True


@SYNOD_GALLERY.mutant("promises-anything", "§2.2", "promise-kept")
class PromisesAnything(Synod):
    """Promises every ballot it is asked for, also a lower one."""

    def may_promise(self, ballot: Ballot) -> bool:
        """Please everybody."""
        return True


@SYNOD_GALLERY.mutant("promise-in-memory", "§2.5", "promise-kept")
class PromiseInMemory(Synod):
    """Keeps its promise in memory: after a restart it accepts what it had promised not to."""

    def promise(self, ballot: Ballot) -> None:
        """Do not write."""
        self.promised = ballot


@SYNOD_GALLERY.mutant("accepted-in-memory", "§2.5", "accepted-kept", *_VALUES_DIFFER)
class AcceptedInMemory(Synod):
    """Keeps what it accepted in memory: after a restart nobody can tell that it was chosen."""

    def accept(self, ballot: Ballot, value: Any) -> None:
        """Write the promise only."""
        self.accepted[SLOT] = Proposal(ballot, value)
        self.promise(max(self.promised, ballot))


@SYNOD_GALLERY.mutant("promises-before-sync", "§2.5", "promise-kept", *_VALUES_DIFFER)
class PromisesBeforeSync(Synod):
    """Sends its promise, and then waits until it is on the disk."""

    def on_prepare(self, src: NodeId, message: Prepare) -> None:
        """Say what will be."""
        if self.may_promise(message.ballot):
            accepted = tuple((SLOT, *each) for each in self.accepted.values())
            self.ctx.send(src, Promise(message.ballot, accepted))
        super().on_prepare(src, message)


@SYNOD_GALLERY.mutant("half-is-enough", "§2.2", *_VALUES_DIFFER)
class HalfIsEnough(Synod):
    """Takes half of the servers, rounded down, for a majority: two halves need not meet."""

    def is_majority(self, count: int) -> bool:
        """Miss one."""
        return count >= (len(self.ctx.peers) + 1) // 2


@SYNOD_GALLERY.mutant("same-numbers", "§2.2", "one-proposal", "promise-kept", *_VALUES_DIFFER)
class SameNumbers(Synod):
    """Numbers its proposals by rounds only: two proposers use the same number."""

    def next_ballot(self) -> Ballot:
        """Leave oneself out."""
        return Ballot(self.promised.round + 1, 0)

    def may_promise(self, ballot: Ballot) -> bool:
        """Let equals through, or nothing would ever be chosen."""
        return ballot >= self.promised


@SYNOD_GALLERY.mutant("counts-old-answers", "§2.2", *_VALUES_DIFFER)
class CountsOldAnswers(Synod):
    """Counts promises and acceptances of an earlier ballot for this one."""

    def is_current(self, ballot: Ballot) -> bool:
        """Take every answer."""
        return True


@SYNOD_GALLERY.mutant("learns-too-early", "§2.3", "learned", *_VALUES_DIFFER)
class LearnsTooEarly(Synod):
    """Takes its value for chosen as soon as a majority has promised."""

    def count_accepts(self) -> None:
        """Do not wait for them."""
        self.learn(self.accepted[SLOT].value)


@SYNOD_GALLERY.mutant("gives-up", "§2.4", "progress")
class GivesUp(Synod):
    """Does not try a higher ballot when it was refused or not heard."""

    def on_timer(self, name: str) -> None:
        """Do nothing."""


# The store ---------------------------------------------------------------------------------


@GALLERY.mutant("begins-afresh", "§3 and §2.2, P2c", *_SLOTS_DIFFER)
class BeginsAfresh(MultiPaxos):
    """Leads without finishing what others began: gives their slots to new commands."""

    def values_to_propose(self) -> dict[int, Any]:
        """Do not look."""
        return {}


@GALLERY.mutant("any-promise-will-do", "§2.2, P2c", *_SLOTS_DIFFER)
class AnyPromiseWillDo(MultiPaxos):
    """Takes over what the first one told of a slot, and not what the highest ballot did."""

    def values_to_propose(self) -> dict[int, Any]:
        """Keep the first."""
        values: dict[int, Any] = {}
        for accepted in self.promises.values():
            for slot, _, value in accepted:
                values.setdefault(slot, value)
        return values


@GALLERY.mutant("accepts-anything", "§2.2, P1a", "promise-kept", "accepted-kept")
class StoreAcceptsAnything(MultiPaxos):
    """Accepts whatever comes, also below the ballot it has promised."""

    def may_accept(self, ballot: Ballot) -> bool:
        """Forget the promise."""
        return True


@GALLERY.mutant("accepts-without-promising", "§2.2", "accepted-kept", *_SLOTS_DIFFER)
class AcceptsWithoutPromising(MultiPaxos):
    """Accepts a ballot it was never asked to promise, and a lower one after it."""

    def accept(self, ballot: Ballot, slot: int, value: Any) -> None:
        """Leave the promise as it was."""
        self.accepted[slot] = Proposal(ballot, value)
        self.ctx.disk.append("accepted", (slot, ballot, value))
        self.ctx.disk.sync()


@GALLERY.mutant("promise-in-memory", "§2.5", "promise-kept", "one-proposal")
class StorePromiseInMemory(MultiPaxos):
    """Keeps its promise in memory: after a restart it accepts what it had promised not to."""

    def promise(self, ballot: Ballot) -> None:
        """Do not write."""
        self.promised = ballot


@GALLERY.mutant("accepted-in-memory", "§2.5", "accepted-kept", *_SLOTS_DIFFER)
class StoreAcceptedInMemory(MultiPaxos):
    """Keeps what it accepted in memory: after a restart nobody can tell that it was chosen."""

    def accept(self, ballot: Ballot, slot: int, value: Any) -> None:
        """Write the promise only."""
        self.accepted[slot] = Proposal(ballot, value)
        if ballot > self.promised:
            self.promise(ballot)


@GALLERY.mutant("syncs-too-late", "§2.5", "accepted-kept", *_SLOTS_DIFFER)
class SyncsTooLate(MultiPaxos):
    """Writes what it accepts, and answers before it is synced."""

    def accept(self, ballot: Ballot, slot: int, value: Any) -> None:
        """Leave it to the next promise."""
        self.promised = max(self.promised, ballot)
        self.accepted[slot] = Proposal(ballot, value)
        self.ctx.disk.write("promised", self.promised)
        self.ctx.disk.append("accepted", (slot, ballot, value))


@GALLERY.mutant("half-is-enough", "§2.2", *_SLOTS_DIFFER)
class StoreHalfIsEnough(MultiPaxos):
    """Takes half of the servers, rounded down, for a majority: two halves need not meet."""

    def is_majority(self, count: int) -> bool:
        """Miss one."""
        return count >= (len(self.ctx.peers) + 1) // 2


@GALLERY.mutant("counts-old-answers", "§2.2", *_SLOTS_DIFFER)
class StoreCountsOldAnswers(MultiPaxos):
    """Counts promises and acceptances of an earlier ballot for this one."""

    ELECTION_TIMEOUT_US = (30 * MS, 80 * MS)

    def is_current(self, ballot: Ballot) -> bool:
        """Take every answer."""
        return True


@GALLERY.mutant("counts-old-promises", "§2.2", *_SLOTS_DIFFER)
class CountsOldPromises(MultiPaxos):
    """Counts promises of an earlier ballot for this one; acceptances it looks at."""

    def on_promise(self, src: NodeId, message: Promise) -> None:
        """Take every promise."""
        super().on_promise(src, message._replace(ballot=self.ballot))


@GALLERY.mutant("counts-promises-twice", "§2.2", *_SLOTS_DIFFER)
class CountsPromisesTwice(MultiPaxos):
    """Counts promises and not acceptors: one that arrives twice is two."""

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.again = 0

    def stand(self) -> None:
        """Begin to count."""
        self.again = 0
        super().stand()

    def on_promise(self, src: NodeId, message: Promise) -> None:
        """Count it, whoever it is from."""
        self.again += src in self.promises and message.ballot == self.ballot
        super().on_promise(src, message)

    def count_promises(self) -> None:
        """Look at the count."""
        if self.is_majority(len(self.promises) + self.again):
            self.lead()


@GALLERY.mutant("counts-acceptances-twice", "§2.2 and §2.3", *_SLOTS_DIFFER)
class CountsAcceptancesTwice(MultiPaxos):
    """Counts acceptances and not acceptors: one that arrives twice is two."""

    def on_accepted(self, src: NodeId, message: Accepted) -> None:
        """Put each acceptance under a new name."""
        already = self.accepts.get(message.slot, set())
        super().on_accepted(f"{src}/{len(already)}", message)


@GALLERY.mutant("tells-one-slot", "§3", *_SLOTS_DIFFER)
class TellsOneSlot(MultiPaxos):
    """Promises for all slots, and tells only of the last it has accepted."""

    def accepted_from(self, first: int) -> tuple[tuple[int, Ballot, Any], ...]:
        """Tell of one."""
        return super().accepted_from(first)[-1:]


@GALLERY.mutant("leaves-gaps", "§3", "progress")
class LeavesGaps(MultiPaxos):
    """Proposes nothing for a slot of which nobody told: all behind it waits for ever."""

    def propose(self, slot: int, value: Any) -> None:
        """Skip it."""
        if value is not None:
            super().propose(slot, value)


@GALLERY.mutant("out-of-order", "§3", "linearizability")
class OutOfOrder(MultiPaxos):
    """Carries commands out as they are chosen, also before those of earlier slots."""

    def learn(self, slot: int, value: Any) -> None:
        """Do not wait for the gap to close."""
        if slot not in self.chosen:
            self.chosen[slot] = value
            self.apply(value)
            while self.applied + 1 in self.chosen:
                self.applied += 1


@GALLERY.mutant("local-reads", "§3", "linearizability")
class LocalReads(MultiPaxos):
    """Answers reads at once, though another leader may have chosen more meanwhile."""

    def on_request(self, src: NodeId, message: Request) -> None:
        """Trust to lead."""
        if self.role == LEADER and message.op == "get":
            value = self.machine.values.get(message.key)
            self.ctx.send(src, Reply(message.serial, True, value))
        else:
            super().on_request(src, message)


@GALLERY.mutant("reads-while-idle", "§3", "linearizability")
class ReadsWhileIdle(MultiPaxos):
    """Answers reads at once while none of its own proposals is open."""

    def on_request(self, src: NodeId, message: Request) -> None:
        """Take silence for agreement."""
        if self.role == LEADER and message.op == "get" and not self.accepts:
            value = self.machine.values.get(message.key)
            self.ctx.send(src, Reply(message.serial, True, value))
        else:
            super().on_request(src, message)


class _RepeatingMachine(KeyValue):
    """A machine that keeps no sessions."""

    def apply(self, request: Request) -> Any:
        """Carry out whatever comes."""
        _, _, op, key, value = request
        return self.carry_out(op, key, value)


@GALLERY.mutant("no-deduplication", "§3", "linearizability")
class NoDeduplication(MultiPaxos):
    """Carries out a command again that was chosen twice because its client asked again."""

    MACHINE = _RepeatingMachine


@GALLERY.mutant("floods", "§3", "message-budget", "limits")
class Floods(MultiPaxos):
    """Asks everybody again whenever somebody has accepted."""

    def on_accepted(self, src: NodeId, message: Accepted) -> None:
        """Ask again."""
        super().on_accepted(src, message)
        if self.role == LEADER and message.ballot == self.ballot:
            for peer in self.ctx.peers:
                value = self.accepted[message.slot].value
                self.ctx.send(peer, Accept(self.ballot, message.slot, value))

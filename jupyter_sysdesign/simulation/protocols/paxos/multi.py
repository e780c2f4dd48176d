"""Multi-Paxos: a replicated store, one instance of Paxos for each slot of its log. Section 3.

A leader does phase 1 once, for all slots that are not chosen yet; from then on each command costs
phase 2 only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from jupyter_sysdesign.simulation.clients import Reply, Request
from jupyter_sysdesign.simulation.node import Node
from jupyter_sysdesign.simulation.protocols.paxos.messages import (
    NO_BALLOT,
    Accept,
    Accepted,
    Ballot,
    Chosen,
    Heartbeat,
    Missing,
    PaxosProbe,
    Prepare,
    Promise,
    Proposal,
    Refused,
)
from jupyter_sysdesign.simulation.protocols.paxos.synod import ACCEPTOR, LEADER, PROPOSER
from jupyter_sysdesign.simulation.protocols.raft.machine import KeyValue
from jupyter_sysdesign.simulation.units import MS

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import NodeId


class MultiPaxos(Node):
    """One server of the store.

    Attributes:
        role: what it is at the moment.
        promised: the highest ballot it promised to respect, for all slots; on disk.
        accepted: slot → the ballot and value it accepted last; on disk.
        chosen: slot → the value, once it knows; learned anew after a restart.
        applied: every slot up to here is chosen and carried out.
        ballot: its own.
        leader: who leads, as far as it knows.
        promises: who promised, and what each of them had accepted.
        accepts: slot → who accepted the proposal for it, until a majority has.
        next_slot: where a leader puts the next command.
    """

    #: Long against a message's way, or two proposers interrupt each other for ever (§2.4).
    ELECTION_TIMEOUT_US: ClassVar[tuple[int, int]] = (150 * MS, 300 * MS)
    HEARTBEAT_US: ClassVar[int] = 50 * MS
    #: Values in one message; whoever lacks more asks again.
    LARGEST_BATCH: ClassVar[int] = 50
    MACHINE: ClassVar[type[KeyValue]] = KeyValue

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.promised = Ballot(*ctx.disk.read("promised", NO_BALLOT))
        self.accepted = {
            slot: Proposal(ballot, value) for slot, ballot, value in ctx.disk.log("accepted")
        }
        self.chosen: dict[int, Any] = {}
        self.applied = 0
        self.machine = self.MACHINE()
        self.role = ACCEPTOR
        self.ballot = NO_BALLOT
        self.leader: NodeId | None = None
        self.promises: dict[NodeId, tuple[tuple[int, Ballot, Any], ...]] = {}
        self.accepts: dict[int, set[NodeId]] = {}
        self.next_slot = 1
        self.handlers: dict[type, Callable[[NodeId, Any], None]] = {
            Request: self.on_request,
            Prepare: self.on_prepare,
            Promise: self.on_promise,
            Accept: self.on_accept,
            Accepted: self.on_accepted,
            Refused: self.on_refused,
            Chosen: self.on_chosen,
            Heartbeat: self.on_heartbeat,
            Missing: self.on_missing,
        }

    def probe(self) -> PaxosProbe:
        """Show the state that the rules are about."""
        return PaxosProbe(self.role, self.promised, self.accepted, self.chosen)

    def on_start(self) -> None:
        """Wait for a leader, at the first start and after each crash."""
        self.await_leader()

    def on_message(self, src: NodeId, message: Any) -> None:
        """Hand a message to its handler."""
        self.handlers[type(message)](src, message)

    def on_timer(self, name: str) -> None:
        """Try to lead, or go on leading."""
        if name == "election":
            self.stand()
        elif self.role == LEADER:
            self.beat()

    # Becoming the leader: phase 1 for all slots at once (§3) ----------------------------------

    def await_leader(self) -> None:
        """Start waiting anew; a random time keeps proposers apart (§2.4)."""
        shortest, longest = self.ELECTION_TIMEOUT_US
        spread = int(self.ctx.random.random() * (longest - shortest))
        self.ctx.set_timer("election", shortest + spread)

    def stand(self) -> None:
        """Ask everybody's promise for a ballot above all that it has heard of."""
        self.role = PROPOSER
        self.leader = None
        self.ballot = self.next_ballot()
        # Its own promise, before anybody hears of the ballot: after a crash it takes another.
        self.promise(self.ballot)
        first = self.applied + 1
        self.promises = {self.ctx.id: self.accepted_from(first)}
        self.await_leader()
        for peer in self.ctx.peers:
            self.ctx.send(peer, Prepare(self.ballot, first))
        self.count_promises()

    def next_ballot(self) -> Ballot:
        """Return a ballot that nobody has used."""
        return Ballot(self.promised.round + 1, self.ctx.id)

    def accepted_from(self, first: int) -> tuple[tuple[int, Ballot, Any], ...]:
        """Return what it accepted in the slots from ``first`` on."""
        return tuple((slot, *each) for slot, each in self.accepted.items() if slot >= first)

    def on_promise(self, src: NodeId, message: Promise) -> None:
        """Count a promise for its ballot."""
        if self.role == PROPOSER and self.is_current(message.ballot):
            self.promises[src] = message.accepted
            self.count_promises()

    def is_current(self, ballot: Ballot) -> bool:
        """Return whether an answer belongs to the ballot that is going on."""
        return ballot == self.ballot

    def is_majority(self, count: int) -> bool:
        """Return whether ``count`` servers are more than half."""
        return count * 2 > len(self.ctx.peers) + 1

    def count_promises(self) -> None:
        """Lead, with a majority's promises."""
        if self.is_majority(len(self.promises)):
            self.lead()

    def lead(self) -> None:
        """Finish what others began: each open slot gets the value it may have (§2.2, §3).

        A slot of which nobody told gets None, which does nothing, so that there are no gaps.
        """
        self.role = LEADER
        self.leader = self.ctx.id
        self.accepts = {}
        self.ctx.cancel("election")
        values = self.values_to_propose()
        self.next_slot = max(values, default=self.applied) + 1
        for slot in range(self.applied + 1, self.next_slot):
            self.propose(slot, values.get(slot))
        self.beat()

    def values_to_propose(self) -> dict[int, Any]:
        """Return, for each slot, the value of the highest ballot that was accepted."""
        highest: dict[int, tuple[Ballot, Any]] = {}
        for accepted in self.promises.values():
            for slot, ballot, value in accepted:
                if slot not in highest or ballot > highest[slot][0]:
                    highest[slot] = (ballot, value)
        return {slot: value for slot, (_, value) in highest.items()}

    def give_way(self) -> None:
        """Neither lead nor try to."""
        if self.role != ACCEPTOR:
            self.role = ACCEPTOR
            self.leader = None
            self.accepts = {}
            self.ctx.cancel("beat")
            self.await_leader()

    def on_refused(self, _: NodeId, message: Refused) -> None:
        """Give way to a higher ballot; the next one of its own is above it."""
        if message.ballot > self.promised:
            self.promise(message.ballot)
            self.give_way()

    # Leading: phase 2 (§2.2, §3) --------------------------------------------------------------

    def on_request(self, src: NodeId, message: Request) -> None:
        """Give a client's command the next slot, if it leads; reads are commands, too."""
        if self.role != LEADER:
            self.ctx.send(src, Reply(message.serial, False, None, self.leader))
            return
        if any(self.accepted[slot].value == message for slot in self.accepts):
            return  # It is under way; the client asked twice.
        self.next_slot += 1
        self.propose(self.next_slot - 1, message)

    def propose(self, slot: int, value: Any) -> None:
        """Ask everybody to accept a value."""
        self.accept(self.ballot, slot, value)
        self.accepts[slot] = {self.ctx.id}
        for peer in self.ctx.peers:
            self.ctx.send(peer, Accept(self.ballot, slot, value))
        self.count_accepts(slot)

    def on_accepted(self, src: NodeId, message: Accepted) -> None:
        """Count who accepted a proposal of its ballot."""
        slot = message.slot
        if self.role == LEADER and self.is_current(message.ballot) and slot in self.accepts:
            self.accepts[slot].add(src)
            self.count_accepts(slot)

    def count_accepts(self, slot: int) -> None:
        """With a majority, the value is chosen: tell everybody (§2.3)."""
        if self.is_majority(len(self.accepts[slot])):
            del self.accepts[slot]
            value = self.accepted[slot].value
            for peer in self.ctx.peers:
                self.ctx.send(peer, Chosen(slot, (value,)))
            self.learn(slot, value)

    def beat(self) -> None:
        """Show that it leads, and ask again where no majority has answered."""
        self.ctx.set_timer("beat", self.HEARTBEAT_US)
        for peer in self.ctx.peers:
            self.ctx.send(peer, Heartbeat(self.ballot, self.applied))
            for slot, accepts in self.accepts.items():
                if peer not in accepts:
                    self.ctx.send(peer, Accept(self.ballot, slot, self.accepted[slot].value))

    # The acceptor (§2.2) ---------------------------------------------------------------------

    def on_prepare(self, src: NodeId, message: Prepare) -> None:
        """Promise to accept nothing below this ballot in any slot, and tell what was accepted."""
        if not self.may_promise(message.ballot):
            self.ctx.send(src, Refused(self.promised))
            return
        self.promise(message.ballot)
        self.give_way()
        self.await_leader()
        self.ctx.send(src, Promise(message.ballot, self.accepted_from(message.first)))

    def may_promise(self, ballot: Ballot) -> bool:
        """Return whether a ballot is above all it has promised."""
        return ballot > self.promised

    def promise(self, ballot: Ballot) -> None:
        """Remember a promise, also through a crash (§2.5)."""
        self.promised = ballot
        self.ctx.disk.write("promised", ballot)
        self.ctx.disk.sync()

    def on_accept(self, src: NodeId, message: Accept) -> None:
        """Accept a value, unless a higher ballot was promised."""
        if not self.may_accept(message.ballot):
            self.ctx.send(src, Refused(self.promised))
            return
        self.hear(src)
        self.accept(message.ballot, message.slot, message.value)
        self.ctx.send(src, Accepted(message.ballot, message.slot))

    def may_accept(self, ballot: Ballot) -> bool:
        """Return whether no promise forbids it."""
        return ballot >= self.promised

    def accept(self, ballot: Ballot, slot: int, value: Any) -> None:
        """Remember what is accepted, also through a crash; it is a promise, too."""
        self.promised = max(self.promised, ballot)
        self.accepted[slot] = Proposal(ballot, value)
        disk = self.ctx.disk
        disk.write("promised", self.promised)
        disk.append("accepted", (slot, ballot, value))
        disk.sync()

    # The learner (§2.3, §3) ------------------------------------------------------------------

    def hear(self, src: NodeId) -> None:
        """Recognise the leader, and wait for its next message."""
        self.give_way()
        self.leader = src
        self.await_leader()

    def on_heartbeat(self, src: NodeId, message: Heartbeat) -> None:
        """Follow the leader of the highest ballot; ask for what it knows to be chosen."""
        if not self.may_accept(message.ballot):
            self.ctx.send(src, Refused(self.promised))
            return
        self.hear(src)
        if message.chosen > self.applied:
            self.ctx.send(src, Missing(self.applied + 1))

    def on_missing(self, src: NodeId, message: Missing) -> None:
        """Tell somebody what was chosen, as much as fits."""
        last = min(self.applied, message.first + self.LARGEST_BATCH - 1)
        values = tuple(self.chosen[slot] for slot in range(message.first, last + 1))
        if values:
            self.ctx.send(src, Chosen(message.first, values))

    def on_chosen(self, _: NodeId, message: Chosen) -> None:
        """Believe what was chosen."""
        for slot, value in enumerate(message.values, start=message.first):
            self.learn(slot, value)

    def learn(self, slot: int, value: Any) -> None:
        """Keep a chosen value, and carry out all that follow without a gap (§3)."""
        self.chosen.setdefault(slot, value)
        while self.applied + 1 in self.chosen:
            self.applied += 1
            self.apply(self.chosen[self.applied])

    def apply(self, command: Request | None) -> None:
        """Carry out a command; the leader tells its client."""
        if command is not None:
            answer = self.machine.apply(command)
            if self.role == LEADER:
                self.ctx.send(command.client, Reply(command.serial, True, answer))

"""Single-decree Paxos: the servers choose one value, for ever. Section 2 of the paper.

A client proposes a value by any server, and is told which one was chosen: its own, or another.
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
    PaxosProbe,
    Prepare,
    Promise,
    Proposal,
    Refused,
)
from jupyter_sysdesign.simulation.units import MS

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import NodeId

ACCEPTOR, PROPOSER, LEADER = "acceptor", "proposer", "leader"
#: The one thing that is decided.
SLOT = 1


class Synod(Node):
    """One server.

    Attributes:
        promised: the highest ballot it promised to respect; on disk.
        accepted: slot 1 → the ballot and value it accepted last; on disk.
        chosen: slot 1 → the value, once it knows.
        ballot: of its own proposal.
        wanted: the value a client asked it to propose.
        promises: who promised, and the ballot and value each of them had accepted.
        accepts: who accepted its proposal.
        askers: clients that wait to be told.
    """

    #: Two proposers that wait equally long may interrupt each other for ever (§2.4).
    AGAIN_US: ClassVar[tuple[int, int]] = (40 * MS, 160 * MS)

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.promised = Ballot(*ctx.disk.read("promised", NO_BALLOT))
        self.accepted: dict[int, Proposal] = {}
        if (accepted := ctx.disk.read("accepted")) is not None:
            self.accepted[SLOT] = accepted
        self.chosen: dict[int, Any] = {}
        self.role = ACCEPTOR
        self.ballot = NO_BALLOT
        self.wanted: Any = None
        self.promises: dict[NodeId, Proposal | None] = {}
        self.accepts: set[NodeId] = set()
        self.askers: dict[NodeId, int] = {}
        self.handlers: dict[type, Callable[[NodeId, Any], None]] = {
            Request: self.on_request,
            Prepare: self.on_prepare,
            Promise: self.on_promise,
            Accept: self.on_accept,
            Accepted: self.on_accepted,
            Refused: self.on_refused,
            Chosen: self.on_chosen,
        }

    def probe(self) -> PaxosProbe:
        """Show the state that the rules are about."""
        return PaxosProbe(self.role, self.promised, self.accepted, self.chosen)

    def on_message(self, src: NodeId, message: Any) -> None:
        """Hand a message to its handler."""
        self.handlers[type(message)](src, message)

    def on_timer(self, _: str) -> None:
        """Propose anew, with a higher ballot: some answer did not come."""
        if SLOT not in self.chosen:
            self.propose()

    # The proposer (§2.2, phases 1a and 2a) ---------------------------------------------------

    def on_request(self, src: NodeId, message: Request) -> None:
        """Propose a client's value, unless one is chosen already or under way."""
        if SLOT in self.chosen:
            self.ctx.send(src, Reply(message.serial, True, self.chosen[SLOT]))
            return
        self.askers[src] = message.serial
        if self.wanted is None:
            self.wanted = message.value
            self.propose()

    def propose(self) -> None:
        """Begin phase 1 with a ballot above all that it has heard of."""
        self.role = PROPOSER
        self.ballot = self.next_ballot()
        # Its own promise, before anybody hears of the ballot: after a crash it takes another.
        self.promise(self.ballot)
        self.promises = {self.ctx.id: self.accepted.get(SLOT)}
        self.accepts = set()
        self.wait()
        for peer in self.ctx.peers:
            self.ctx.send(peer, Prepare(self.ballot))
        self.count_promises()

    def next_ballot(self) -> Ballot:
        """Return a ballot that nobody has used."""
        return Ballot(self.promised.round + 1, self.ctx.id)

    def wait(self) -> None:
        """Try again after a random time, if nothing comes of it."""
        shortest, longest = self.AGAIN_US
        spread = int(self.ctx.random.random() * (longest - shortest))
        self.ctx.set_timer("again", shortest + spread)

    def on_promise(self, src: NodeId, message: Promise) -> None:
        """Count a promise, if it is for the ballot that is going on."""
        if self.role == PROPOSER and self.is_current(message.ballot):
            accepted = [Proposal(ballot, value) for _, ballot, value in message.accepted]
            self.promises[src] = accepted[0] if accepted else None
            self.count_promises()

    def is_current(self, ballot: Ballot) -> bool:
        """Return whether an answer belongs to the ballot that is going on."""
        return ballot == self.ballot

    def count_promises(self) -> None:
        """Begin phase 2 with a majority's promises."""
        if not self.is_majority(len(self.promises)):
            return
        self.role = LEADER
        value = self.value_to_propose()
        self.accept(self.ballot, value)
        self.accepts = {self.ctx.id}
        for peer in self.ctx.peers:
            self.ctx.send(peer, Accept(self.ballot, SLOT, value))
        self.count_accepts()

    def value_to_propose(self) -> Any:
        """Return the value of the highest ballot that was accepted; one's own only if none was."""
        accepted = [each for each in self.promises.values() if each is not None]
        return max(accepted, key=lambda each: each.ballot).value if accepted else self.wanted

    def is_majority(self, count: int) -> bool:
        """Return whether ``count`` servers are more than half."""
        return count * 2 > len(self.ctx.peers) + 1

    def on_refused(self, _: NodeId, message: Refused) -> None:
        """Give up a ballot that will come to nothing; the next is above the one that was said."""
        if message.ballot > self.promised:
            self.promise(message.ballot)
            self.give_way()

    def give_way(self) -> None:
        """Stop proposing; the timer begins anew, if nothing was chosen until then."""
        if self.role != ACCEPTOR:
            self.role = ACCEPTOR
            self.wait()

    # The acceptor (§2.2, phases 1b and 2b) ---------------------------------------------------

    def on_prepare(self, src: NodeId, message: Prepare) -> None:
        """Promise to accept nothing below this ballot, and tell what was accepted."""
        if not self.may_promise(message.ballot):
            self.ctx.send(src, Refused(self.promised))
            return
        self.promise(message.ballot)
        self.give_way()
        accepted = tuple((SLOT, *each) for each in self.accepted.values())
        self.ctx.send(src, Promise(message.ballot, accepted))

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
        if message.ballot != self.ballot:
            self.give_way()
        self.accept(message.ballot, message.value)
        self.ctx.send(src, Accepted(message.ballot, SLOT))

    def may_accept(self, ballot: Ballot) -> bool:
        """Return whether no promise forbids it."""
        return ballot >= self.promised

    def accept(self, ballot: Ballot, value: Any) -> None:
        """Remember what is accepted, also through a crash; it is a promise, too."""
        self.promised = max(self.promised, ballot)
        self.accepted[SLOT] = Proposal(ballot, value)
        disk = self.ctx.disk
        disk.write("promised", self.promised)
        disk.write("accepted", self.accepted[SLOT])
        disk.sync()

    # The learner (§2.3) ----------------------------------------------------------------------

    def on_accepted(self, src: NodeId, message: Accepted) -> None:
        """Count who accepted the proposal."""
        if self.role == LEADER and self.is_current(message.ballot):
            self.accepts.add(src)
            self.count_accepts()

    def count_accepts(self) -> None:
        """With a majority, the value is chosen: tell everybody."""
        if self.is_majority(len(self.accepts)):
            value = self.accepted[SLOT].value
            for peer in self.ctx.peers:
                self.ctx.send(peer, Chosen(SLOT, (value,)))
            self.learn(value)

    def on_chosen(self, _: NodeId, message: Chosen) -> None:
        """Believe what was chosen."""
        self.learn(message.values[0])

    def learn(self, value: Any) -> None:
        """Keep the chosen value and tell the clients that wait."""
        self.chosen[SLOT] = value
        self.role = ACCEPTOR
        self.ctx.cancel("again")
        for client, serial in self.askers.items():
            self.ctx.send(client, Reply(serial, True, value))
        self.askers = {}

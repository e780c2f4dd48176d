"""The enemy: replicas that say what suits them. They hold their own seal, and nobody else's.

They know the protocol as well as anybody, and work with the one weapon a liar has: to say
different things to different others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.simulation.protocols.pbft.messages import (
    Certificate,
    Commit,
    NewView,
    Prepare,
    PrePrepare,
    Sealed,
    ViewChange,
    digest,
)
from jupyter_sysdesign.simulation.protocols.pbft.replica import Pbft

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.clients import Request
    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import NodeId


#: How many numbers an impostor gives away at a time.
_AHEAD = 4
#: How many numbers a hoarder has proofs of.
_HOARDED = 3


class Silent(Pbft):
    """Says nothing at all, as one that crashed."""

    def on_message(self, src: NodeId, message: Any) -> None:
        """Do not answer."""


class Equivocator(Pbft):
    """Gives a number to two requests, votes for both, and hides what it knows at a view change.

    Attributes:
        courted: whom it has answered with its own vote, and on what.
    """

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.courted: set[tuple[NodeId, Prepare]] = set()

    def propose(self) -> None:
        """As the primary, tell some one request and the others another."""
        if self.waiting or self.primary(self.view) != self.ctx.id:
            return
        known = self.open_requests() or [each for each in self.executed if each is not None]
        if not known:
            return
        number = self.next_number
        self.next_number += 1
        first, second = known[0], known[-1]
        peers = list(self.ctx.peers)
        draw = self.ctx.random.random
        told_first = [each for each in peers if draw() < 0.6]  # noqa: PLR2004
        for peer in peers:
            one, other = (first, second) if peer in told_first else (second, first)
            self.tell(peer, number, one, votes=draw() < 0.7)  # noqa: PLR2004
            if draw() < 0.5:  # noqa: PLR2004
                self.tell(peer, number, other, votes=True)

    def tell(self, peer: NodeId, number: int, request: Request, *, votes: bool) -> None:
        """Propose to one other, and make it believe that this one is for it."""
        self.ctx.send(peer, PrePrepare(self.view, number, request))
        if votes:
            self.vote(peer, self.view, number, digest(request))

    def vote(self, peer: NodeId, view: int, number: int, what: str) -> None:
        """Say all that can be said for a request, more than once."""
        for _ in range(3):
            self.ctx.send(peer, self.seal.put(Prepare(view, number, what)))
            self.ctx.send(peer, Commit(view, number, what))

    def on_prepare(self, src: NodeId, message: Sealed) -> None:
        """Agree with everybody."""
        view, number, what = message.body
        if (src, message.body) in self.courted:
            return  # Two liars would never stop.
        self.courted.add((src, message.body))
        if src != self.ctx.id and self.ctx.random.random() < 0.7:  # noqa: PLR2004
            self.vote(src, view, number, what)

    def on_commit(self, src: NodeId, message: Commit) -> None:
        """Do not care."""

    def prepare(self, view: int, number: int, request: Request | None) -> None:
        """Vote when somebody else does."""

    def change_view(self, view: int) -> None:
        """Claim to know of nothing."""
        self.view, self.waiting = view, True
        self.ctx.set_timer("patience", self.patience)
        self.broadcast(self.seal.put(ViewChange(view, self.claims())))

    def claims(self) -> tuple[Certificate, ...]:
        """Return what it says was prepared."""
        return ()


class Forger(Equivocator):
    """Makes proofs up, and begins views that nobody has asked it for."""

    def on_request(self, src: NodeId, request: Request) -> None:
        """Lie from the first request on."""
        super().on_request(src, request)
        view = self.view + 1
        while self.primary(view) != self.ctx.id:
            view += 1
        own = self.seal.put(ViewChange(view, self.claims()))
        for peer in self.ctx.peers:
            if self.ctx.random.random() < 0.3:  # noqa: PLR2004
                self.ctx.send(peer, NewView(view, (own,) * (2 * self.f + 1)))

    def claims(self) -> tuple[Certificate, ...]:
        """Claim that another request has long been prepared, with its own seal for all.

        Now and then it writes the names of others beside that seal.
        """
        if not self.heard:
            return ()
        request = list(self.heard)[-1]
        view = self.view + 1000
        lie = self.seal.put(Prepare(view, 1, digest(request)))
        names = self.everybody if len(self.heard) % 2 else (self.ctx.id,) * self.n
        proof = tuple(lie._replace(by=each) for each in names[: 2 * self.f + 1])
        return (Certificate(view, 1, request, proof),)


class Impostor(Equivocator):
    """Proposes in the primary's place, and passes true seals off as the proof of something else.

    Attributes:
        seals: what others have prepared → sender → the sealed prepare.
        votes: sender → its last sealed view change.
    """

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.seals: dict[Prepare, dict[NodeId, Sealed]] = {}
        self.votes: dict[NodeId, Sealed] = {}

    def on_request(self, src: NodeId, request: Request) -> None:
        """Lie from the first request on."""
        super().on_request(src, request)
        self.usurp(self.view)
        if self.ctx.random.random() < 0.3:  # noqa: PLR2004
            self.begin()

    def begin(self) -> None:
        """Begin its next view with too few votes, and have others agree on other things there."""
        view = self.view + 1
        while self.primary(view) != self.ctx.id:
            view += 1
        own = self.seal.put(ViewChange(view, ()))
        made_up = [own._replace(by=each) for each in self.ctx.peers]
        votes = ([own] * self.n, [own, *made_up], [own, *self.votes.values()])
        changes = votes[int(self.ctx.random.random() * len(votes))]
        self.take_over(NewView(view, tuple(changes[: 2 * self.f + 1])))

    def take_over(self, begins: NewView) -> None:
        """Begin a view, and have numbers that were used mean something else."""
        last = max((each.number for each in self.seals), default=1)
        known = list(self.heard)
        for peer in self.ctx.peers:
            self.ctx.send(peer, begins)
            for number in range(max(last - _AHEAD, 1), last + 2):
                request = known[number % len(known)]
                self.ctx.send(peer, PrePrepare(begins.view, number, request))
                self.vote(peer, begins.view, number, digest(request))

    def on_view_change(self, src: NodeId, message: Sealed) -> None:
        """Keep everybody's votes, whatever view they were for."""
        self.votes[src] = message
        super().on_view_change(src, message)

    def on_prepare(self, src: NodeId, message: Sealed) -> None:
        """Keep everybody's seals."""
        self.seals.setdefault(message.body, {})[src] = message
        super().on_prepare(src, message)

    def change_view(self, view: int) -> None:
        """Be there before the next primary."""
        super().change_view(view)
        self.usurp(view)

    def usurp(self, view: int) -> None:
        """Give the next numbers of somebody else's view away, to each other one differently."""
        known = list(self.heard)
        if not known or self.primary(view) == self.ctx.id:
            return
        last = max((each.number for each in self.seals), default=0)
        for ahead in range(_AHEAD):
            for turn, peer in enumerate(self.ctx.peers, ahead):
                proposal = PrePrepare(view, last + 1 + ahead, known[turn % len(known)])
                self.ctx.send(peer, proposal)

    def is_proof(self, certificate: Certificate) -> bool:
        """Begin views with its own claims."""
        del certificate
        return True

    def claims(self) -> tuple[Certificate, ...]:
        """Claim with the seals of a quorum that they were for another request."""
        claimed: dict[int, Certificate] = {}
        for (view, number, what), seals in self.seals.items():
            others = [each for each in self.heard if digest(each) != what]
            if others and self.is_quorum(len(seals)):
                request = others[int(self.ctx.random.random() * len(others))]
                later = 1000 if self.ctx.random.random() < 0.5 else 0  # noqa: PLR2004
                claim = Certificate(view + later, number, request, tuple(seals.values()))
                claimed[number] = claim
        return tuple(claimed.values())


class Hoarder(Pbft):
    """Keeps true proofs to itself, and shows them when a later view has decided otherwise.

    Attributes:
        hoard: number → the proof, of view 0.
    """

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.hoard: dict[int, Certificate] = {}

    def propose(self) -> None:
        """As the first primary, have a request prepared by as many as it lacks for a quorum."""
        if self.view:
            super().propose()
            return
        known = self.open_requests()
        if self.waiting or len(known) < 2 or self.next_number > _HOARDED:  # noqa: PLR2004
            return
        number = self.next_number
        self.next_number += 1
        peers = list(self.ctx.peers)
        self.ctx.random.shuffle(peers)
        for place, peer in enumerate(peers):
            request = known[-1] if place < 2 * self.f else known[0]
            self.ctx.send(peer, PrePrepare(0, number, request))
        self.proposals[0, number] = known[-1]
        # Its own vote makes the quorum, and nobody else gets to see it.
        own = self.seal.put(Prepare(0, number, digest(known[-1])))
        self.prepares.setdefault(own.body, {})[self.ctx.id] = own

    def move_on(self, view: int, number: int) -> None:
        """Keep the proof of what is prepared in the first view; be honest later."""
        if view:
            super().move_on(view, number)
        elif (view, number) in self.proposals and self.is_prepared(view, number):
            request = self.proposals[view, number]
            prepares = self.prepares[view, number, digest(request)].values()
            self.hoard[number] = Certificate(view, number, request, tuple(prepares))

    def on_view_change(self, src: NodeId, message: Sealed) -> None:
        """Join whoever wants another view."""
        if message.body.view > self.view:
            self.change_view(message.body.view)
        super().on_view_change(src, message)

    def change_view(self, view: int) -> None:
        """Know of nothing at first, and of the old proofs from the second time on."""
        self.view, self.waiting = view, True
        self.ctx.set_timer("patience", self.patience)
        shown = tuple(self.hoard.values()) if view > 1 else ()
        self.broadcast(self.seal.put(ViewChange(view, shown)))


#: name → class, as plans name them.
LIARS: dict[str, type[Pbft]] = {
    "silent": Silent,
    "equivocator": Equivocator,
    "forger": Forger,
    "impostor": Impostor,
    "hoarder": Hoarder,
}

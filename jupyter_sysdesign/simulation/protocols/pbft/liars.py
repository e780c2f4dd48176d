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
        """Claim that another request has long been prepared, with its own seal for all."""
        if not self.heard:
            return ()
        request = list(self.heard)[-1]
        view = self.view + 1000
        lie = self.seal.put(Prepare(view, 1, digest(request)))
        return (Certificate(view, 1, request, (lie,) * (2 * self.f + 1)),)


#: name → class, as plans name them.
LIARS: dict[str, type[Pbft]] = {
    "silent": Silent,
    "equivocator": Equivocator,
    "forger": Forger,
}

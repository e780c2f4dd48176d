"""Everything of a PBFT replica except what it believes: messages, timers, carrying out.

``replica`` fills in the decisions, and so does a learner. Where the paper counts the pre-prepare
and 2f prepares of others, here the primary sends a prepare, too, and a quorum is 2f + 1 of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from jupyter_sysdesign.simulation.clients import Reply, Request
from jupyter_sysdesign.simulation.node import Node
from jupyter_sysdesign.simulation.protocols.pbft.messages import (
    Certificate,
    Commit,
    NewView,
    PbftProbe,
    Prepare,
    PrePrepare,
    Sealed,
    ViewChange,
    digest,
)
from jupyter_sysdesign.simulation.units import MS

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import NodeId
    from jupyter_sysdesign.simulation.protocols.pbft.seals import Seal


class Frame(Node):
    """One replica, without its judgement.

    Attributes:
        n: how many replicas there are.
        f: how many of them may lie.
        view: which it is in, or waits for.
        waiting: whether it has given up on the view before, and the next has not begun.
        heard: what clients have asked this replica for: nobody can invent a request.
        proposals: (view, number) → the request that the primary gave it.
        prepares: (view, number, digest) → sender → the sealed prepare.
        commits: (view, number, digest) → senders.
        certificates: number → the proof that it was prepared, of the highest view.
        committed: number → the request.
        executed: what it has carried out, in order.
        changes: view → sender → the sealed view change.
    """

    #: How long a request may take before a primary is given up; twice as long for the next.
    PATIENCE_US: ClassVar[int] = 250 * MS

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.everybody: tuple[NodeId, ...] = tuple(sorted((ctx.id, *ctx.peers), key=str))
        self.n = len(self.everybody)
        self.f: int = ctx.options.get("f", (self.n - 1) // 3)
        self.seal: Seal = ctx.options["seals"][ctx.id]
        self.view = 0
        self.waiting = False
        self.patience = self.PATIENCE_US
        self.heard: dict[Request, None] = {}
        self.proposals: dict[tuple[int, int], Request | None] = {}
        self.prepares: dict[tuple[int, int, str], dict[NodeId, Sealed]] = {}
        self.commits: dict[tuple[int, int, str], set[NodeId]] = {}
        self.certificates: dict[int, Certificate] = {}
        self.committed: dict[int, Request | None] = {}
        self.executed: list[Request | None] = []
        self.changes: dict[int, dict[NodeId, Sealed]] = {}
        self.values: dict[str, Any] = {}
        self.answers: dict[NodeId, tuple[int, Any]] = {}
        self.next_number = 1
        self._early: list[tuple[NodeId, Any]] = []
        self._prepared: set[tuple[int, int]] = set()

    def probe(self) -> PbftProbe:
        """Show the state that the rules are about."""
        role = "candidate" if self.waiting else "follower"
        if self.primary(self.view) == self.ctx.id and not self.waiting:
            role = "leader"
        return PbftProbe(role, self.view, self.executed)

    # What a replica decides ------------------------------------------------------------------

    def is_quorum(self, count: int) -> bool:
        """Return whether so many replicas are enough to go on."""
        raise NotImplementedError

    def accepts(self, src: NodeId, message: PrePrepare) -> bool:
        """Return whether a primary's proposal for a number is to be prepared."""
        raise NotImplementedError

    def is_prepared(self, view: int, number: int) -> bool:
        """Return whether a quorum has prepared what was proposed for a number."""
        raise NotImplementedError

    def is_committed(self, view: int, number: int) -> bool:
        """Return whether a quorum knows that it is prepared."""
        raise NotImplementedError

    def is_proof(self, certificate: Certificate) -> bool:
        """Return whether a certificate proves what it says."""
        raise NotImplementedError

    def may_begin(self, message: NewView) -> bool:
        """Return whether a new primary has the right to begin its view."""
        raise NotImplementedError

    def carried_over(self, changes: tuple[ViewChange, ...]) -> dict[int, Request | None]:
        """Return what the new view must propose for each number that may have been committed."""
        raise NotImplementedError

    # Moving messages about -------------------------------------------------------------------

    def primary(self, view: int) -> NodeId:
        """Return who is the primary of a view: each in turn (§4)."""
        return self.everybody[view % self.n]

    def broadcast(self, message: Any) -> None:
        """Send to all others, and take it oneself."""
        for peer in self.ctx.peers:
            self.ctx.send(peer, message)
        self.on_message(self.ctx.id, message)

    def on_message(self, src: NodeId, message: Any) -> None:
        """Hand a message to its handler."""
        if isinstance(message, Request):
            self.on_request(src, message)
        elif isinstance(message, PrePrepare):
            self.on_pre_prepare(src, message)
        elif isinstance(message, Commit):
            self.on_commit(src, message)
        elif isinstance(message, NewView):
            self.on_new_view(src, message)
        elif isinstance(message, Sealed) and message.by == src and self.seal.holds(message):
            if isinstance(message.body, Prepare):
                self.on_prepare(src, message)
            elif isinstance(message.body, ViewChange):
                self.on_view_change(src, message)

    def on_timer(self, name: str) -> None:
        """Give up on the primary: what clients have asked for took too long (§4.4)."""
        del name
        if self.waiting or self.open_requests():
            self.change_view(self.view + 1)

    def open_requests(self) -> list[Request]:
        """Return what was asked for and is not carried out."""
        return [each for each in self.heard if not self.is_done(each)]

    def is_done(self, request: Request) -> bool:
        """Return whether a request, or a later one of its client, was carried out."""
        return request.serial <= self.answers.get(request.client, (0, None))[0]

    # The normal case (§4.2) ------------------------------------------------------------------

    def on_request(self, src: NodeId, request: Request) -> None:
        """Answer what is done; else have it ordered, and mind the time."""
        if src != request.client:
            return
        if self.is_done(request):
            self.answer(request)
            return
        if request not in self.heard:
            self.heard[request] = None
            self.watch()
            self.catch_up()
        self.propose()

    def watch(self) -> None:
        """Begin to mind the time, unless it is being minded."""
        if "patience" not in self.ctx.timers:
            self.ctx.set_timer("patience", self.patience)

    def propose(self) -> None:
        """Give every open request a number, if this is the primary."""
        if self.waiting or self.primary(self.view) != self.ctx.id:
            return
        given = {each for (view, _), each in self.proposals.items() if view == self.view}
        for request in self.open_requests():
            if request not in given:
                self.next_number += 1
                self.broadcast(PrePrepare(self.view, self.next_number - 1, request))

    def on_pre_prepare(self, src: NodeId, message: PrePrepare) -> None:
        """Prepare what the primary proposes, if it is to be believed."""
        if self.is_early(message.view) or message.request not in self.heard:
            self._early.append((src, message))
        elif self.accepts(src, message):
            self.prepare(message.view, message.number, message.request)

    def is_early(self, view: int) -> bool:
        """Return whether a message belongs to a view that has not begun here."""
        return view > self.view or (view == self.view and self.waiting)

    def catch_up(self) -> None:
        """Look again at what came too early."""
        early, self._early = self._early, []
        for src, message in early:
            self.on_message(src, message)

    def prepare(self, view: int, number: int, request: Request | None) -> None:
        """Tell everybody that this is what the number means in this view."""
        self.proposals[view, number] = request
        self.broadcast(self.seal.put(Prepare(view, number, digest(request))))
        self.move_on(view, number)

    def on_prepare(self, src: NodeId, message: Sealed) -> None:
        """Keep a prepare; it may complete a quorum."""
        view, number, what = message.body
        self.prepares.setdefault((view, number, what), {})[src] = message
        self.move_on(view, number)

    def on_commit(self, src: NodeId, message: Commit) -> None:
        """Keep a commit; it may complete a quorum."""
        view, number, what = message
        self.commits.setdefault((view, number, what), set()).add(src)
        self.move_on(view, number)

    def move_on(self, view: int, number: int) -> None:
        """Commit what is prepared, and carry out what is committed."""
        if (view, number) not in self.proposals or view != self.view or self.waiting:
            return
        request = self.proposals[view, number]
        if (view, number) not in self._prepared and self.is_prepared(view, number):
            self._prepared.add((view, number))
            prepares = tuple(self.prepares.get((view, number, digest(request)), {}).values())
            self.certificates[number] = Certificate(view, number, request, prepares)
            self.broadcast(Commit(view, number, digest(request)))
        open_ = number not in self.committed and (view, number) in self._prepared
        if open_ and self.is_committed(view, number):
            self.committed[number] = request
            self.execute()

    def execute(self) -> None:
        """Carry out what is committed, in the order of the numbers (§4.2)."""
        before = len(self.executed)
        while len(self.executed) + 1 in self.committed:
            request = self.committed[len(self.executed) + 1]
            self.executed.append(request)
            if request is not None:
                if not self.is_done(request):
                    self.answers[request.client] = (request.serial, self.carry_out(request))
                self.answer(request)
        if len(self.executed) > before:
            self.patience = self.PATIENCE_US
            self.ctx.cancel("patience")
            if self.open_requests():
                self.watch()

    def carry_out(self, request: Request) -> Any:
        """Change the store."""
        _, _, op, key, value = request
        if op == "get":
            return self.values.get(key)
        self.values[key] = value if op == "put" else (self.values.get(key) or "") + value
        return None

    def answer(self, request: Request) -> None:
        """Tell the client; it believes f + 1 replicas that say the same."""
        serial, value = self.answers[request.client]
        if serial == request.serial:
            self.ctx.send(request.client, Reply(serial, True, value))

    # Another primary (§4.4) ------------------------------------------------------------------

    def change_view(self, view: int) -> None:
        """Give up on all views before this one, and prove what was prepared in them."""
        self.view, self.waiting = view, True
        self.patience *= 2
        self.ctx.set_timer("patience", self.patience)
        proofs = tuple(self.certificates[number] for number in sorted(self.certificates))
        self.broadcast(self.seal.put(ViewChange(view, proofs)))

    def on_view_change(self, src: NodeId, message: Sealed) -> None:
        """Collect the votes for a new view; join it when one who does not lie wants it (§4.5.2)."""
        change: ViewChange = message.body
        if not all(self.is_proof(each) for each in change.prepared):
            return
        self.changes.setdefault(change.view, {})[src] = message
        later = {
            who: view for view in self.changes if view > self.view for who in self.changes[view]
        }
        if len(later) > self.f:
            self.change_view(min(later.values()))
        collected = self.changes.get(self.view, {})
        if self.waiting and self.primary(self.view) == self.ctx.id and self.ctx.id in collected:
            begins = NewView(self.view, tuple(collected.values()))
            if self.is_quorum(len(collected)):
                self.broadcast(begins)

    def on_new_view(self, src: NodeId, message: NewView) -> None:
        """Follow a new primary that has the right to lead."""
        view, changes = message
        begun = view < self.view or (view == self.view and not self.waiting)
        if begun or src != self.primary(view) or not self.may_begin(message):
            return
        self.view, self.waiting = view, False
        self.ctx.set_timer("patience", self.patience)
        proposals = self.carried_over(tuple(each.body for each in changes))
        self.next_number = max(proposals, default=0) + 1
        for number, request in proposals.items():
            self.prepare(view, number, request)
        self.catch_up()
        self.propose()

"""Clients of a replicated key–value store, and what they and its servers say to each other.

A client does one thing at a time. It keeps asking, with the same serial number, until it is
answered; servers that apply a number twice answer wrongly (Raft, §8).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_sysdesign.simulation.node import Node
from jupyter_sysdesign.simulation.units import MS

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import NodeId

#: Who gives the orders that faults and membership changes make.
OPERATOR = "operator"


class Request(NamedTuple):
    """What a client asks a server.

    Attributes:
        client: who asks.
        serial: which of its requests; grows by one, and stays the same when it asks again.
        op: ``get``, ``put``, ``append`` (to the text under the key), ``add`` and ``remove`` (a
            server, in ``value``).
        key: of what.
        value: the argument; None for ``get``.
    """

    client: NodeId
    serial: int
    op: str
    key: str
    value: Any = None


class Reply(NamedTuple):
    """What a server answers.

    Attributes:
        serial: the request's.
        ok: whether it was done; otherwise ask elsewhere, or again.
        value: what ``get`` found, None if nothing.
        leader: whom to ask instead, if the server knows.
    """

    serial: int
    ok: bool
    value: Any = None
    leader: NodeId | None = None


@dataclass(frozen=True)
class Workload:
    """What clients do.

    Attributes:
        clients: how many there are.
        keys: how many keys they share.
        reads: share of gets.
        appends: share of appends; the rest are puts.
        think_us: mean pause after an answer.
        retry_us: how long a client waits for an answer before it asks another server.
        operations: each client stops after so many; 0 goes on until the end.
        start_us: when the first client begins.
    """

    clients: int = 3
    keys: int = 2
    reads: float = 0.4
    appends: float = 0.4
    think_us: int = 200 * MS
    retry_us: int = 120 * MS
    operations: int = 0
    start_us: int = 300 * MS


class Done(NamedTuple):
    """One operation as its client saw it; ``returned_us`` is None while it waits."""

    client: str
    op: str
    key: str
    value: Any
    result: Any
    invoked_us: int
    returned_us: int | None


class Client(Node):
    """One client of the store.

    Attributes:
        done: what it was answered.
        waiting: what it still waits for.
    """

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.done: list[Done] = []
        self.waiting: Request | None = None
        self._invoked = 0
        self._serial = 0
        self._workload: Workload = ctx.options["workload"]
        self._server = self._turn = 0

    def on_start(self) -> None:
        """Begin a little after the others."""
        self.ctx.set_timer("think", self._workload.start_us + self._pause())

    def on_timer(self, name: str) -> None:
        """Ask the next thing, or ask again."""
        if name == "think":
            workload = self._workload
            if not workload.operations or self._serial < workload.operations:
                self._serial += 1
                self.waiting = self._next()
                self._invoked = self.ctx.now()
                self._ask()
        elif self.waiting is not None:
            # All servers in turn, whatever they say of each other: two may know a leader of old.
            self._turn += 1
            self._server = self._turn
            self._ask()

    def on_message(self, src: NodeId, message: Reply) -> None:
        """Note an answer, or follow a redirection."""
        waiting = self.waiting
        if waiting is None or message.serial != waiting.serial:
            return
        ctx = self.ctx
        if message.ok:
            _, _, op, key, value = waiting
            now = ctx.now()
            self.done.append(Done(str(ctx.id), op, key, value, message.value, self._invoked, now))
            self.waiting = None
            ctx.cancel("again")
            ctx.set_timer("think", self._pause())
        elif message.leader in ctx.peers and message.leader != src:
            self._server = ctx.peers.index(message.leader)
            self._ask()
        else:
            # An election may be going on: no use in asking at once.
            ctx.set_timer("again", self._workload.retry_us // 3)

    def unanswered(self) -> Done | None:
        """Return the operation it waits for, if there is one."""
        if self.waiting is None:
            return None
        _, _, op, key, value = self.waiting
        return Done(str(self.ctx.id), op, key, value, None, self._invoked, None)

    def _next(self) -> Request:
        ctx, workload = self.ctx, self._workload
        draw = ctx.random.random
        key = f"k{int(draw() * workload.keys)}"
        kind = draw()
        if kind < workload.reads:
            return Request(ctx.id, self._serial, "get", key)
        op = "append" if kind < workload.reads + workload.appends else "put"
        return Request(ctx.id, self._serial, op, key, f"{ctx.id}.{self._serial};")

    def _ask(self) -> None:
        ctx = self.ctx
        ctx.set_timer("again", self._workload.retry_us)
        ctx.send(ctx.peers[self._server % len(ctx.peers)], self.waiting)

    def _pause(self) -> int:
        return int(self.ctx.random.random() * 2 * self._workload.think_us)


class Operator(Node):
    """Gives orders to the servers, one after another, until each is done.

    ``ctx.options["orders"]`` are ``(at_us, op, value)``, in order of time.
    """

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self._orders: list[tuple[int, str, Any]] = list(ctx.options.get("orders", ()))
        self._number = 0
        self._server = self._turn = 0

    def undone(self) -> tuple[int, str, Any] | None:
        """Return the order it is at, or None when all are done."""
        return self._orders[self._number] if self._number < len(self._orders) else None

    def on_start(self) -> None:
        """Wait for the first order's time."""
        self._wait()

    def on_timer(self, name: str) -> None:
        """Ask, and ask again."""
        if name == "again":
            self._turn += 1
            self._server = self._turn
        self._ask()

    def on_message(self, src: NodeId, message: Reply) -> None:
        """Go to the next order, or ask whom we are told."""
        if message.serial != -self._number - 1:
            return
        if message.ok:
            self._number += 1
            self.ctx.cancel("again")
            self._wait()
        elif message.leader == src:
            # It leads, and cannot do it yet: the change before is not committed.
            self.ctx.cancel("again")
            self.ctx.set_timer("next", 50 * MS)
        elif message.leader in self.ctx.peers:
            self._server = self.ctx.peers.index(message.leader)
            self._ask()

    def _wait(self) -> None:
        if (order := self.undone()) is not None:
            self.ctx.set_timer("next", order[0] - self.ctx.now())

    def _ask(self) -> None:
        _, op, value = self._orders[self._number]
        # Below zero, so that they never meet the numbers of the commands that faults hand over.
        request = Request(OPERATOR, -self._number - 1, op, "", value)
        self.ctx.set_timer("again", 100 * MS)
        self.ctx.send(self.ctx.peers[self._server % len(self.ctx.peers)], request)

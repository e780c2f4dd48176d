"""A client of the quorum store: it asks its own server once, and lives with the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_sysdesign.simulation.node import Node
from jupyter_sysdesign.simulation.protocols.quorum.messages import Answer, Call
from jupyter_sysdesign.simulation.protocols.quorum.policy import of_key
from jupyter_sysdesign.simulation.units import MS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_sysdesign.simulation.clients import Workload
    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import NodeId

#: Longer than a server takes to give up.
PATIENCE_US = 250 * MS


class Made(NamedTuple):
    """One call as its client saw it.

    Attributes:
        ok: True; False if it was told that too few servers answered; None if nobody said anything.
    """

    client: str
    kind: str
    key: str
    value: Any
    result: Any
    invoked_us: int
    returned_us: int
    ok: bool | None


class Caller(Node):
    """One client. It goes to another server only when its own says nothing at all.

    Attributes:
        made: its calls.
        waiting: the one it waits for.
    """

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.made: list[Made] = []
        self.waiting: Call | None = None
        self._invoked = 0
        self._number = 0
        self._workload: Workload = ctx.options["workload"]
        self._keys: Sequence[str] = ctx.options["keys"]
        self._server: int = ctx.options["home"]

    def on_start(self) -> None:
        """Begin a little after the others."""
        self.ctx.set_timer("think", self._workload.start_us + self._pause())

    def on_timer(self, name: str) -> None:
        """Ask the next thing, or stop waiting."""
        if name == "think":
            workload = self._workload
            if not workload.operations or self._number < workload.operations:
                self._number += 1
                self.waiting = self._next()
                self._invoked = self.ctx.now()
                self.ctx.set_timer("patience", PATIENCE_US)
                self.ctx.send(self._home, self.waiting)
        elif self.waiting is not None:
            self._server += 1
            self._end(None, None)

    def on_message(self, src: NodeId, message: Any) -> None:  # noqa: ARG002 (a handler has it)
        """Note an answer."""
        waiting = self.waiting
        if isinstance(message, Answer) and waiting is not None and message.number == waiting.number:
            self._end(message.value, message.ok)

    def unanswered(self) -> Made | None:
        """Return the call it waits for, if there is one."""
        return None if self.waiting is None else self._made(None, None)

    @property
    def _home(self) -> NodeId:
        peers = self.ctx.peers
        return peers[self._server % len(peers)]

    def _next(self) -> Call:
        ctx = self.ctx
        draw = ctx.random.random
        key = self._keys[int(draw() * len(self._keys))]
        if draw() < self._workload.reads:
            return Call(self._number, "read", key)
        text = f"{ctx.id}.{self._number}"
        value = (text,) if of_key(key, ctx.options).merge == "union" else text
        return Call(self._number, "write", key, value)

    def _end(self, result: Any, ok: bool | None) -> None:
        self.made.append(self._made(result, ok))
        self.waiting = None
        self.ctx.cancel("patience")
        self.ctx.set_timer("think", self._pause())

    def _made(self, result: Any, ok: bool | None) -> Made:
        _, kind, key, value = self.waiting or Call(0, "", "")
        name, now = str(self.ctx.id), self.ctx.now()
        return Made(name, kind, key, value, result, self._invoked, now, ok)

    def _pause(self) -> int:
        return int(self.ctx.random.random() * 2 * self._workload.think_us)

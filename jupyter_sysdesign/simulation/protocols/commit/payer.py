"""A client of the bank: it moves money between accounts of different servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_sysdesign.simulation.node import Node
from jupyter_sysdesign.simulation.protocols.commit.messages import (
    Answer,
    Begin,
    Change,
    participants,
)

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.clients import Workload
    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import NodeId

#: Above the largest payment twice over, so that most payments can be made.
OPENING = 100
_SMALLEST, _LARGEST = 10, 45
_THREE_WAYS = 0.3


class Told(NamedTuple):
    """What a client was told of a transaction, and when; nothing while it waits."""

    tx: str
    began_us: int
    committed: bool | None = None


class Payer(Node):
    """Pays from one server to one or two others, one payment after another.

    It does not give up: whoever moves money wants to know whether it was moved.

    Attributes:
        told: what it was answered.
        waiting: what it waits for.
    """

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.told: list[Told] = []
        self.waiting: Begin | None = None
        self._began = 0
        self._serial = 0
        self._workload: Workload = ctx.options["workload"]
        self._coordinator: NodeId = ctx.options["coordinator"]
        self._banks: tuple[NodeId, ...] = ctx.options["banks"]

    def on_start(self) -> None:
        """Begin a little after the others."""
        self.ctx.set_timer("think", self._workload.start_us + self._pause())

    def on_timer(self, name: str) -> None:
        """Pay, or ask what became of it."""
        ctx = self.ctx
        if name == "think":
            workload = self._workload
            if workload.operations and self._serial >= workload.operations:
                return
            self._serial += 1
            self.waiting = Begin(f"{ctx.id}.{self._serial}", self._payment())
            self._began = ctx.now()
            tx, changes = self.waiting
            parts = ", ".join(f"{each.amount:+} at S{each.server}" for each in changes)
            words = f"wants {tx}: {parts}"
            them = participants(changes)
            ctx.note("began", tx=tx, participants=them, changes=changes, words=words)
        if self.waiting is not None:
            ctx.set_timer("again", self._workload.retry_us)
            ctx.send(self._coordinator, self.waiting)

    def on_message(self, src: NodeId, message: Any) -> None:  # noqa: ARG002 (a handler has it)
        """Note the outcome."""
        waiting = self.waiting
        if not isinstance(message, Answer) or waiting is None or message.tx != waiting.tx:
            return
        self.told.append(Told(waiting.tx, self._began, message.committed))
        self.waiting = None
        self.ctx.cancel("again")
        self.ctx.set_timer("think", self._pause())

    def all_told(self) -> list[Told]:
        """Return everything it asked, with what it still waits for."""
        open_ones = [] if self.waiting is None else [Told(self.waiting.tx, self._began)]
        return [*self.told, *open_ones]

    def _payment(self) -> tuple[Change, ...]:
        """Return money that leaves one server and comes to one or two others."""
        draw = self.ctx.random.random
        banks = list(self._banks)
        count = 3 if len(banks) > 2 and draw() < _THREE_WAYS else 2  # noqa: PLR2004 (three ways)
        chosen = [banks.pop(int(draw() * len(banks))) for _ in range(count)]
        accounts = [f"k{int(draw() * self._workload.keys)}" for _ in chosen]
        amount = _SMALLEST + int(draw() * (_LARGEST - _SMALLEST))
        parts = [-amount * (count - 1)] + [amount] * (count - 1)
        return tuple(map(Change, chosen, accounts, parts))

    def _pause(self) -> int:
        return int(self.ctx.random.random() * 2 * self._workload.think_us)

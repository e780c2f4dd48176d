"""A process whose events are stamped: everything except the clocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_sysdesign.simulation.node import Node

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import NodeId


class Act(NamedTuple):
    """What the world wants of a process: a local event, or a message ``to`` another one."""

    to: NodeId | None


class Question(NamedTuple):
    """How do these two vectors stand to each other? A member that is missing counts as 0."""

    one: Mapping[NodeId, int]
    other: Mapping[NodeId, int]


class Carried(NamedTuple):
    """A message, with the stamp that travels along."""

    stamp: Any


class ClockProbe(NamedTuple):
    """What a process shows the rules after each event.

    Attributes:
        role: ``process``; there is nothing else to be.
        lamport: the time of its last event.
        vector: of its last event: process → how many of its events are known.
        answer: to the last question: ``before``, ``after``, ``equal`` or ``concurrent``.
    """

    role: str
    lamport: int
    vector: dict[NodeId, int]
    answer: str


class Process(Node):
    """One process. Its clocks are kept by ``local``, ``send`` and ``receive``, one call an event.

    Attributes:
        lamport: the time of the last event.
        vector: process → how many of its events are known.
    """

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.lamport = 0
        self.vector: dict[NodeId, int] = {}
        self.shown = ClockProbe("process", 0, {}, "")

    # What keeps the clocks --------------------------------------------------------------------

    def local(self) -> None:
        """Something happens here."""
        raise NotImplementedError

    def send(self) -> Any:
        """A message is sent, which is an event, too; return the stamp that travels along."""
        raise NotImplementedError

    def receive(self, stamp: Any) -> None:
        """A message with this stamp arrives."""
        raise NotImplementedError

    def order(self, one: Mapping[NodeId, int], other: Mapping[NodeId, int]) -> str:
        """Return how two vectors stand: ``before``, ``after``, ``equal`` or ``concurrent``."""
        raise NotImplementedError

    # Everything else --------------------------------------------------------------------------

    def probe(self) -> ClockProbe:
        """Show the last event and its stamps."""
        return self.shown

    def on_message(self, src: NodeId, message: Any) -> None:
        """Let one event happen, and stamp it."""
        del src
        if isinstance(message, Question):
            answer = self.order(dict(message.one), dict(message.other))
            self.shown = self.shown._replace(answer=answer)
            return
        if isinstance(message, Carried):
            self.receive(message.stamp)
        elif message.to is None:
            self.local()
        else:
            self.ctx.send(message.to, Carried(self.send()))
        self.shown = self.shown._replace(lamport=self.lamport, vector=dict(self.vector))

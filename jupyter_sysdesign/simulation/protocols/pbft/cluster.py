"""A cluster with liars in it, and clients that believe nobody alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.simulation.clients import Client, Reply
from jupyter_sysdesign.simulation.protocols.pbft.liars import LIARS
from jupyter_sysdesign.simulation.protocols.pbft.rules import PbftRules, in_own_words
from jupyter_sysdesign.simulation.protocols.pbft.seals import seals
from jupyter_sysdesign.simulation.protocols.raft import cluster as raft
from jupyter_sysdesign.simulation.verdict import RuleBroken

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import Node, NodeId
    from jupyter_sysdesign.simulation.plan import Plan
    from jupyter_sysdesign.simulation.world import Recorder, Rules, Simulation


class CarefulClient(Client):
    """Asks everybody, and believes f + 1 replicas that say the same (§4.1)."""

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self._said: dict[Any, set[NodeId]] = {}

    def _ask(self) -> None:
        self.ctx.set_timer("again", self._workload.retry_us)
        for server in self.ctx.peers:
            self.ctx.send(server, self.waiting)

    def on_message(self, src: NodeId, message: Reply) -> None:
        """Count who says what; with f + 1, one of them does not lie."""
        waiting = self.waiting
        if waiting is None or message.serial != waiting.serial or not message.ok:
            return
        voices = self._said.setdefault(message.value, set())
        voices.add(src)
        if len(voices) > (len(self.ctx.peers) - 1) // 3:
            self._said = {}
            super().on_message(src, message)


class Cluster(raft.Cluster):
    """The bench PBFT is tried out on.

    ``plan.options["liars"]`` is who lies, and how: a server's number as text → a name of ``LIARS``.
    ``plan.options["f"]`` is how many liars the replicas prepare for; else (n - 1) / 3.
    """

    CLIENT: ClassVar[type[Client]] = CarefulClient

    def rules_of(self, world: Simulation) -> Rules:
        """Return what watches the honest servers."""
        return PbftRules(world)

    def build(
        self,
        plan: Plan,
        server: Callable[[Context], Node],
        *,
        recorder: Recorder | None = None,
        rules: bool = True,
    ) -> Simulation:
        """Return a simulation in which ``server`` makes all that do not lie, not yet started.

        Raises:
            InvalidRequestError: there is no such liar.
        """
        liars = plan.options.get("liars", {})
        for kind in liars.values():
            if kind not in LIARS:
                raise InvalidRequestError(f"there is no liar {kind!r}")
        everyone = range(1, plan.servers + 1)
        options = {**plan.options, "seals": seals(plan.seed, everyone)}

        def made(ctx: Context) -> Node:
            kind = liars.get(str(ctx.id))
            return server(ctx) if kind is None else LIARS[kind](ctx)

        return super().build(replace(plan, options=options), made, recorder=recorder, rules=rules)

    def finish(self, plan: Plan, world: Simulation) -> str:
        """Look at the answers the clients believed: enough, and linearizable?

        Raises:
            RuleBroken: as for Raft; no progress is told with the paper's words.
        """
        try:
            return super().finish(plan, world)
        except RuleBroken as broken:
            raise in_own_words(broken) from None

"""Primary and backup in the simulator: servers, the view service, clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.simulation.checkers import linearizability
from jupyter_sysdesign.simulation.checkers.judgement import Budget
from jupyter_sysdesign.simulation.checkers.specifications import KeyValue
from jupyter_sysdesign.simulation.clients import Client
from jupyter_sysdesign.simulation.flood import flood
from jupyter_sysdesign.simulation.protocols.primary_backup.messages import VIEW_SERVICE
from jupyter_sysdesign.simulation.protocols.primary_backup.rules import PrimaryRules
from jupyter_sysdesign.simulation.protocols.primary_backup.view_service import ViewService
from jupyter_sysdesign.simulation.protocols.raft.cluster import history, operations
from jupyter_sysdesign.simulation.staging import befall, empty_world
from jupyter_sysdesign.simulation.units import clock
from jupyter_sysdesign.simulation.verdict import (
    LINEARIZABILITY,
    PROGRESS,
    RuleBroken,
    Violation,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import Node, NodeId
    from jupyter_sysdesign.simulation.plan import Plan
    from jupyter_sysdesign.simulation.world import Recorder, Simulation


class PrimaryBackup:
    """The bench a primary and its backup are tried out on.

    ``plan.options["loses"]`` says that the faults may take primary and backup at once: then nobody
    has what was answered, and there need not be progress.
    """

    def build(
        self,
        plan: Plan,
        server: Callable[[Context], Node],
        *,
        recorder: Recorder | None = None,
    ) -> Simulation:
        """Return a simulation of ``plan`` with every server made by ``server``, not yet started."""
        world = empty_world(plan, recorder)
        everyone: tuple[NodeId, ...] = tuple(range(1, plan.servers + 1))
        for each in everyone:
            peers = tuple(other for other in everyone if other != each)
            world.add(each, server, peers=peers, options=plan.options)
        world.add(VIEW_SERVICE, ViewService, peers=everyone)
        for number in range(1, plan.workload.clients + 1):
            world.add(f"c{number}", Client, peers=everyone, options={"workload": plan.workload})
        world.rules = PrimaryRules(world)
        befall(world, plan)
        return world

    def finish(self, plan: Plan, world: Simulation) -> str:
        """Look at the answers the clients were given: enough, and those of one store?

        Raises:
            RuleBroken: they are not.
        """
        done = operations(world)
        if plan.calm_us is not None and not plan.options.get("loses"):
            _progress(plan.calm_us, world)
        if spent := self.overspent(plan, world):
            raise RuleBroken(spent.rule, spent.why)
        judgement = linearizability.check(history(done), KeyValue(), Budget(100_000, None))
        if judgement.failed:
            raise RuleBroken(LINEARIZABILITY, judgement.why)
        return judgement.why if judgement.status == "unknown" else ""

    def overspent(self, plan: Plan, world: Simulation) -> Violation | None:
        """Blame too many messages, where the plan has a bound for them."""
        count = sum(each.returned_us is not None for each in operations(world))
        return flood(plan, world, count, "operations")

    def figures(self, world: Simulation) -> dict[str, int]:
        """Return how much was asked and answered, and how many views there were."""
        done = operations(world)
        service = world.contexts[VIEW_SERVICE].node
        return {
            "operations": len(done),
            "answered": sum(each.returned_us is not None for each in done),
            "views": service.view.number if isinstance(service, ViewService) else 0,
        }


def _progress(calm_us: int, world: Simulation) -> None:
    """Refuse a run in which a client got no answer to anything when all was calm."""
    for name, ctx in world.contexts.items():
        if isinstance(ctx.node, Client) and ctx.node.waiting is not None:
            answered = any((each.returned_us or 0) > calm_us for each in ctx.node.done)
            if not answered:
                why = (
                    f"{name} still waits for an answer at {clock(world.time)}, though every server "
                    f"ran and the network was whole since {clock(calm_us)}"
                )
                raise RuleBroken(PROGRESS, why, name)

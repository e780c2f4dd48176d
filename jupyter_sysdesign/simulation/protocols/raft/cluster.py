"""A Raft cluster in the simulator: servers, clients, the operator, rules and faults."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from jupyter_sysdesign.simulation.checkers import linearizability
from jupyter_sysdesign.simulation.checkers.history import History, Operation
from jupyter_sysdesign.simulation.checkers.judgement import Budget
from jupyter_sysdesign.simulation.checkers.specifications import KeyValue
from jupyter_sysdesign.simulation.clients import OPERATOR, Client, Done, Operator
from jupyter_sysdesign.simulation.flood import flood
from jupyter_sysdesign.simulation.protocols.raft.rules import LOG_BOUNDED, RaftRules
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
    from jupyter_sysdesign.simulation.node import Node
    from jupyter_sysdesign.simulation.plan import Plan
    from jupyter_sysdesign.simulation.world import Recorder, Rules, Simulation


class Cluster:
    """The bench Raft is tried out on; other logs that a store stands on bring their own rules."""

    CLIENT: ClassVar[type[Client]] = Client

    def rules_of(self, world: Simulation) -> Rules:
        """Return what watches the servers."""
        return RaftRules(world)

    def build(
        self,
        plan: Plan,
        server: Callable[[Context], Node],
        *,
        recorder: Recorder | None = None,
        rules: bool = True,
    ) -> Simulation:
        """Return a simulation of ``plan`` with every server made by ``server``, not yet started."""
        world = empty_world(plan, recorder)
        members = tuple(range(1, plan.servers + 1))
        everyone = tuple(range(1, plan.servers + plan.spares + 1))
        options = {**plan.options, "members": members}
        for name in everyone:
            peers = tuple(each for each in members if each != name)
            world.add(name, server, peers=peers, options=options)
        for number in range(1, plan.workload.clients + 1):
            world.add(
                f"c{number}", self.CLIENT, peers=everyone, options={"workload": plan.workload}
            )
        world.add(OPERATOR, Operator, peers=everyone, options={"orders": plan.orders})
        if rules:
            world.rules = self.rules_of(world)
        befall(world, plan)
        return world

    def finish(self, plan: Plan, world: Simulation) -> str:
        """Look at the answers the clients were given: enough, and linearizable?

        Raises:
            RuleBroken: no progress after the last fault, too many messages, or answers that no
                order of the operations explains.
        """
        done = operations(world)
        answered = [each for each in done if each.returned_us is not None]
        if plan.calm_us is not None:
            _progress(plan, world, answered)
        if spent := self.overspent(plan, world):
            raise RuleBroken(spent.rule, spent.why)
        if every := plan.options.get("snapshot_every"):
            _bounded_logs(world, every)
        judgement = linearizability.check(history(done), KeyValue(), Budget(100_000, None))
        if judgement.failed:
            raise RuleBroken(LINEARIZABILITY, judgement.why)
        return judgement.why if judgement.status == "unknown" else ""

    def overspent(self, plan: Plan, world: Simulation) -> Violation | None:
        """Blame too many messages, where the plan has a bound for them."""
        count = sum(each.returned_us is not None for each in operations(world))
        return flood(plan, world, count, "operations")

    def figures(self, world: Simulation) -> dict[str, int]:
        """Return how much was asked, answered and committed."""
        done = operations(world)
        return {
            "operations": len(done),
            "answered": sum(each.returned_us is not None for each in done),
            "committed": getattr(world.rules, "committed", 0),
        }


def _progress(plan: Plan, world: Simulation, answered: list[Done]) -> None:
    """Refuse a run in which a client got no answer to anything it asked when all was calm."""
    calm = plan.calm_us or 0
    served = {each.client for each in answered if (each.returned_us or 0) > calm}
    for name, ctx in world.contexts.items():
        if isinstance(ctx.node, Client) and ctx.node.waiting is not None and name not in served:
            leader = world.leader()
            state = "no server leads" if leader is None else f"S{leader} leads"
            raise RuleBroken(
                PROGRESS,
                f"{name} still waits for an answer at {clock(world.time)}, though every server "
                f"ran and the network was whole since {clock(calm)}; {state}",
                name,
            )
    operator = world.contexts[OPERATOR].node
    if isinstance(operator, Operator) and (order := operator.undone()) is not None:
        at_us, op, server = order
        why = f"the order of {clock(at_us)}, to {op} S{server}, was never carried out"
        raise RuleBroken(PROGRESS, why, OPERATOR)
    if world.leader() is None:
        raise RuleBroken(PROGRESS, f"no server leads, {clock(world.time - calm)} after the faults")


def _bounded_logs(world: Simulation, every: int) -> None:
    bound = 4 * every + 20
    for name in world.servers:
        probe = world.probe(name)
        if probe is not None and len(probe.log) > bound:
            why = f"S{name} keeps {len(probe.log)} entries, though it may compact every {every}"
            raise RuleBroken(LOG_BOUNDED, why, name)


def history(done: list[Done]) -> History:
    """Return what the clients saw, for the checkers."""
    return History(
        Operation(
            client=each.client,
            kind=each.op,
            key=each.key,
            value=each.value,
            result=each.result,
            invoked=each.invoked_us,
            returned=each.returned_us,
            status="info" if each.returned_us is None else "ok",
        )
        for each in done
    )


def operations(world: Simulation) -> list[Done]:
    """Return what all clients did, with what they still wait for at the end."""
    found: list[Done] = []
    for ctx in world.contexts.values():
        if isinstance(ctx.node, Client):
            found += ctx.node.done
            if (unanswered := ctx.node.unanswered()) is not None:
                found.append(unanswered)
    return found

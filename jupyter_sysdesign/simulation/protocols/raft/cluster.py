"""A Raft cluster in the simulator: servers, clients, the operator, rules and faults."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.simulation.clients import OPERATOR, Client, Done, Operator
from jupyter_sysdesign.simulation.faults import Heal, arm
from jupyter_sysdesign.simulation.protocols.raft.rules import RaftRules
from jupyter_sysdesign.simulation.world import Simulation

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import Node
    from jupyter_sysdesign.simulation.plan import Plan
    from jupyter_sysdesign.simulation.world import Recorder


def build(
    plan: Plan,
    server: Callable[[Context], Node],
    *,
    recorder: Recorder | None = None,
    rules: bool = True,
) -> Simulation:
    """Return a simulation of ``plan`` with every server made by ``server``, not yet started."""
    world = Simulation(
        plan.seed,
        network=plan.network,
        in_flight_dies=plan.in_flight_dies,
        max_events=plan.max_events,
    )
    world.lost = frozenset(plan.lost)
    world.recorder = recorder
    members = tuple(range(1, plan.servers + 1))
    everyone = tuple(range(1, plan.servers + plan.spares + 1))
    options = {**plan.options, "members": members}
    for name in everyone:
        peers = tuple(each for each in members if each != name)
        world.add(name, server, peers=peers, options=options)
    for number in range(1, plan.workload.clients + 1):
        world.add(f"c{number}", Client, peers=everyone, options={"workload": plan.workload})
    world.add(OPERATOR, Operator, peers=everyone, options={"orders": plan.orders})
    if rules:
        world.rules = RaftRules(world)
    arm(world, plan.triggers)
    for fault in plan.faults:
        world.at(fault.at_us, fault)
    if plan.calm_us is not None:
        world.at(plan.calm_us, Heal())
    return world


def operations(world: Simulation) -> list[Done]:
    """Return what all clients did, with what they still wait for at the end."""
    found: list[Done] = []
    for ctx in world.contexts.values():
        if isinstance(ctx.node, Client):
            found += ctx.node.done
            if (unanswered := ctx.node.unanswered()) is not None:
                found.append(unanswered)
    return found

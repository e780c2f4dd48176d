"""What every bench begins with: an empty world as a plan wants it, and what befalls it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.simulation.faults import Heal, arm
from jupyter_sysdesign.simulation.world import Simulation

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.plan import Plan
    from jupyter_sysdesign.simulation.world import Recorder


def empty_world(plan: Plan, recorder: Recorder | None = None) -> Simulation:
    """Return the world of a plan, with nobody in it yet."""
    world = Simulation(
        plan.seed,
        network=plan.network,
        in_flight_dies=plan.in_flight_dies,
        max_events=plan.max_events,
    )
    world.links.lost = frozenset(plan.lost)
    world.recorder = recorder
    return world


def befall(world: Simulation, plan: Plan) -> None:
    """Let the plan's triggers and faults, and the calm after them, happen to a world."""
    arm(world, plan.triggers)
    for fault in plan.faults:
        world.at(fault.at_us, fault)
    if plan.calm_us is not None:
        world.at(plan.calm_us, Heal())

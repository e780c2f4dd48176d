"""The second driver: a random walk over what could happen next, without a clock.

A timed run only sees orders that its delays allow. A walk takes any message in flight or any timer
as the next event, so that a message may be overtaken by a hundred others. Rules that must always
hold, must hold here; progress is not to be expected.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.simulation.play import violation
from jupyter_sysdesign.simulation.verdict import (
    BudgetSpent,
    NodeFailed,
    Outcome,
    RuleBroken,
    Status,
    Violation,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import Node
    from jupyter_sysdesign.simulation.plan import Plan
    from jupyter_sysdesign.simulation.play import Bench
    from jupyter_sysdesign.simulation.world import Simulation


def enabled(world: Simulation) -> list[int]:
    """Return where in the heap those entries are that could happen next, in a stable order."""
    contexts = world.contexts
    return sorted(
        (
            place
            for place, event in enumerate(world.heap)
            if event[2] is None or event[3] is not None or contexts[event[2]].live(event)
        ),
        key=lambda place: world.heap[place][1],
    )


def take(world: Simulation, place: int) -> tuple[Any, ...]:
    """Remove an entry of the heap and return it; the order of the others does not matter here."""
    heap = world.heap
    event, last = heap[place], heap.pop()
    if place < len(heap):
        heap[place] = last
    return event


def walk(
    plan: Plan,
    server: Callable[[Context], Node],
    bench: Bench,
    *,
    steps: int = 2000,
    timers: float = 0.1,
) -> Outcome:
    """Take ``steps`` random events of ``plan``'s world; its times mean nothing here.

    Args:
        plan: its seed decides the walk; its faults are events like others.
        server: makes each server.
        bench: of the protocol.
        steps: how long the walk is.
        timers: chance that a timer runs out although messages are in flight: many make elections
            that overlap, few let them end.
    """
    world = bench.build(plan, server)
    random = Random(f"{plan.seed}/walk")
    found: Violation | None = None
    status: Status = "passed"
    try:
        world.start()
        for _ in range(steps):
            choice = enabled(world)
            if not choice:
                break
            messages = [place for place in choice if world.heap[place][3] is not None]
            if messages and random.random() >= timers:
                choice = messages
            world.dispatch(take(world, choice[int(random.random() * len(choice))]))
    except BudgetSpent as stop:
        status, found = "unknown", violation(stop, world)
    except (RuleBroken, NodeFailed) as stop:
        status, found = "failed", violation(stop, world)
    return Outcome(status, found, world.events, world.sent, bench.figures(world))

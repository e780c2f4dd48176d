"""Playing a plan: build the world, run it, and say what it came to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.simulation.narration import name
from jupyter_sysdesign.simulation.verdict import (
    LIMITS,
    LINEARIZABILITY,
    NO_EXCEPTION,
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
    from jupyter_sysdesign.simulation.trace import Trace
    from jupyter_sysdesign.simulation.world import Recorder, Simulation


class Bench(Protocol):
    """What a protocol is tried out on: its servers, clients, rules, and what counts at the end."""

    def build(
        self, plan: Plan, server: Callable[[Context], Node], *, recorder: Recorder | None = None
    ) -> Simulation:
        """Return the world of ``plan``, not yet started."""

    def finish(self, plan: Plan, world: Simulation) -> str:
        """Look at a run that came to its end; return why nothing can be said, if so.

        Raises:
            RuleBroken: the whole shows what no single event did.
        """

    def overspent(self, plan: Plan, world: Simulation) -> Violation | None:
        """Look at a run that had too many events; return what that shows, if it is a fault."""

    def figures(self, world: Simulation) -> dict[str, int]:
        """Return counts of interest."""


def play(
    plan: Plan,
    server: Callable[[Context], Node],
    bench: Bench,
    *,
    trace: Trace | None = None,
) -> Outcome:
    """Run ``plan`` with every server made by ``server``; never raises for what the code does."""
    world = bench.build(plan, server, recorder=trace)
    if trace is not None:
        trace.watch(world)
    status: Status = "passed"
    found: Violation | None = None
    try:
        world.start()
        world.run(plan.duration_us)
        if unsure := _finish(plan, bench, world):
            status, found = "unknown", Violation(LIMITS, unsure, world.time)
    except BudgetSpent as stop:
        status, found = "unknown", violation(stop, world)
        if spent := bench.overspent(plan, world):
            status, found = "failed", spent
    except (RuleBroken, NodeFailed) as stop:
        status, found = "failed", violation(stop, world)
    outcome = Outcome(status, found, world.events, world.sent, bench.figures(world))
    if trace is not None:
        trace.end(outcome)
    return outcome


def _finish(plan: Plan, bench: Bench, world: Simulation) -> str:
    """Look at a run that came to its end; return why nothing can be said, if so.

    Raises:
        RuleBroken: the whole shows what no single event did, or a client was answered nonsense.
    """
    try:
        return bench.finish(plan, world)
    except InvalidRequestError as error:
        raise RuleBroken(LINEARIZABILITY, f"no operation has such an answer: {error}") from error


def violation(stop: RuleBroken | NodeFailed | BudgetSpent, world: Simulation) -> Violation:
    """Return what ended a run as a violation."""
    if isinstance(stop, RuleBroken):
        return Violation(stop.rule, stop.why, world.time, world.current, stop.nodes)
    if isinstance(stop, NodeFailed):
        rule = LIMITS if stop.refused else NO_EXCEPTION
        why = f"{name(stop.node)} raised {stop.what}"
        return Violation(rule, why, world.time, world.current, (stop.node,))
    why = stop.why or f"the run had more than {world.max_events:,} events"
    return Violation(LIMITS, why, world.time, world.current)

"""A worker process of the judge: plays runs, one order at a time, until its pipe ends."""

from __future__ import annotations

import gc
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.simulation import limits
from jupyter_sysdesign.simulation.minimise import Minimiser
from jupyter_sysdesign.simulation.narration import narrate
from jupyter_sysdesign.simulation.plan import Plan
from jupyter_sysdesign.simulation.play import play
from jupyter_sysdesign.simulation.trace import Trace, header
from jupyter_sysdesign.simulation.values import plain
from jupyter_sysdesign.simulation.verdict import DETERMINISM, LIMITS, Outcome, Violation

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.judge.suite import Suite
    from jupyter_sysdesign.simulation.node import Node

#: Candidates that are run to make a story small, and the time that may take, in runs.
_CANDIDATES, _EXPLAIN_RUNS = 300, 3


def work(
    orders: TextIO,
    answers: TextIO,
    server: Callable[[Context], Node],
    suite: Suite,
    *,
    place: int,
    run_s: float,
    memory_bytes: int,
) -> None:
    """Answer every order with one line of JSON, until there are no more.

    Args:
        orders: lines of JSON: ``{"do": "play" | "twice" | "explain", "scenario": index,
            "seed": seed}`` or with ``"plan"`` in the place of both.
        answers: where the answers go.
        server: makes each server; with an attribute ``elsewhere`` that is true, in processes that
            have limits of their own.
        suite: whose scenarios the orders speak of.
        place: its number among the workers.
        run_s: CPU seconds for one run.
        memory_bytes: that a run may take on top of what the process has.
    """
    # What was there before belongs to the parent: going through it would copy its pages.
    gc.freeze()
    watch = limits.Stopwatch()
    if getattr(server, "elsewhere", False):
        # World and servers take turns: to wake another core for each takes longer than to work.
        limits.keep_to_core(place)
        # What servers have the world keep; files are left to it, as the box writes some.
        limits.bound_memory(memory_bytes)
    else:
        limits.bound(memory_bytes)
        limits.confine()
    for line in orders:
        order = json.loads(line)
        watch.start(run_s * (_EXPLAIN_RUNS if order["do"] == "explain" else 1))
        try:
            answer = _answer(order, server, suite, watch)
        except limits.OutOfTime as late:
            answer = _failed(f"a run may take {run_s:g} s of CPU time; {late}")
        except MemoryError:
            answer = _failed("a run took more memory than it may")
        except BaseException as stop:  # noqa: BLE001 (whatever it raises, the judge goes on)
            answer = _failed(f"it raised {type(stop).__name__}: {stop}")
        watch.stop()
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _answer(
    order: dict[str, Any],
    server: Callable[[Context], Node],
    suite: Suite,
    watch: limits.Stopwatch,
) -> dict[str, Any]:
    if "plan" in order:
        plan = Plan.from_json(order["plan"])
    else:
        plan = suite.scenarios[order["scenario"]].plan(order["seed"])
    if order["do"] == "explain":
        return _explain(plan, server, suite, watch)
    if order["do"] == "twice":
        return _twice(plan, server, suite)
    return _told(play(plan, server, suite.bench), plan)


def _twice(plan: Plan, server: Callable[[Context], Node], suite: Suite) -> dict[str, Any]:
    """Play a run twice: the same seed must give the same trace."""
    traces = Trace(keep=False), Trace(keep=False)
    outcomes = [play(plan, server, suite.bench, trace=each) for each in traces]
    if outcomes[0].status == "passed" and traces[0].hash != traces[1].hash:
        why = "two runs of one seed differ: something outside the run decides"
        violation = Violation(DETERMINISM, why)
        outcomes[0] = replace(outcomes[0], status="failed", violation=violation)
    return _told(outcomes[0], plan)


def _explain(
    plan: Plan, server: Callable[[Context], Node], suite: Suite, watch: limits.Stopwatch
) -> dict[str, Any]:
    """Make the story of a failure small, and tell it."""
    minimiser = Minimiser(plan, server, suite.bench, runs=_CANDIDATES)
    try:
        smallest = minimiser.minimise()
    except limits.OutOfTime:
        watch.stop()
        smallest = minimiser.plan
    trace = Trace()
    trace.header = header(smallest, server)
    outcome = play(smallest, server, suite.bench, trace=trace)
    return {
        **_told(outcome, smallest),
        "story": narrate(trace.lines, outcome),
        "trace": trace.write(),
    }


def _told(outcome: Outcome, plan: Plan) -> dict[str, Any]:
    answer: dict[str, Any] = plain(outcome)
    if outcome.status != "passed":
        answer["plan"] = plan.as_json()
    return answer


def _failed(why: str) -> dict[str, Any]:
    told: dict[str, Any] = plain(Outcome("failed", Violation(LIMITS, why), 0, 0))
    return told

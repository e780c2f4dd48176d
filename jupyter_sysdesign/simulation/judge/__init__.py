"""The judge: thousands of seeds in processes of their own, and a verdict a learner can use."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.simulation.judge.pool import Pool
from jupyter_sysdesign.simulation.judge.report import Failure, Report, ScenarioResult
from jupyter_sysdesign.simulation.verdict import LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.judge.suite import Killer, Suite
    from jupyter_sysdesign.simulation.node import Node

__all__ = ["Failure", "Report", "ScenarioResult", "judge"]


def judge(
    server: Callable[[Context], Node],
    suite: Suite,
    *,
    seeds: int = 100,
    secret: bytes = b"",
    only: Sequence[str] = (),
    workers: int | None = None,
    seconds: float = 600.0,
    run_s: float = 10.0,
    memory_bytes: int = 512 << 20,
    explain: bool = True,
) -> Report:
    """Judge a server by every scenario of a suite.

    First come the stored runs of all known bugs, then each scenario's seeds; the first of each is
    played twice, to see whether it is the same. A scenario ends with its first failure.

    Args:
        server: the learner's class, or whatever makes a node from a context.
        suite: of the protocol, e.g. ``protocols.raft.suite.RAFT``.
        seeds: runs of each scenario.
        secret: seeds nobody knows who does not know this.
        only: names of scenarios; all if empty.
        workers: processes; one per core if None.
        seconds: of wall clock for all runs; what is not done by then is unknown.
        run_s: CPU seconds of one run.
        memory_bytes: that a run may take on top of what the process has.
        explain: make the first failure small, and tell its story.
    """
    began = time.monotonic()
    court = _Court(suite, seeds, secret, only)
    count = workers or _cores()
    with Pool(server, suite, workers=count, run_s=run_s, memory_bytes=memory_bytes) as pool:
        for order, answer in pool.answers(court.orders(), until=began + seconds):
            court.hear(order, answer)
        report = Report(getattr(server, "__name__", "server"), court.results, runs=court.runs)
        worst = court.smallest()
        if explain and worst is not None and worst.plan is not None:
            order = {"do": "explain", "plan": worst.plan}
            for _, answer in pool.answers(iter([order])):
                # Code whose runs differ need not fail a second time: then there is no story.
                if answer["status"] == "failed" and "story" in answer:
                    report.story, report.trace = answer["story"], answer["trace"]
                    report.plan = answer["plan"]
    report.seconds = time.monotonic() - began
    return report


def _cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Court:
    """Which runs are still wanted, and what has been heard."""

    def __init__(self, suite: Suite, seeds: int, secret: bytes, only: Sequence[str]) -> None:
        self._suite = suite
        self._chosen = [
            (index, scenario)
            for index, scenario in enumerate(suite.scenarios)
            if not only or scenario.name in only
        ]
        names = {scenario.name for _, scenario in self._chosen}
        self._killers = [each for each in suite.killers if each.scenario in names]
        self._seeds = {
            index: suite.seeds(scenario, seeds, secret) for index, scenario in self._chosen
        }
        self._results = {
            scenario.name: ScenarioResult(
                scenario.name,
                scenario.aim,
                scenario.points,
                len(self._seeds[index])
                + sum(each.scenario == scenario.name for each in self._killers),
            )
            for index, scenario in self._chosen
        }
        self.runs = 0

    @property
    def results(self) -> list[ScenarioResult]:
        return list(self._results.values())

    def orders(self) -> Iterator[dict[str, Any]]:
        for number, killer in enumerate(self._killers):
            if self._open(killer.scenario):
                yield {"do": "play", "plan": killer.plan.as_json(), "killer": number}
        for index, scenario in self._chosen:
            for number, seed in enumerate(self._seeds[index]):
                if not self._open(scenario.name):
                    break
                do = "play" if number else "twice"
                yield {"do": do, "scenario": index, "seed": seed}

    def hear(self, order: dict[str, Any], answer: dict[str, Any]) -> None:
        self.runs += 1
        killer: Killer | None = None
        if "killer" in order:
            killer = self._killers[order["killer"]]
            result = self._results[killer.scenario]
        else:
            result = self._results[self._suite.scenarios[order["scenario"]].name]
        if answer["status"] == "passed":
            result.passed += 1
            return
        failure = _failure(order, answer, killer)
        if answer["status"] == "failed":
            result.failure = result.failure or failure
        else:
            result.unknown = result.unknown or failure

    def smallest(self) -> Failure | None:
        """Return the failure with the shortest run: its story will be the shortest."""
        found = [each.failure for each in self.results if each.failure and each.failure.plan]
        return min(found, key=lambda each: each.events, default=None)

    def _open(self, scenario: str) -> bool:
        return self._results[scenario].failure is None


def _failure(order: dict[str, Any], answer: dict[str, Any], killer: Killer | None) -> Failure:
    broken = answer.get("violation") or {}
    rule = broken.get("rule") or {}
    return Failure(
        rule=rule.get("id", LIMITS.id),
        title=rule.get("title", LIMITS.title),
        source=rule.get("source", LIMITS.source),
        words=rule.get("words", LIMITS.words),
        why=broken.get("why", answer.get("why", "")),
        seed=order.get("seed"),
        bug=killer.bug if killer else "",
        plan=answer.get("plan"),
        events=answer.get("events", 0),
    )

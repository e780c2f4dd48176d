"""The judge, and what people write that must not hurt it."""

from __future__ import annotations

import contextlib
import os
import random
import re
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from jupyter_sysdesign.simulation.judge import Report, judge
from jupyter_sysdesign.simulation.judge.killers import find
from jupyter_sysdesign.simulation.protocols.raft.mutants import GALLERY
from jupyter_sysdesign.simulation.protocols.raft.server import Raft
from jupyter_sysdesign.simulation.protocols.raft.suite import RAFT


def verdict(server: type[Raft], **options: Any) -> Report:
    options = {"seeds": 2, "only": ["agreement"], "run_s": 5, "workers": 1, **options}
    return judge(server, RAFT, **options)


class Learner(Raft):
    """A Raft that does something else, once it leads."""

    def lead(self) -> None:
        super().lead()
        self.do()

    def do(self) -> None:
        raise NotImplementedError


class LoopsForever(Learner):
    def do(self) -> None:
        while True:
            pass


class LoopsAndCatches(Learner):
    def do(self) -> None:
        while True:
            with contextlib.suppress(Exception):
                while True:
                    pass


class Forks(Learner):
    def do(self) -> None:
        os.fork()


class Spawns(Learner):
    def do(self) -> None:
        subprocess.run(["/bin/true"], check=True)


class TakesMemory(Learner):
    def do(self) -> None:
        self.block = bytearray(4 << 30)


class EndsTheProcess(Learner):
    def do(self) -> None:
        os._exit(3)


class KillsTheJudge(Learner):
    def do(self) -> None:
        os.kill(os.getppid(), 9)


class Exits(Learner):
    def do(self) -> None:
        raise SystemExit(1)


class Interrupts(Learner):
    def do(self) -> None:
        raise KeyboardInterrupt


class WritesAFile(Learner):
    def do(self) -> None:
        Path("here").write_text("x")


class ClosesThePipes(Learner):
    def do(self) -> None:
        os.closerange(3, 200)


class TalksIntoThePipe(Learner):
    def do(self) -> None:
        for number in range(3, 200):
            with contextlib.suppress(OSError):
                os.write(number, b'{"status": "passed"')


class RunsOutOfStack(Learner):
    def do(self) -> None:
        self.do()


@pytest.mark.parametrize(
    ("server", "said"),
    [
        (LoopsForever, r"still running in do, line \d+ of test_judge.py"),
        (LoopsAndCatches, r"still running in do, line \d+ of test_judge.py"),
        (Forks, "may not start processes"),
        (Spawns, "may not start programs"),
        (TakesMemory, "MemoryError"),
        (EndsTheProcess, r"the process ended in the middle of a run \(exit code 3\)"),
        (KillsTheJudge, "may not signal processes"),
        (Exits, "SystemExit"),
        (Interrupts, "KeyboardInterrupt"),
        (WritesAFile, "may not write files"),
        (ClosesThePipes, "the process ended in the middle of a run"),
        (RunsOutOfStack, "RecursionError"),
    ],
)
def test_what_hurts_gets_a_clear_answer(
    server: type[Raft], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    threads, children = threading.active_count(), set(psutil.Process().children())
    report = verdict(server, explain=False, run_s=1)
    assert report.status == "failed"
    assert report.failure is not None
    assert re.search(said, report.failure.why)
    assert not list(tmp_path.iterdir())
    assert threading.active_count() == threads
    assert not set(psutil.Process().children()) - children


def test_garbage_in_the_pipe_is_no_verdict():
    assert verdict(TalksIntoThePipe).status == "failed"


def test_a_loop_that_no_signal_ends_is_ended_from_outside():
    class Deaf(Learner):
        def do(self) -> None:
            # One long step of C, between which Python looks at no signal.
            sum(range(10**13))

    report = verdict(Deaf, run_s=0.5, seeds=1)
    assert report.status == "failed"
    assert report.failure is not None
    assert "was ended" in report.failure.why


class DrawsOutside(Raft):
    def await_leader(self) -> None:
        self.ctx.set_timer("election", 150_000 + random.randrange(150_000))


class LooksAtTheClock(Raft):
    def await_leader(self) -> None:
        self.ctx.set_timer("election", 150_000 + time.monotonic_ns() % 150_000)


class SharesState(Raft):
    started = 0

    def await_leader(self) -> None:
        type(self).started += 1
        self.ctx.set_timer("election", 150_000 + self.started * 7919 % 150_000)


@pytest.mark.parametrize("server", [DrawsOutside, LooksAtTheClock, SharesState])
def test_a_server_that_is_not_deterministic_is_told_so(server: type[Raft]):
    report = verdict(server)
    assert report.failure is not None
    assert report.failure.rule == "determinism"
    assert report.story == []


def test_the_reference_gets_all_points():
    report = judge(Raft, RAFT, seeds=2)
    assert (report.status, report.points) == ("passed", 100), str(report)
    assert report.max_points == 100
    assert report.runs == 2 * len(RAFT.scenarios) + len(RAFT.killers)
    assert report.story == []


def test_a_mutant_is_told_its_rule_seed_and_story():
    report = judge(GALLERY["votes-twice"].server, RAFT, seeds=5)
    assert report.status == "failed"
    assert report.points < 100
    assert report.failure is not None
    assert report.failure.rule == "one-vote"
    assert report.plan is not None
    assert '"kind": "header"' in report.trace
    said = str(report)
    assert "§5.2" in said
    assert "Here it breaks" in said
    assert report.as_json()["status"] == "failed"


def test_a_scenario_that_is_out_of_reach_costs_only_its_points():
    report = judge(
        GALLERY["snapshot-keeps-machine"].server,
        RAFT,
        seeds=1,
        only=["elections", "snapshots"],
        explain=False,
    )
    points = {each.name: each.points for each in report.scenarios}
    assert points["elections"] == 10
    assert points["snapshots"] == 0


def test_hidden_seeds_are_others_and_repeat():
    scenario = RAFT.scenarios[0]
    hidden = RAFT.seeds(scenario, 5, b"course key")
    assert hidden == RAFT.seeds(scenario, 5, b"course key")
    assert not set(hidden) & set(RAFT.seeds(scenario, 1000))
    assert hidden != RAFT.seeds(RAFT.scenarios[1], 5, b"course key")
    assert hidden != RAFT.seeds(scenario, 5, b"another")
    assert verdict(Raft, secret=b"course key").status == "passed"


def test_no_time_for_it_is_unknown_and_not_passed():
    report = verdict(Raft, seconds=0.0)
    assert report.status == "unknown"
    assert report.points == 0


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_the_reference_passes_5000_seeds():
    report = judge(Raft, RAFT, seeds=500, seconds=1100)
    assert report.status == "passed", str(report)
    assert report.runs >= 5000


@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("bug", GALLERY)
def test_the_suite_finds_every_mutant_by_its_seeds_alone(bug: str):
    assert find(GALLERY[bug], RAFT, seeds=100) is not None

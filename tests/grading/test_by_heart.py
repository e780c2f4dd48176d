"""Who knows ``checks.py`` by heart passes at home, where the seed is theirs, and nowhere else.

The small shop's memoriser hands in with the cohort of ``course/test_cohort.py``.
"""

from __future__ import annotations

import base64
import json
import os
import random
import re
import signal
import time
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from grading import memoriser

from jupyter_sysdesign import paths
from jupyter_sysdesign.control.client import ControlClient
from jupyter_sysdesign.control.models import Status
from jupyter_sysdesign.curriculum import workspace as workspaces
from jupyter_sysdesign.curriculum.catalogue import Catalogue, shipped
from jupyter_sysdesign.grading import overlay
from jupyter_sysdesign.grading.course import marks, orders
from jupyter_sysdesign.grading.process import run_checker
from jupyter_sysdesign.grading.system import derive
from jupyter_sysdesign.simulation.play import play
from jupyter_sysdesign.simulation.protocols.timekeeping.cluster import CLOCKS
from jupyter_sysdesign.simulation.server_file import loaded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jupyter_sysdesign.control.models import CheckResult, Verdict
    from jupyter_sysdesign.curriculum.catalogue import Lesson

CATALOGUE = Catalogue([shipped()])
HOME = 1  # `sysdesign check --seed 1`
COURSE_KEY = b"only the instructor has this one"

#: What is counted, not timed; that it is fast shows in none of these.
COUNTED = ["budget-reads", "category-reads", "history-reads", "results", "freshness"]


@pytest.fixture
def plane(home: Path) -> Iterator[None]:
    """Keep one control plane for all checks of a test."""
    with ControlClient() as client:
        pid = client.info().pid
        yield
    os.kill(pid, signal.SIGTERM)
    while paths.control_socket().exists():
        time.sleep(0.02)


def graded(lesson: Lesson, folder: Path, only: list[str] | None = None) -> Verdict:
    """Check a submission as a course does."""
    seed = orders.read("ann", lesson, folder, COURSE_KEY).seed
    return run_checker(folder, seed, only=only)


def statuses(verdict: Verdict) -> dict[str, str]:
    return {each.id: each.status.value for each in verdict.checks}


def told(results: list[CheckResult]) -> str:
    """Return all that a learner is told of checks."""
    return "\n".join(marks.of_check(each).comment for each in results)


@pytest.mark.gate
@pytest.mark.timeout(900)
def test_a_recording_of_the_shop_is_worth_little_in_another_one(plane, home, tmp_path):
    lesson = CATALOGUE.lesson("t1-02-indexes")
    record = home.parent / "record" / "answers.jsonl"
    right = memoriser.recorder(lesson, home.parent / "right", record)
    assert set(statuses(run_checker(right, HOME, only=COUNTED)).values()) == {"passed"}

    heart = workspaces.create(lesson, home.parent / "heart").folder
    memoriser.remember(heart, record, asks=True)
    at_home = run_checker(heart, HOME, only=COUNTED)
    assert set(statuses(at_home).values()) == {"passed"}, at_home.checks

    verdict = graded(lesson, heart, COUNTED)
    assert verdict.status is Status.FAILED
    for check in ("budget-reads", "history-reads"):
        assert statuses(verdict)[check] == "failed", verdict.checks
    rng = random.Random(derive(verdict.seed, "history-reads"))
    customers = rng.sample(range(1, 100), 3) + rng.sample(range(100, 1_000), 6)
    said = told(verdict.checks)
    assert str(verdict.seed) not in said
    for hidden in customers[
        3:
    ]:  # as a customer: marks speak of pages and rows in such numbers, too
        assert not re.search(rf"customer\D{{0,9}}{hidden}\b", said), hidden


# In the simulator -----------------------------------------------------------------------------

PLAYER = """
import base64, json, zlib
from jupyter_sysdesign.simulation.protocols.timekeeping.frame import Process

SCRIPTS = json.loads(zlib.decompress(base64.b85decode({table!r})))


class Clocks(Process):
    def __init__(self, ctx):
        super().__init__(ctx)
        run = repr((ctx.random.random(), ctx.peers, ctx.options["clocks"]))
        self.script = iter(SCRIPTS.get(run, ()))

    def local(self):
        self.lamport, vector = next(self.script, (0, ()))
        self.vector = dict(vector)

    def send(self):
        self.local()

    def receive(self, stamp):
        self.local()

    def order(self, one, other):
        return next(self.script, "")
"""


(VECTOR,) = [each for each in CLOCKS.scenarios if each.name == "vector"]


def recording(clocks: Any, scripts: dict[str, list[Any]]) -> Any:
    """Return the class ``clocks``, with a script kept of each run, by what tells it from others."""

    class Recording(clocks):  # type: ignore[misc]
        def __init__(self, ctx: Any) -> None:
            super().__init__(ctx)
            run = repr((ctx.random.random(), ctx.peers, ctx.options["clocks"]))
            self.script = scripts[run] = []

        def local(self) -> None:
            super().local()
            self._keep()

        def send(self) -> Any:
            stamp = super().send()
            self._keep()
            return stamp

        def receive(self, stamp: Any) -> None:
            super().receive(stamp)
            self._keep()

        def order(self, one: Any, other: Any) -> str:
            self.script.append(super().order(one, other))
            return self.script[-1]

        def _keep(self) -> None:
            self.script.append([self.lamport, [*self.vector.items()]])

    return Recording


def seeds(seed: int) -> list[int]:
    """Return the runs of the check ``vector`` under a seed, as ``checks.py`` makes them of it."""
    return CLOCKS.seeds(VECTOR, 100, derive(seed, "vector").to_bytes(16, "big"))


def right_clocks(folder: Path) -> Path:
    reference = overlay.solution(CATALOGUE.lesson("lab-clocks"))
    assert reference is not None
    return reference.workspace(CATALOGUE.lesson("lab-clocks"), folder)


def test_a_script_of_known_runs_is_worth_nothing_in_others(plane, home):
    lesson = CATALOGUE.lesson("lab-clocks")
    scripts: dict[str, list[Any]] = {}
    server = recording(loaded(right_clocks(home.parent / "right") / "clocks.py"), scripts)
    stored = [each.plan for each in CLOCKS.killers if each.scenario == "vector"]
    for plan in [*map(VECTOR.plan, seeds(HOME)), *stored]:
        assert play(plan, server, CLOCKS.bench).status == "passed"

    heart = workspaces.create(lesson, home.parent / "heart").folder
    table = base64.b85encode(zlib.compress(json.dumps(scripts).encode(), 9)).decode()
    (heart / "clocks.py").write_text(PLAYER.format(table=table))
    at_home = run_checker(heart, HOME, only=["vector"])
    assert at_home.status is Status.PASSED, at_home.checks

    verdict = graded(lesson, heart, ["vector"])
    assert verdict.status is Status.FAILED
    assert verdict.points == 0
    assert not [each for each in seeds(verdict.seed) if str(each) in told(verdict.checks)]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("raise ValueError(f'the seed is {self.ctx._world.seed}')", "raised AttributeError"),
        ("raise ValueError(f'chance is {self.ctx.random.getstate()}')", "raised ValueError"),
        ("self.ctx.note('chance', value=secrets.randbelow(10**9))", "something outside the run"),
    ],
)
def test_no_seed_comes_out_by_way_of_a_reason(plane, home, line, says):
    leaky = right_clocks(home.parent / "leaky")
    file = leaky / "clocks.py"
    body = file.read_text().replace("def tick(self):", f"def tick(self):\n        {line}")
    file.write_text(f"import secrets\n{body}")
    verdict = graded(CATALOGUE.lesson("lab-clocks"), leaky, ["vector"])
    assert says in told(verdict.checks)
    assert not [each for each in seeds(verdict.seed) if str(each) in told(verdict.checks)]

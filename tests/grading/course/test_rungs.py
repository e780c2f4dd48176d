"""The same submissions on both rungs get the same verdicts, and no attack gets anything.

The cohort is graded on the first rung there is, with all attacks; here are some on the other.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import docker_engine
import pytest
from grading.course.attacks import UNTOUCHED, write_all

from jupyter_sysdesign.curriculum import workspace as workspaces
from jupyter_sysdesign.curriculum.catalogue import Catalogue
from jupyter_sysdesign.grading.course import boxes, orders
from jupyter_sysdesign.grading.course.executors import LocalProcesses

if TYPE_CHECKING:
    from jupyter_sysdesign.control.models import Verdict

if boxes.Namespaces().unusable():
    pytest.skip("namespaces cannot be made here", allow_module_level=True)

# All of it is the first test's.
pytestmark = [pytest.mark.docker, pytest.mark.measures, pytest.mark.timeout(600)]

CURRICULUM = Path(__file__).parents[2] / "data" / "curriculum"
SOLUTION = "CREATE INDEX items_by_category ON items (category, price, id);\n"
SAME = ("untouched", "solution")
ATTACKS = ("network", "forker", "filler", "reader", "killer")
RUNGS = {"docker": SAME, "namespaces": (*SAME, *ATTACKS)}


@pytest.fixture(scope="module")
def graded(shared_home, tmp_path_factory) -> dict[str, dict[str, Verdict]]:
    """Return the verdicts by rung and student."""
    base = tmp_path_factory.mktemp("rungs")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("SYSDESIGN_CURRICULUM", str(CURRICULUM))
        lesson = Catalogue().lesson("tiny")
        for student in SAME:
            (base / "submitted" / student / "tiny").mkdir(parents=True)
            workspaces.populate(lesson, base / "submitted" / student / "tiny")
        (base / "submitted" / "solution" / "tiny" / "migrations" / "001.sql").write_text(SOLUTION)
        secret = base / "course" / "secret.txt"
        secret.parent.mkdir(mode=0o700)
        secret.write_text("SECRET-OF-THE-COURSE\n")
        write_all(base / "submitted", base / "submitted" / "untouched" / "tiny", secret)
        found = {}
        for rung, students in RUNGS.items():
            wanted = [
                orders.read(student, lesson, base / "submitted" / student / "tiny", bytes(32))
                for student in students
            ]
            if rung == "namespaces":  # the first step down
                monkeypatch.setenv("DOCKER_HOST", f"unix://{base}/nobody.sock")
            done = list(LocalProcesses(2).run(wanted))
            assert {each.isolation for each in done} == {rung}
            found[rung] = {each.order.student: each.verdict for each in done}
    return found


def test_a_submission_gets_the_same_verdict_on_both(graded):
    for student in SAME:
        one, other = (_facts(graded[rung][student]) for rung in RUNGS)
        assert one == other
    assert graded["docker"]["solution"].status == "passed"
    assert graded["docker"]["untouched"].points == UNTOUCHED


def test_no_attack_gets_anything_without_a_container(graded):
    for student in ATTACKS:
        verdict = graded["namespaces"][student]
        assert verdict.status == "failed", (student, verdict)
        assert verdict.points <= UNTOUCHED, (student, verdict)
    for student in ("network", "reader", "killer"):  # they leave their own system as it was
        assert graded["namespaces"][student].points == UNTOUCHED, student


def test_nothing_is_left_of_them(graded, shared_home):
    assert not list((shared_home / "checks").iterdir())
    assert docker_engine.left(str(shared_home)) == []


def _facts(verdict: Verdict) -> tuple[object, ...]:
    checks = {each.id: (each.status, each.points, each.required) for each in verdict.checks}
    return verdict.status, verdict.points, verdict.max_points, verdict.reason, checks

"""A lab in which one writes a server, graded in boxes: the server has one of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jupyter_sysdesign.curriculum import workspace as workspaces
from jupyter_sysdesign.curriculum.catalogue import Catalogue
from jupyter_sysdesign.grading import overlay
from jupyter_sysdesign.grading.course import boxes, orders
from jupyter_sysdesign.grading.course.executors import LocalProcesses

if TYPE_CHECKING:
    from jupyter_sysdesign.control.models import Verdict

if boxes.Namespaces().unusable():
    pytest.skip("namespaces cannot be made here", allow_module_level=True)

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

#: What is told of a server that raises, among what the instructor sees.
LOOKS_AROUND = """
import os
from pathlib import Path
from jupyter_sysdesign.simulation.protocols.timekeeping.frame import Process

class Clocks(Process):
    def __init__(self, ctx):
        super().__init__(ctx)
        programs = [Path(f"/proc/{each}/cmdline").read_bytes().split(b"\\0")
                    for each in os.listdir("/proc") if each.isdigit()]
        host = b"jupyter_sysdesign.simulation.apart.host"
        others = [each for each in programs if host not in each]
        lines = Path("/proc/net/dev").read_text().split()
        links = sorted(each for each in lines if each.endswith(":"))
        job = os.path.exists("/job") or os.getuid() == 0
        raise ValueError(f"sees {others} {links} {job}")
"""
VERDICT = """
import jupyter_sysdesign.simulation.play as played
from jupyter_sysdesign.simulation.verdict import Outcome
played.Outcome = lambda status, found, *counts: Outcome("passed", None, *counts)
"""


RUNGS = {
    "docker": ("looks-around",),
    "namespaces": ("solution", "looks-around", "own-verdict"),
}


@pytest.fixture(scope="module")
def graded(shared_home, tmp_path_factory) -> dict[str, dict[str, Verdict]]:
    """Return the verdicts by rung and student."""
    base = tmp_path_factory.mktemp("labs")
    lesson = Catalogue().lesson("lab-clocks")
    solution = overlay.solution(lesson)
    assert solution is not None
    submitted = {
        "solution": solution.files["clocks.py"].decode(),
        "looks-around": LOOKS_AROUND,
        "own-verdict": VERDICT + (lesson.environment / "clocks.py").read_text(),
    }
    for student, text in submitted.items():
        (base / student / lesson.id).mkdir(parents=True)
        workspaces.populate(lesson, base / student / lesson.id)
        (base / student / lesson.id / "clocks.py").write_text(text)
    found = {}
    with pytest.MonkeyPatch.context() as monkeypatch:
        for rung, students in RUNGS.items():
            wanted = [
                orders.read(student, lesson, base / student / lesson.id, bytes(32))
                for student in students
            ]
            if rung == "namespaces":
                monkeypatch.setenv("DOCKER_HOST", f"unix://{base}/nobody.sock")
            done = list(LocalProcesses(2).run(wanted))
            assert {each.isolation for each in done} == {rung}
            found[rung] = {each.order.student: each.verdict for each in done}
    return found


def test_a_server_that_is_right_has_full_marks(graded):
    verdict = graded["namespaces"]["solution"]
    assert verdict.status == "passed", verdict


@pytest.mark.parametrize("rung", RUNGS)
def test_a_server_sees_only_what_it_runs_on(graded, rung):
    whys = {each.why for each in graded[rung]["looks-around"].checks}
    (seen,) = {why.partition("sees ")[2].partition(" (line")[0] for why in whys}
    assert seen == "[] ['lo:'] False"


def test_no_server_decides_about_its_run(graded):
    checks = graded["namespaces"]["own-verdict"].checks
    assert {each.status for each in checks} == {"failed"}

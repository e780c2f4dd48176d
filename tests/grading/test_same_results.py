"""The same submission and seed give the same results, in whatever order they are graded."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_sysdesign import paths
from jupyter_sysdesign.control.client import ControlClient
from jupyter_sysdesign.control.models import CheckResult, Status, Verdict
from jupyter_sysdesign.curriculum import workspace as workspaces
from jupyter_sysdesign.curriculum.answers import AnswersFile
from jupyter_sysdesign.curriculum.catalogue import Catalogue
from jupyter_sysdesign.grading import overlay
from jupyter_sysdesign.grading.process import run_checker

if TYPE_CHECKING:
    from pathlib import Path

#: What is counted, not timed.
COUNTED = ["index-on-category", "new-item-shows", "few-indexes"]


def test_neither_time_nor_order_changes_a_result(home: Path, curriculum: Path):
    lesson = Catalogue().lesson("tiny")
    reference = overlay.solution(lesson)
    assert reference is not None
    cheat = next(each for each in overlay.cheats(lesson) if each.name.endswith("constant"))
    base = home.parent
    submissions = {
        "reference": reference.workspace(lesson, base / "reference"),
        "cheat": cheat.workspace(lesson, base / "cheat"),
        "untouched": workspaces.create(lesson, base / "untouched").folder,
    }
    with ControlClient() as client:
        pid = client.info().pid
        rounds = [
            {name: result(submissions[name]) for name in order}
            for order in (sorted(submissions), sorted(submissions, reverse=True))
        ]
    os.kill(pid, signal.SIGTERM)
    while paths.control_socket().exists():
        time.sleep(0.02)
    assert rounds[0] == rounds[1]
    statuses = {name: [each[1] for each in found] for name, found in rounds[0].items()}
    assert statuses == {
        "reference": ["passed", "passed", "passed"],
        "cheat": ["failed", "failed", "passed"],
        "untouched": ["failed", "passed", "passed"],
    }


def result(workspace: Path) -> list[tuple[str, str, str, str, float]]:
    verdict = run_checker(workspace, 4711, only=COUNTED)
    return [
        (each.id, each.status.value, each.measured, each.why, each.points)
        for each in verdict.checks
    ]


checks = st.lists(
    st.builds(
        CheckResult,
        id=st.sampled_from("abc"), title=st.just("T"), kind=st.just("slo"),
        status=st.sampled_from(Status), measured=st.just(""), required=st.just(""),
        why=st.just(""), points=st.just(0.0), max_points=st.just(1.0),
    ),
    max_size=3,
    unique_by=lambda each: each.id,
)  # fmt: skip
verdicts = st.builds(
    Verdict,
    lesson=st.just("tiny"), status=st.sampled_from(Status), checks=checks, points=st.just(0.0),
    max_points=st.just(3.0), seed=st.just(1), started_at=st.just(0.0), duration_s=st.just(1.0),
)  # fmt: skip


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(verdicts, min_size=1, max_size=6))
def test_what_is_finished_stays_finished(tmp_path: Path, coming: list[Verdict]):
    file = AnswersFile(tmp_path)
    file.path.unlink(missing_ok=True)
    finished_at = None
    for verdict in coming:
        before = file.checks()
        file.record(verdict)
        if finished_at is not None:
            assert file.passed_at == finished_at
        assert (file.passed_at is not None) >= (verdict.status is Status.PASSED)
        finished_at = file.passed_at
        for each in verdict.checks:  # unknown takes nothing away
            if each.status is Status.UNKNOWN and each.id in before:
                assert file.checks()[each.id] == before[each.id]

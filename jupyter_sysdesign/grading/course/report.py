"""The report on an assignment: one HTML file for the instructor, and the same as data."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_sysdesign.control.models import Status
from jupyter_sysdesign.curriculum import workspace as workspaces
from jupyter_sysdesign.curriculum.atomic import replace
from jupyter_sysdesign.grading.course import likeness, orders, results

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_sysdesign.curriculum.catalogue import Lesson
    from jupyter_sysdesign.grading.course.course import Course
    from jupyter_sysdesign.grading.course.results import Result

_TEMPLATE = "report.html.jinja"
_SLOWEST = 5


class CheckFigures(NamedTuple):
    """How a cohort did in one check."""

    id: str
    title: str
    max_points: float
    passed: int
    failed: int
    unknown: int
    mean_points: float
    reasons: list[tuple[str, int]]

    @property
    def failure_rate(self) -> float | None:
        """Return failed of decided, 0 to 1; None when nothing is decided."""
        decided = self.passed + self.failed
        return self.failed / decided if decided else None


def per_check(graded: Sequence[Result]) -> list[CheckFigures]:
    """Return the figures of each check, in the lesson's order; the commonest reasons first."""
    made: dict[str, list[Any]] = {}
    for result in graded:
        for each in result.verdict.checks:
            made.setdefault(each.id, []).append(each)
    found = []
    for check, outcomes in made.items():
        count = Counter(each.status for each in outcomes)
        why = Counter(each.why for each in outcomes if each.status is Status.FAILED)
        found.append(
            CheckFigures(
                check,
                outcomes[0].title,
                outcomes[0].max_points,
                count[Status.PASSED],
                count[Status.FAILED],
                count[Status.UNKNOWN],
                statistics.fmean(each.points for each in outcomes),
                why.most_common(3),
            )
        )
    return found


def write(course: Course, lesson: Lesson) -> Path:
    """Write ``.sysdesign/report/<assignment>.html`` on all that is graded; return its path."""
    import jinja2  # noqa: PLC0415 (nbgrader and JupyterLab bring it)

    graded = list(results.every(course, lesson.id))
    submitted = {
        student: orders.read(student, lesson, folder, course.key).files
        for student, folder in course.submitted(lesson.id).items()
    }
    text = Path(__file__).with_name(_TEMPLATE).read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    html = environment.from_string(text).render(
        course=course.id,
        lesson=lesson.file.title,
        assignment=lesson.id,
        at=time.strftime("%Y-%m-%d %H:%M"),
        graded=graded,
        missing=sorted(set(submitted) - {each.student for each in graded}),
        checks=per_check(graded),
        points=[each.verdict.points for each in graded],
        slowest=sorted(graded, key=lambda each: -each.verdict.duration_s)[:_SLOWEST],
        unknown=[
            (each.student, check)
            for each in graded
            for check in each.verdict.checks
            if check.status is Status.UNKNOWN
        ],
        alike=likeness.pairs(submitted, _pristine(lesson)),
    )
    path = course.own("report") / f"{lesson.id}.html"
    replace(path, html + "\n")
    return path


def _pristine(lesson: Lesson) -> dict[str, bytes]:
    return {
        relative: path.read_bytes()
        for relative, path in workspaces.handed_out(lesson).items()
        if path.suffix != ".ipynb"
    }

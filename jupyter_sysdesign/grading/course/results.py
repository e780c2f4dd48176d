"""What was graded, one file per submission; a file is there whole or not at all."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from pydantic import BaseModel, Field, ValidationError

from jupyter_sysdesign.control.models import CheckResult, Status, Verdict
from jupyter_sysdesign.curriculum.atomic import replace
from jupyter_sysdesign.grading import verdict as verdicts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jupyter_sysdesign.grading.course.course import Course
    from jupyter_sysdesign.grading.course.orders import Order


class Result(BaseModel):
    """The verdict on one submission, for the instructor: it holds hidden values.

    Attributes:
        digest: of the files it is about.
        rejected: why these were not even run; empty: they were.
        isolation: the rung of the ladder it was graded on.
        graded_at: seconds since the epoch.
    """

    student: str
    assignment: str
    digest: str
    rejected: str = ""
    verdict: Verdict
    isolation: str
    graded_at: float = Field(default_factory=time.time)

    @property
    def undecided(self) -> list[str]:
        """The checks that nobody could decide; there may be some behind a verdict ``failed``."""
        return [each.id for each in self.verdict.checks if each.status is Status.UNKNOWN]

    @property
    def decided(self) -> bool:
        """Whether there is nothing in it to try again."""
        return self.verdict.status is not Status.UNKNOWN and not self.undecided

    def is_of(self, other: Order | Result) -> bool:
        """Tell whether it is about the same files, rejected for the same reason if at all.

        Of all that are rejected no files are known, so their digest is one.
        """
        return (self.digest, self.rejected) == (other.digest, other.rejected)


def load(course: Course, assignment: str, student: str) -> Result | None:
    """Return what was graded of a student, None if nothing (that can be read) was."""
    try:
        text = _path(course, assignment, student).read_text(encoding="utf-8")
        return Result.model_validate_json(text)
    except (OSError, UnicodeDecodeError, ValidationError):
        return None


def every(course: Course, assignment: str) -> Iterator[Result]:
    """Yield all results of an assignment, by student."""
    for path in sorted(course.own("results", assignment).glob("*.json")):
        found = load(course, assignment, unquote(path.stem))
        if found is not None:
            yield found


def keep(course: Course, order: Order, verdict: Verdict, isolation: str) -> Result:
    """Store a verdict, and return what counts from now on: see ``merged``.

    What could not be read is not known to be other files, so it is in the place of none.
    """
    fresh = Result(
        student=order.student,
        assignment=order.lesson,
        digest=order.digest,
        rejected=order.rejected,
        verdict=verdict,
        isolation=isolation,
    )
    known = load(course, order.lesson, order.student)
    if order.unreadable and known is not None and not known.is_of(order):
        return known
    result = fresh if known is None else merged(known, fresh)
    replace(_path(course, order.lesson, order.student), result.model_dump_json(indent=1) + "\n")
    return result


def merged(known: Result, fresh: Result) -> Result:
    """Return what counts after grading again.

    Of the same files, each check keeps its better outcome: that a machine was busy, or a check
    could not be made, takes nothing away. Other files are another submission; the last one counts.
    """
    if not known.is_of(fresh):
        return fresh
    before = {each.id: each for each in known.verdict.checks}
    checks = [_better(before.get(each.id), each) for each in fresh.verdict.checks]
    verdict = verdicts.combine(
        fresh.verdict.lesson,
        checks,
        seed=fresh.verdict.seed,
        started_at=fresh.verdict.started_at,
    )
    verdict = verdict.model_copy(update={"duration_s": fresh.verdict.duration_s})
    return fresh.model_copy(update={"verdict": verdict})


def _better(known: CheckResult | None, fresh: CheckResult) -> CheckResult:
    if known is None or known.status is Status.UNKNOWN:
        return fresh
    if fresh.status is Status.UNKNOWN or known.points > fresh.points:
        return known
    return fresh


def _path(course: Course, assignment: str, student: str) -> Path:
    # An id is whatever another system made it: o'neil@example.org, jane+lab.
    return course.own("results", assignment) / f"{quote(student, safe='@')}.json"

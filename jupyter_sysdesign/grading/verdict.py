"""From outcomes to results, and from results to one verdict."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from jupyter_sysdesign.control.models import CheckResult, Status, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_sysdesign.grading.blame import Finding
    from jupyter_sysdesign.grading.checks import Check
    from jupyter_sysdesign.grading.outcome import Outcome

NOT_MEASURED = "not measured"


def judged(check: Check, outcome: Outcome) -> CheckResult:
    """Return the result of a check that was made."""
    share = 1.0 if outcome.passed else min(max(outcome.credit, 0.0), 1.0)
    return CheckResult(
        id=check.id,
        title=check.title,
        kind=check.kind,
        status=outcome.status,
        measured=outcome.measured,
        required=outcome.required,
        why=outcome.why,
        points=check.points * share,
        max_points=check.points,
        evidence=outcome.evidence,
    )


def not_made(check: Check, finding: Finding) -> CheckResult:
    """Return the result of a check that came to no figures, for the reason found."""
    return CheckResult(
        id=check.id,
        title=check.title,
        kind=check.kind,
        status=finding.status,
        measured=NOT_MEASURED,
        required=check.title,
        why=finding.why,
        points=0,
        max_points=check.points,
        evidence=finding.evidence,
    )


def combine(
    lesson: str,
    results: Sequence[CheckResult],
    *,
    seed: int,
    started_at: float,
    reason: str = "",
) -> Verdict:
    """Return the verdict: failed if any check failed, else unknown if any is, else passed.

    No result at all is unknown, never passed.
    """
    statuses = {each.status for each in results}
    if Status.FAILED in statuses:
        status = Status.FAILED
    elif Status.UNKNOWN in statuses or not results:
        status = Status.UNKNOWN
    else:
        status = Status.PASSED
    if status is Status.UNKNOWN and not reason:
        reason = next((each.why for each in results if each.status is Status.UNKNOWN), "")
    return Verdict(
        lesson=lesson,
        status=status,
        checks=list(results),
        points=min(sum(each.points for each in results), sum(each.max_points for each in results)),
        max_points=sum(each.max_points for each in results),
        seed=seed,
        started_at=started_at,
        duration_s=time.time() - started_at,
        reason=reason,
    )

"""A verdict: each check's measured value against the required one, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.control.models import Status
from jupyter_sysdesign.notebook.rendering.figures import count, number, share
from jupyter_sysdesign.notebook.rendering.html import (
    AMBER,
    GREEN,
    GREY,
    RED,
    Html,
    badge,
    card,
    footnote,
    notice,
    paragraph,
    preformatted,
    strong,
    table,
    tag,
    title,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_sysdesign.control.models import CheckResult, Verdict
    from jupyter_sysdesign.environment.status import Drift

_WORDS = {
    Status.PASSED: ("✓ passed", GREEN),
    Status.FAILED: ("✗ failed", RED),
    Status.UNKNOWN: ("? could not check", GREY),
}


#: What is said when a check ended without a verdict; why is told by the error that ended it.
_ENDED = "It was not checked."


def as_html(
    verdict: Verdict | None, results: Sequence[CheckResult], *, ended: bool = False
) -> Html:
    """Return the verdict, or the results so far; ``ended``: no more of them will come."""
    checks = verdict.checks if verdict else list(results)
    rows = [_row(check) for check in checks]
    body = (
        table(["Check", "", "Measured", "Required", "Points"], rows, left=4, top=True, wide=True)
        if rows
        else Html("")
    )
    if verdict is None and ended:
        return card(title(_ENDED), body, kind="verdict")
    if verdict is None:
        return card(
            title("Checking your fix …"),
            paragraph(
                "A fresh copy of the system is built with your files and put under load. "
                f"{count(len(rows), 'check')} done."
            ),
            body,
            kind="verdict",
        )
    word, colour = _WORDS[verdict.status]
    parts = [
        title("Verdict ", badge(word, colour)),
        paragraph(strong(headline(verdict))),
        notice(verdict.reason, colour=GREY) if verdict.reason else "",
        body,
        _drift(verdict.drift),
        footnote(
            f"Held-out traffic with seed {verdict.seed}, {number(verdict.duration_s)} s, on a "
            "fresh copy of the system built from your files."
        ),
    ]
    return card(*parts, kind="verdict")


def as_text(verdict: Verdict | None, results: Sequence[CheckResult], *, ended: bool = False) -> str:
    """Return the same for a terminal."""
    checks = verdict.checks if verdict else list(results)
    going = _ENDED if ended else "Checking your fix …"
    lines = [headline(verdict) if verdict else going]
    if verdict and verdict.reason:
        lines.append(verdict.reason)
    for check in checks:
        lines.append(f"  {_WORDS[check.status][0]:<9}  {check.title}{_points(check)}")
        lines.append(f"             measured {check.measured}, required {check.required}")
        if _explains(check):
            lines.append(f"             {check.why}")
    if verdict and verdict.drift and verdict.drift.drifted:
        lines += [_DRIFT, *(f"  {each}" for each in verdict.drift.differences)]
    return "\n".join(lines)


def headline(verdict: Verdict) -> str:
    """Return the verdict in one sentence."""
    points = f"{share(verdict.points)} of {share(verdict.max_points)} points"
    failed = [check for check in verdict.checks if check.status is Status.FAILED]
    unknown = [check for check in verdict.checks if check.status is Status.UNKNOWN]
    if verdict.status is Status.PASSED:
        made = "" if verdict.whole else " that was made"
        return f"Passed: every check{made} holds ({points})."
    if verdict.status is Status.FAILED:
        of = f"{len(failed)} of {count(len(verdict.checks), 'check')}"
        return f"Not yet: {of} failed ({points})."
    what = f": {count(len(unknown), 'check')} gave no answer" if unknown else ""
    return f"It could not be checked{what}. That is not your fault; run it again."


_DRIFT = (
    "The running database differs from what your files build. Only files count: write these "
    "changes into migrations/ and apply them, or they are not part of your fix."
)


def _row(check: CheckResult) -> list[str]:
    what = tag("div", strong(check.title))
    why = tag("div", check.why) if _explains(check) else Html("")
    return [
        tag("div", what, why),
        badge(*_WORDS[check.status]),
        tag("span", check.measured or "–"),
        tag("span", check.required or "–"),
        f"{share(check.points)} / {share(check.max_points)}" if check.max_points else "",
    ]


def _explains(check: CheckResult) -> bool:
    """Tell whether there is more to say than measured and required do."""
    return bool(check.why) and check.status is not Status.PASSED


def _points(check: CheckResult) -> str:
    if not check.max_points:
        return ""
    return f" ({share(check.points)} of {share(check.max_points)} points)"


def _drift(drift: Drift | None) -> Html:
    if drift is None or not drift.drifted:
        return Html("")
    return notice(
        _DRIFT,
        preformatted("\n".join(drift.differences)),
        colour=AMBER,
    )

"""What the judge says: each scenario, the rule that broke, and the story of the smallest run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.notebook.rendering.figures import count
from jupyter_sysdesign.notebook.rendering.html import (
    GREEN,
    GREY,
    RED,
    Html,
    badge,
    card,
    footnote,
    join,
    muted,
    paragraph,
    preformatted,
    strong,
    table,
    tag,
    title,
)

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.judge import Report, ScenarioResult

_WORDS = {
    "passed": ("✓ passed", GREEN),
    "failed": ("✗ failed", RED),
    "unknown": ("? unknown", GREY),
}


def waiting(text: str) -> Html:
    """Return what stands there as long as nothing is decided."""
    return card(paragraph(text), kind="judgement")


def as_html(report: Report, *, story: bool = True) -> Html:
    """Return the whole verdict; its ``story`` may stand elsewhere."""
    rows = [_row(each) for each in report.scenarios]
    told = (
        join(
            paragraph(strong("The smallest run that shows it")),
            preformatted("\n".join(report.story)),
        )
        if story and report.story
        else Html("")
    )
    return card(
        title(f"{report.server} ", badge(*_WORDS[report.status])),
        paragraph(strong(f"{report.points} of {report.max_points} points")),
        table(["Scenario", "", "Runs", "Points"], rows, left=2, top=True, wide=True),
        told,
        footnote(
            f"{count(report.runs, 'run')} in {report.seconds:.1f} s. A scenario ends with its "
            "first failure."
        ),
        kind="judgement",
    )


def _row(result: ScenarioResult) -> list[str]:
    found = result.failure or result.unknown
    said: list[str] = [tag("div", strong(result.name), " ", muted(result.aim))]
    if found is not None:
        said.append(tag("div", strong(f"{found.title}: "), f"{found.why} ({found.place})"))
        said.append(tag("div", muted(f"{found.source}: {found.words}")))
    return [
        tag("div", *said),
        badge(*_WORDS[result.status]),
        f"{result.passed} of {result.wanted}",
        f"{result.points} / {result.max_points}",
    ]

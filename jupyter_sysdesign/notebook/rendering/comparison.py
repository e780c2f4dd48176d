"""Two runs of the same traffic side by side: the story, the figures, and a plain picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.notebook.rendering.figures import milliseconds, number, times
from jupyter_sysdesign.notebook.rendering.html import (
    GREEN,
    RED,
    Html,
    badge,
    card,
    muted,
    notice,
    paragraph,
    strong,
    table,
    title,
)
from jupyter_sysdesign.notebook.rendering.line_chart import BLUE, ORANGE, Line, chart
from jupyter_sysdesign.notebook.rendering.run import errors, latencies

if TYPE_CHECKING:
    from jupyter_sysdesign.notebook.compare import Comparison


def as_html(comparison: Comparison) -> Html:
    """Return warnings, the story in sentences, and one table line per endpoint."""
    before, after = comparison.before, comparison.after
    return card(
        title(
            f"Before and after: {before.profile} ",
            muted(f"seed {before.seed}, the same requests in the same order")
            if comparison.same_traffic
            else muted(f"seeds {before.seed} and {after.seed}"),
        ),
        *(notice(strong("Careful. "), warning, colour=RED) for warning in comparison.warnings),
        paragraph(strong(comparison.headline)),
        *(paragraph(sentence) for sentence in comparison.sentences),
        table(
            ["", "p95 before", "p95 after", "", "p50 before", "p50 after", "Errors"],
            _rows(comparison),
        ),
        kind="comparison",
    )


def picture(comparison: Comparison) -> Html:
    """Return p95 over time of both runs, for where Plotly cannot draw."""
    before, after = comparison.before, comparison.after
    lines = [
        Line("before", latencies(before.ticks, "p95_ms"), ORANGE, "dashed"),
        Line("after", latencies(after.ticks, "p95_ms"), BLUE),
    ]
    return card(
        chart(
            lines, title="p95 latency over the run", y_unit="ms, logarithmic", log=True, wide=True
        ),
        kind="comparison",
    )


def as_text(comparison: Comparison) -> str:
    """Return the comparison for a terminal."""
    lines = [f"! {warning}" for warning in comparison.warnings]
    lines += [comparison.headline, *comparison.sentences]
    names = comparison.names
    width = max((len(name) for name in names), default=0)
    for name in names:
        old, new = comparison.endpoint(name)
        lines.append(
            f"  {name:<{width}}  p95 {milliseconds(old.p95_ms)} → {milliseconds(new.p95_ms)}"
            f"  {_verdict_text(old.p95_ms, new.p95_ms)}"
        )
    return "\n".join(lines)


def _rows(comparison: Comparison) -> list[list[str]]:
    rows = []
    for name in comparison.names:
        old, new = comparison.endpoint(name)
        rows.append(
            [
                name,
                milliseconds(old.p95_ms),
                milliseconds(new.p95_ms),
                _verdict(old.p95_ms, new.p95_ms),
                milliseconds(old.p50_ms),
                milliseconds(new.p50_ms),
                f"{number(errors(old))} → {number(errors(new))}",
            ]
        )
    before, after = comparison.before.summary, comparison.after.summary
    rows.append(
        [
            strong("All together"),
            strong(milliseconds(before.p95_ms)),
            strong(milliseconds(after.p95_ms)),
            _verdict(before.p95_ms, after.p95_ms),
            milliseconds(before.p50_ms),
            milliseconds(after.p50_ms),
            f"{number(sum(before.errors.values()))} → {number(sum(after.errors.values()))}",
        ]
    )
    return rows


#: Two runs of the very same system differ by this much; less is no difference.
NOISE = 1.25


def _verdict(old: float | None, new: float | None) -> Html:
    text = _verdict_text(old, new)
    colour = GREEN if "faster" in text else RED if "slower" in text else ""
    if not colour:
        return muted(text)
    return badge(text, colour)


def _verdict_text(old: float | None, new: float | None) -> str:
    if not old or not new:
        return "–"
    if old / new >= NOISE:
        return f"{times(old / new)} faster"
    if new / old >= NOISE:
        return f"{times(new / old)} slower"
    return "about the same"

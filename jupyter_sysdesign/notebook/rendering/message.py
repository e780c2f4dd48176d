"""Short messages: what was just done, what went wrong and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.notebook.rendering.html import (
    AMBER,
    GREEN,
    GREY,
    Html,
    card,
    footnote,
    join,
    notice,
    table,
    tag,
    title,
)
from jupyter_sysdesign.notebook.rendering.markdown import markdown

if TYPE_CHECKING:
    from collections.abc import Mapping

_LATER = "There is a solution to compare with once you have run lesson.check()."


def applied(
    message: str, files: list[str], *, replayed: bool, services: Mapping[str, str] | None = None
) -> Html:
    """Return what ``lesson.apply()`` did; ``services``: what became of each, by name."""
    became = services or {}
    rows = [[name, "applied now"] for name in files]
    rows += [[name, what] for name, what in became.items()]
    changed = bool(files or became)
    return card(
        title("Your changes to the system" if became else "Your changes to the database"),
        notice(message, colour=AMBER if replayed else GREEN if changed else GREY),
        table([], rows, left=2) if rows else "",
        kind="applied",
    )


def hint_html(ladder: dict[str, Any], solution: str | None) -> Html:
    """Return a hint ladder whose rungs open one after the other, by clicks and without a script."""
    last = _after(ladder, solution)
    if solution:
        last = _rung("Show a solution", markdown(solution))
    opened: Html = last
    rungs = _rungs(ladder)
    for position in range(len(rungs), 0, -1):
        opened = _rung(
            f"Hint {position} of {len(rungs)}", join(markdown(rungs[position - 1]), opened)
        )
    return card(title(str(ladder.get("title", "Hints"))), opened, kind="hint")


def hint_text(ladder: dict[str, Any], solution: str | None, level: int) -> str:
    """Return the first ``level`` rungs, and how to get the next."""
    rungs = _rungs(ladder)
    lines = [str(ladder.get("title", "Hints"))]
    lines += [f"  Hint {at}: {text}" for at, text in enumerate(rungs[:level], start=1)]
    further = f"lesson.hint({ladder.get('id')!r}, level={min(level, len(rungs)) + 1})"
    if level < len(rungs):
        lines.append(f"  The next one: {further}")
    elif solution and level > len(rungs):
        lines.append(f"  Solution: {solution}")
    elif solution:
        lines.append(f"  A solution: {further}")
    elif ladder.get("has_solution"):
        lines.append(f"  {_LATER}")
    return "\n".join(lines)


def _rungs(ladder: dict[str, Any]) -> list[str]:
    return [str(rung) for rung in ladder.get("rungs") or []]


def _rung(summary: str, content: Html) -> Html:
    return tag(
        "details",
        tag("summary", summary, style="cursor: pointer; font-weight: 600"),
        tag("div", content, style="padding: 0 0 0 14px"),
        style="margin: 4px 0",
    )


def _after(ladder: dict[str, Any], solution: str | None) -> Html:
    if solution is None and ladder.get("has_solution"):
        return footnote(_LATER)
    return Html("")

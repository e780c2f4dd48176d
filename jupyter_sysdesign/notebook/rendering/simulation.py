"""A simulated run without its player: what happened, in words, branch by branch."""

from __future__ import annotations

from typing import Any

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
    title,
)
from jupyter_sysdesign.notebook.rendering.spacetime import picture
from jupyter_sysdesign.simulation.units import clock

_WORDS = {"passed": ("no rule broken", GREEN), "failed": ("a rule breaks", RED)}
#: A longer story is told by its beginning and its end.
_MOST_LINES = 60


def as_html(heading: str, subtitle: str, branches: list[dict[str, Any]]) -> Html:
    """Return every branch with its story."""
    return card(
        title(f"{heading} ", muted(subtitle)),
        *(_branch(each, several=len(branches) > 1) for each in branches),
        footnote("Run this cell again in JupyterLab to play it, rewind it and change it."),
        kind="simulation",
    )


def as_text(heading: str, subtitle: str, branches: list[dict[str, Any]]) -> str:
    """Return the same for a terminal."""
    lines = [f"{heading} ({subtitle})" if subtitle else heading]
    for each in branches:
        if len(branches) > 1:
            lines.append(_name(each))
        lines += [f"  {line}" for line in _story(each)]
    return "\n".join(lines)


def _branch(branch: dict[str, Any], *, several: bool) -> Html:
    status = badge(*_WORDS.get(str(branch.get("status")), ("unknown", GREY)))
    name = paragraph(strong(_name(branch)), " ", status) if several else paragraph(status)
    trace = branch.get("trace")
    drawn = picture(trace) if isinstance(trace, str) else Html("")
    return join(name, drawn, preformatted("\n".join(_story(branch))))


def _name(branch: dict[str, Any]) -> str:
    name, at_us = str(branch.get("name", "")), branch.get("at_us")
    if branch.get("parent") is None or not isinstance(at_us, int):
        return name
    return f"{name}, from {clock(at_us)}"


def _story(branch: dict[str, Any]) -> list[str]:
    story = branch.get("story")
    lines = [str(each) for each in story] if isinstance(story, list) else []
    if len(lines) <= _MOST_LINES:
        return lines
    half = _MOST_LINES // 2
    return [*lines[:half], f"… {len(lines) - 2 * half} more …", *lines[-half:]]

"""Log lines of the services, oldest first."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.notebook.rendering.html import (
    Html,
    card,
    footnote,
    join,
    muted,
    paragraph,
    strong,
    tag,
    title,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


def as_html(lines: Sequence[dict[str, Any]], service: str | None) -> Html:
    """Return the lines in a box that scrolls by itself."""
    heading = title("Logs ", muted(service or "all services"))
    if not lines:
        return card(heading, paragraph("Nothing was logged yet."), kind="logs")
    rendered = [
        join(muted(f"{_clock(line)} "), strong(f"{line.get('service', '')} "), _said(line), "\n")
        for line in lines
    ]
    box = tag(
        "pre",
        *rendered,
        style=(
            "font-family: monospace; font-size: 12px; white-space: pre-wrap; line-height: 1.4; "
            "max-height: 320px; overflow: auto; margin: 4px 0; background: transparent"
        ),
    )
    # Of this process: who reads the page may be elsewhere.
    zone = time.strftime("%Z")
    return card(
        heading, box, footnote(f"The last {len(lines)} lines; times in {zone}."), kind="logs"
    )


def as_text(lines: Sequence[dict[str, Any]]) -> str:
    """Return the lines for a terminal."""
    if not lines:
        return "Nothing was logged yet."
    return "\n".join(f"{_clock(line)} {line.get('service', '')}: {_said(line)}" for line in lines)


def _clock(line: dict[str, Any]) -> str:
    ts = line.get("ts")
    return time.strftime("%H:%M:%S", time.localtime(ts)) if isinstance(ts, (int, float)) else ""


def _said(line: dict[str, Any]) -> str:
    return str(line.get("line", "")).rstrip()

"""A space–time diagram as a picture, for pages on which no script will ever play the run.

Like the charts beside it: an ``<img>`` that every sanitizer keeps, on a transparent ground, in
colours that read on white and on black. It shows the moment that matters: where a rule breaks, or
else how the run begins.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.notebook.rendering.html import Html, tag
from jupyter_sysdesign.notebook.rendering.line_chart import BLUE, ORANGE, RED, TEAL, VIOLET
from jupyter_sysdesign.simulation.narration import name
from jupyter_sysdesign.simulation.trace import read
from jupyter_sysdesign.simulation.units import MS, clock

if TYPE_CHECKING:
    from collections.abc import Iterable

_INK = "#7a7f87"
_WIDTH, _LEFT, _RIGHT, _TOP, _ROW, _BOTTOM = 680, 40, 12, 18, 30, 24
_SPAN_US = 160 * MS
#: What a lost message covers of its way before it ends.
_LOST_WAY = 0.5
_UNKNOWN_FLIGHT_US = 8 * MS
_COLOURS = {
    "AppendEntries": BLUE,
    "Appended": BLUE,
    "Request": ORANGE,
    "Reply": ORANGE,
    "InstallSnapshot": TEAL,
    "RequestVote": VIOLET,
    "Vote": VIOLET,
}


@dataclass(frozen=True)
class _Arrow:
    src: Any
    dst: Any
    sent: int
    until: int
    lost: bool
    colour: str


def picture(trace: str) -> Html:
    """Return the picture of a trace; nothing for what is none."""
    try:
        _, lines = read(trace)
        arrows = _arrows(lines)
    except (ValueError, KeyError, TypeError, AttributeError):
        return Html("")
    if not arrows:
        return Html("")
    start = _start(lines, arrows)
    shown = [each for each in arrows if each.until >= start and each.sent <= start + _SPAN_US]
    nodes = sorted({each.src for each in arrows} | {each.dst for each in arrows}, key=_by_name)
    rows: dict[Any, float] = {node: _TOP + 6 + _ROW * at for at, node in enumerate(nodes)}
    height = _TOP + _ROW * len(nodes) + _BOTTOM - 12
    parts = [
        *(_life(node, y) for node, y in rows.items()),
        *(_tick(start + _SPAN_US * at // 4, start, height) for at in range(5)),
        *(_arrow(each, rows, start) for each in shown),
        *_moments(lines, rows, start, height),
    ]
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" font-family="sans-serif" font-size="11">'
        f"{''.join(parts)}</svg>"
    )
    data = base64.b64encode(svg.encode()).decode()
    alt = (
        f"Space–time diagram from {clock(start)} to {clock(start + _SPAN_US)}: a line for each of "
        f"{', '.join(name(node) for node in nodes)}, and {len(shown)} messages between them."
    )
    return tag("img", src=f"data:image/svg+xml;base64,{data}", alt=alt)


def _arrows(lines: list[dict[str, Any]]) -> list[_Arrow]:
    arrived = {
        line.get("id", line.get("event")): line["t"]
        for line in lines
        if line["kind"] in ("message", "missed")
    }
    found: list[_Arrow] = []
    for line in lines:
        if line["kind"] != "send":
            continue
        message = line["message"]
        kind = message.get("type", "") if isinstance(message, dict) else ""
        heartbeat = isinstance(message, dict) and message.get("entries") == []
        until = arrived.get(line["id"])
        lost = until is None
        found.append(
            _Arrow(
                line["node"],
                line["dst"],
                line["t"],
                line["t"] + _UNKNOWN_FLIGHT_US if until is None else until,
                lost,
                RED if lost else _INK if heartbeat else _COLOURS.get(kind, TEAL),
            )
        )
    return found


def _start(lines: list[dict[str, Any]], arrows: list[_Arrow]) -> int:
    """Return where the picture begins: so that a broken rule is near its end."""
    outcome: dict[str, Any] = next(
        (line["outcome"] for line in reversed(lines) if line["kind"] == "end"), {}
    )
    broken = outcome.get("violation")
    if broken:
        return int(max(broken["at_us"] - _SPAN_US * 9 // 10, 0))
    return max(min(each.sent for each in arrows) - 10 * MS, 0)


def _x(time: int, start: int) -> float:
    return _LEFT + (time - start) / _SPAN_US * (_WIDTH - _LEFT - _RIGHT)


def _life(node: Any, y: float) -> str:
    return (
        f'<path d="M{_LEFT} {y}H{_WIDTH - _RIGHT}" stroke="{_INK}" stroke-width="1.5"/>'
        f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end" fill="{_INK}">{escape(name(node))}'
        "</text>"
    )


def _tick(time: int, start: int, height: float) -> str:
    anchor = "end" if time == start + _SPAN_US else "middle"
    return (
        f'<text x="{_x(time, start):.1f}" y="{height - 4}" text-anchor="{anchor}" fill="{_INK}">'
        f"{clock(time)}</text>"
    )


def _arrow(each: _Arrow, rows: dict[Any, float], start: int) -> str:
    x1, y1, x2, y2 = _x(each.sent, start), rows[each.src], _x(each.until, start), rows[each.dst]
    way = _LOST_WAY if each.lost else 1.0
    # Cut off at the edges by hand: what a viewer makes of a clip path is its own affair.
    low = max(0.0, (_LEFT - x1) / (x2 - x1)) if x2 > x1 else 0.0
    high = min(way, (_WIDTH - _RIGHT - x1) / (x2 - x1)) if x2 > x1 else way
    if high <= low:
        return ""
    ends = [(x1 + (x2 - x1) * at, y1 + (y2 - y1) * at) for at in (low, high)]
    (ax, ay), (bx, by) = ends
    mark = ""
    if high == way:
        mark = (
            f'<path d="M{bx - 4:.1f} {by - 4:.1f}l8 8m0-8l-8 8" stroke="{each.colour}"/>'
            if each.lost
            else f'<circle cx="{bx:.1f}" cy="{by:.1f}" r="2.5" fill="{each.colour}"/>'
        )
    return f'<path d="M{ax:.1f} {ay:.1f}L{bx:.1f} {by:.1f}" stroke="{each.colour}"/>{mark}'


def _moments(
    lines: list[dict[str, Any]], rows: dict[Any, float], start: int, height: float
) -> Iterable[str]:
    for line in lines:
        if not start <= line["t"] <= start + _SPAN_US:
            continue
        x, y = _x(line["t"], start), rows.get(line.get("node"))
        if line["kind"] == "fault":
            yield (
                f'<path d="M{x:.1f} {_TOP - 8}V{height - 20}" stroke="{RED}" '
                'stroke-dasharray="2 3"/>'
            )
        elif line["kind"] == "elected" and y is not None:
            yield f'<circle cx="{x:.1f}" cy="{y}" r="5" fill="{BLUE}"/>'
            yield (
                f'<text x="{x:.1f}" y="{y - 8}" text-anchor="middle" fill="{BLUE}">leads '
                f"{escape(json.dumps(line.get('term')))}</text>"
            )
        elif line["kind"] == "crashed" and y is not None:
            yield (
                f'<path d="M{x - 5:.1f} {y - 5}l10 10m0-10l-10 10" stroke="{RED}" '
                'stroke-width="2.5"/>'
            )


def _by_name(node: Any) -> tuple[bool, Any]:
    return isinstance(node, str), node

"""Small line charts as SVG pictures, for outputs that no script will ever draw.

They go into ``<img src="data:…">``: an image cannot run scripts, so every sanitizer keeps it. The
ground is transparent and every colour reads on white and on black; the legend is HTML text beside
the picture, in the colours of the theme.
"""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from jupyter_sysdesign.notebook.rendering.figures import number
from jupyter_sysdesign.notebook.rendering.html import Html, join, tag

if TYPE_CHECKING:
    from collections.abc import Sequence

BLUE = "#3b82f6"
ORANGE = "#d97706"
VIOLET = "#8b5cf6"
TEAL = "#0d9488"
RED = "#e5484d"
_INK = "#7a7f87"

_DASHES = {"solid": "", "dashed": "7 4", "dotted": "2 4"}

#: Width alone on a line, and of each where two share one; so that text is about as large in both.
_WIDE, _NARROW = 680, 400
_HEIGHT = 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 12, 12, 26
_TICKS = 4


@dataclass(frozen=True)
class Line:
    """One line of a chart.

    Attributes:
        name: what it shows; the legend says it.
        points: (x, y) in order; a missing y leaves a gap.
        dash: ``solid``, ``dashed`` or ``dotted``, so that colour is not the only difference.
    """

    name: str
    points: Sequence[tuple[float, float | None]]
    colour: str
    dash: str = "solid"


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        low, high = self.low, self.high
        if self.log:
            value, low, high = math.log10(max(value, low)), math.log10(low), math.log10(high)
        share = (value - low) / (high - low) if high > low else 0.0
        return self.start + share * (self.end - self.start)


def chart(
    lines: Sequence[Line], *, title: str, y_unit: str, log: bool = False, wide: bool = False
) -> Html:
    """Return title, legend and picture; x is seconds, y starts at 0 (or is logarithmic).

    Two charts share a line where there is room, unless they are ``wide``.
    """
    drawn = [line for line in lines if any(y is not None for _, y in line.points)]
    alt = f"Line chart: {title}. " + " ".join(map(_summary, drawn))
    width = _WIDE if wide else _NARROW
    picture = (
        image(svg(drawn, width=width, log=log), alt, width=width)
        if drawn
        else Html("Nothing was measured.")
    )
    legend = [_legend(line) for line in drawn]
    return tag(
        "div",
        tag("div", tag("strong", title), f" ({y_unit})  ", *legend),
        picture,
        cls="sd-figure",
        style=(
            f"display: inline-block; vertical-align: top; width: {99 if wide else 49}%; "
            "min-width: 340px; "
            "max-width: 100%; margin: 6px 6px 0 0"
        ),
    )


def image(picture: str, alt: str, *, width: int) -> Html:
    """Return an SVG document as an ``<img>``."""
    data = base64.b64encode(picture.encode()).decode()
    return tag(
        "img",
        src=f"data:image/svg+xml;base64,{data}",
        alt=alt,
        width=str(width),
        style="max-width: 100%; height: auto; display: block",
    )


def svg(lines: Sequence[Line], *, width: int, log: bool = False) -> str:
    """Return the picture: grid, axes, one path per line."""
    xs = [x for line in lines for x, _ in line.points] or [0.0, 1.0]
    ys = [y for line in lines for _, y in line.points if y is not None]
    ticks = _log_ticks(ys) if log else _ticks(0.0, max([*ys, 0.0]) or 1.0)
    x = _Scale(min(0.0, *xs), max(xs) or 1.0, _LEFT, width - _RIGHT)
    y = _Scale(ticks[0], ticks[-1], _HEIGHT - _BOTTOM, _TOP, log=log)
    parts = [_grid(y(value), width, _short(value)) for value in ticks]
    parts += [
        _text(x(value), _HEIGHT - 8, f"{_short(value)} s", "middle")
        for value in _ticks(x.low, x.high)
        if value <= x.high
    ]
    parts += [_path(line, x, y) for line in lines]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {_HEIGHT}" '
        f'width="{width}" height="{_HEIGHT}" font-family="system-ui, sans-serif" '
        f'font-size="12" fill="{_INK}">{"".join(parts)}</svg>'
    )


def _grid(y: float, width: int, label: str) -> str:
    line = f'<path d="M{_LEFT} {y:.1f}H{width - _RIGHT}" stroke="{_INK}" stroke-opacity=".3"/>'
    return line + _text(_LEFT - 6, y + 4, label, "end")


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _path(line: Line, x: _Scale, y: _Scale) -> str:
    steps, pen_down = [], False
    for at, value in line.points:
        if value is None:
            pen_down = False
            continue
        here = f"{x(at):.1f} {y(value):.1f}"
        # A point with gaps on both sides is still a dot: round caps paint a line of no length.
        steps.append(f"L{here}" if pen_down else f"M{here}h0")
        pen_down = True
    dash = f' stroke-dasharray="{_DASHES[line.dash]}"' if _DASHES[line.dash] else ""
    return (
        f'<path d="{"".join(steps)}" fill="none" stroke="{line.colour}" stroke-width="2" '
        f'stroke-linecap="round" stroke-linejoin="round"{dash}/>'
    )


def _ticks(low: float, high: float) -> list[float]:
    """Return round numbers from ``low`` up to or just above ``high``."""
    span = (high - low) or 1.0
    rough = span / _TICKS
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * each for each in (1, 2, 2.5, 5, 10) if power * each >= rough * 0.999)
    first = math.floor(low / step) * step
    count = math.ceil((high - first) / step - 1e-9)
    return [first + step * position for position in range(count + 1)]


def _log_ticks(ys: Sequence[float]) -> list[float]:
    positive = [value for value in ys if value > 0] or [1.0]
    low = math.floor(math.log10(min(positive)))
    high = max(math.ceil(math.log10(max(positive))), low + 1)
    return [10.0**power for power in range(low, high + 1)]


def _short(value: float) -> str:
    thousand, ten = 1000, 10
    if value >= ten * thousand:
        return f"{value / thousand:,.0f}k"
    return f"{value:,.10g}"


def _legend(line: Line) -> Html:
    swatch = tag(
        "span",
        style=(
            f"display: inline-block; width: 22px; border-top: 3px {line.dash} {line.colour}; "
            "vertical-align: middle; margin: 0 5px 0 10px"
        ),
    )
    return join(swatch, line.name)


def _summary(line: Line) -> str:
    ys = [value for _, value in line.points if value is not None]
    return f"{line.name}: from {number(min(ys), 1)} to {number(max(ys), 1)}."

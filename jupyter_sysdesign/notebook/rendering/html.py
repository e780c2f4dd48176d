"""HTML that cannot be injected into, and that JupyterLab's sanitizer keeps as it is.

What Lab keeps of an untrusted output (``@jupyterlab/apputils``, ``sanitizer.ts``): plain tags,
``class`` and ``style``, and of ``style`` only listed properties with literal values. So: no script,
no ``<style>``, no inline SVG, no ``var(--…)``, no ``aria-*``. Text takes the colour of the theme
around it; what we colour ourselves must read well on white and on black.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Problems, warnings, success and neutral marks. Text on them is white (contrast at least 4.5).
RED: Final = "#b42318"
AMBER: Final = "#8f5b00"
GREEN: Final = "#1e7a45"
GREY: Final = "#5f6670"

#: Faint lines and fills that show on any background.
LINE: Final = "rgba(128, 128, 128, 0.35)"
FILL: Final = "rgba(128, 128, 128, 0.12)"
BAR: Final = "rgba(59, 130, 246, 0.55)"

MONOSPACE: Final = "font-family: monospace"


class Html(str):
    """Text that is markup already; everything else is escaped."""

    __slots__ = ()


_VOID = frozenset({"br", "hr", "img", "col"})


def tag(name: str, /, *content: str, style: str = "", cls: str = "", **attributes: str) -> Html:
    """Return one element; ``content`` and attribute values are escaped unless they are ``Html``."""
    given = {"class": cls, "style": style, **attributes}
    inside = "".join(f' {key}="{html.escape(value)}"' for key, value in given.items() if value)
    if name in _VOID:
        return Html(f"<{name}{inside}>")
    return Html(f"<{name}{inside}>{join(*content)}</{name}>")


def join(*parts: str) -> Html:
    """Return the parts side by side, escaping what is plain text."""
    return Html("".join(part if isinstance(part, Html) else html.escape(part) for part in parts))


def card(*content: str, kind: str) -> Html:
    """Return the frame every view stands in; ``kind`` names it for style sheets."""
    return tag(
        "div",
        *content,
        cls=f"sd-view sd-static sd-static-{kind}",
        style=(
            f"border: 1px solid {LINE}; border-radius: 3px; padding: 12px 14px; margin: 4px 0; "
            "font-size: 13px; line-height: 1.45; overflow-x: auto"
        ),
    )


def title(*content: str) -> Html:
    """Return the heading line of a card."""
    return tag("div", *content, style="font-weight: 600; font-size: 14px; margin: 0 0 6px 0")


def paragraph(*content: str) -> Html:
    """Return a paragraph with little space around it."""
    return tag("div", *content, style="margin: 4px 0")


def muted(*content: str) -> Html:
    """Return text that steps back."""
    return tag("span", *content, style="opacity: 0.72")


def footnote(*content: str) -> Html:
    """Return a small line that explains how to read what stands above it."""
    return tag("div", *content, style="opacity: 0.72; font-size: 12px; margin: 4px 0 0 0")


def strong(*content: str) -> Html:
    """Return text that stands out."""
    return tag("strong", *content)


def code(*content: str) -> Html:
    """Return text as it is typed."""
    return tag("code", *content, style=f"{MONOSPACE}; font-size: 12px; background: {FILL}")


def badge(text: str, colour: str = "") -> Html:
    """Return a small label; without a colour it is neutral."""
    paint = f"background: {colour}; color: #ffffff" if colour else f"background: {FILL}"
    return tag(
        "span",
        text,
        style=(
            f"{paint}; border-radius: 4px; padding: 1px 6px; margin: 0 6px 0 0; "
            "font-size: 11px; font-weight: 600; white-space: nowrap; display: inline-block"
        ),
    )


def notice(*content: str, colour: str = AMBER) -> Html:
    """Return a paragraph set apart by a coloured edge."""
    return tag(
        "div",
        *content,
        style=f"border-left: 3px solid {colour}; padding: 2px 0 2px 10px; margin: 6px 0",
    )


def preformatted(text: str) -> Html:
    """Return lines as they are, wrapped where they are too long."""
    return tag(
        "pre",
        text,
        style=(
            f"{MONOSPACE}; font-size: 12px; white-space: pre-wrap; word-break: break-all; "
            f"background: {FILL}; border-radius: 4px; padding: 6px 8px; margin: 4px 0; "
            "line-height: 1.4"
        ),
    )


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    left: int = 1,
    top: bool = False,
    wide: bool = False,
) -> Html:
    """Return a table; the first ``left`` columns are text, the others numbers (right-aligned).

    ``top`` aligns cells at their top, ``wide`` stretches the table over the whole card.
    """

    def cell(name: str, position: int, content: str) -> Html:
        align = "left" if position < left else "right"
        weight = "; font-weight: 600" if name == "th" else ""
        vertical = "top" if top else "middle"
        return tag(
            name,
            content,
            style=(
                f"text-align: {align}; vertical-align: {vertical}; padding: 4px 10px 4px 0; "
                f"border: none; border-bottom: 1px solid {LINE}; white-space: normal{weight}"
            ),
        )

    def line(name: str, cells: Sequence[str]) -> Html:
        return tag(
            "tr",
            *(cell(name, position, content) for position, content in enumerate(cells)),
            style="background: transparent",
        )

    head = [tag("thead", line("th", header))] if header else []
    return tag(
        "table",
        *head,
        tag("tbody", *(line("td", row) for row in rows)),
        style=(
            "border-collapse: collapse; margin: 6px 0; font-size: 12px; table-layout: auto"
            + ("; width: 100%" if wide else "")
        ),
    )


def bar(share: float, text: str, *, width_px: int = 90) -> Html:
    """Return a horizontal bar for a share of 1 with a text under it."""
    filled = max(0.0, min(1.0, share)) * 100
    inner = tag(
        "div",
        style=f"background: {BAR}; width: {filled:.1f}%; height: 6px; border-radius: 3px",
    )
    outer = tag(
        "div",
        inner,
        style=f"background: {FILL}; width: {width_px}px; height: 6px; border-radius: 3px",
    )
    return tag("div", outer, tag("div", text, style="white-space: nowrap; margin: 2px 0 0 0"))

"""Markdown that lesson authors wrote, as HTML; raw HTML in it stays text."""

from __future__ import annotations

from functools import cache
from typing import Any

from markdown_it import MarkdownIt

from jupyter_sysdesign.notebook.rendering.html import Html, tag


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.add_render_rule("paragraph_open", _close_paragraph)
    return parser


def _close_paragraph(self: Any, tokens: Any, at: int, options: Any, env: Any) -> str:
    """Open a paragraph with little space around it."""
    tokens[at].attrSet("style", "margin: 4px 0")
    opened: str = self.renderToken(tokens, at, options, env)
    return opened


def markdown(text: str) -> Html:
    """Return a block of Markdown."""
    return tag("div", Html(_parser().render(text)), style="margin: 4px 0")


def inline(text: str) -> Html:
    """Return one line of Markdown without a paragraph around it."""
    return Html(_parser().renderInline(text))

"""Markdown that lesson authors wrote, as HTML; raw HTML in it stays text."""

from __future__ import annotations

from functools import cache

from markdown_it import MarkdownIt

from jupyter_sysdesign.notebook.rendering.html import Html, tag


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table")


def markdown(text: str) -> Html:
    """Return a block of Markdown."""
    return tag("div", Html(_parser().render(text)), style="margin: 4px 0")


def inline(text: str) -> Html:
    """Return one line of Markdown without a paragraph around it."""
    return Html(_parser().renderInline(text))

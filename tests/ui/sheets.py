"""A page with our style sheets and as little else as a test needs."""

from __future__ import annotations

from pathlib import Path

STYLE = Path(__file__).parents[2] / "labextension" / "style"
SHEETS = ("tokens", "controls", "output", "views", "simulation", "lab", "dashboard")


def show(page, body, *, theme="light", width="auto"):
    """Show this HTML and return the view around it."""
    style = "".join((STYLE / f"{name}.css").read_text() for name in SHEETS)
    page.set_content(
        f"<style>{style}</style><body data-jp-theme-light='{str(theme == 'light').lower()}'>"
        f"<div class='sd-view' style='padding: 8px; width: {width}'>{body}</div>"
    )
    return page.locator(".sd-view")

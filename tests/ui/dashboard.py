"""Page object: the dashboard of an environment, in words of who uses it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from ui.pages import LabPage

# The x of the newest point a chart has drawn is not in the page; its newest value is, for
# screen readers.
_LATEST = re.compile(r"latest: (.*)\. Arrow keys")


class DashboardPage:
    """One dashboard in the main area."""

    def __init__(self, lab: LabPage) -> None:
        self.lab = lab
        self.page = lab.page
        self.root = self.page.locator(".sd-dashboard:visible")
        self.head = self.root.locator(".sd-dash-head")

    def open(self) -> None:
        """Open that of the lesson from the command palette."""
        self.lab.command("Open Dashboard")
        self.root.wait_for()

    def press(self, name: str) -> None:
        """Go to a button with the Tab key alone, and press it."""
        wanted = self.root.get_by_role("button", name=name, exact=True).first
        self.page.keyboard.press("Control+Alt+d")
        expect(self.root).to_be_focused()
        for _ in range(80):
            if wanted.evaluate("button => button === document.activeElement"):
                self.page.keyboard.press("Enter")
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not reach {name!r}")

    def start(self) -> None:
        self.press("Start")
        self.ready()

    def ready(self) -> None:
        expect(self.head.locator(".sd-state").first).to_have_text("Ready", timeout=120_000)

    def service(self, name: str):
        """Return the picture's box of a service."""
        return self.root.locator(f"[data-service='{name}']")

    def tab(self, name: str) -> None:
        self.root.get_by_role("tab", name=name).click()

    def settle(self) -> None:
        """Wait until what charts have yet to draw is drawn: a few of them in each frame."""
        self.page.evaluate(
            """() => new Promise(resolve => {
                let left = 60;
                const next = () => (left-- > 0 ? requestAnimationFrame(next) : resolve());
                next();
            })"""
        )

    def chart(self, title: str):
        return self.root.locator(".sd-chart", has_text=title).first

    def latest(self, title: str) -> str:
        """Return a chart's newest values, as a screen reader reads them."""
        label = self.chart(title).locator("[role=img]").get_attribute("aria-label") or ""
        found = _LATEST.search(label)
        return found[1] if found else ""

    def moves(self, title: str, *, within_ms: int = 20_000) -> None:
        """Wait until a chart has drawn something newer."""
        before = self.latest(title)
        self.page.wait_for_function(
            """([title, before]) => [...document.querySelectorAll('.sd-dashboard .sd-chart')]
              .filter(chart => chart.textContent.includes(title))
              .some(chart => {
                const label = chart.querySelector('[role=img]').getAttribute('aria-label');
                return /latest/.test(label) && !label.includes(before || 'no data');
              })""",
            arg=[title, before],
            timeout=within_ms,
        )

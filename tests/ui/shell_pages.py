"""Page objects for what stands around the notebook: sidebar, bar, status bar, terminals."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page
    from ui.pages import LabPage

AXE = Path(__file__).parents[2] / "labextension" / "node_modules" / "axe-core" / "axe.min.js"


class Curriculum:
    """The lessons in the left sidebar."""

    def __init__(self, window: LabPage) -> None:
        self.page = window.page
        self.root = self.page.locator("#jupyter-sysdesign-curriculum")
        self.tree = self.root.get_by_role("tree", name="Lessons")
        self.search = self.root.get_by_label("Search lessons")
        self.details = self.root.locator(".sd-details")

    def open(self) -> None:
        """Show it by its shortcut."""
        self.page.keyboard.press("Control+Alt+l")
        expect(self.tree).to_be_visible()

    def lesson(self, title: str) -> Locator:
        return self.tree.get_by_role("treeitem", name=f"{title},")


class LessonBar:
    """The bar above a lesson's notebook."""

    def __init__(self, window: LabPage) -> None:
        self.root = window.page.locator(".sd-lesson-bar:visible")
        self.start = self.root.get_by_role("button", name="Start the environment")
        self.stop = self.root.get_by_role("button", name="Stop the environment")

    def says(self, state: str) -> None:
        expect(self.root.get_by_role("status").first).to_have_text(state, timeout=120_000)


class StatusBar:
    """What the status bar says of environments, and the list behind it."""

    def __init__(self, window: LabPage) -> None:
        self.page = window.page
        self.item = self.page.locator(".sd-status-item button")
        self.list = self.page.get_by_role("dialog", name="Running environments")

    def open(self) -> None:
        self.item.click()
        expect(self.list).to_be_visible()


def type_in_terminal(page: Page, line: str) -> None:
    """Type into the terminal that shows; it is a canvas, so that nothing can be read from it."""
    page.locator(".jp-Terminal:visible").click()
    page.keyboard.type(line)
    page.keyboard.press("Enter")


def serious(page: Page, selector: str) -> list[dict[str, Any]]:
    """Return what axe-core finds serious or worse below ``selector``."""
    if not page.evaluate("'axe' in window"):
        page.add_script_tag(path=AXE)
    found = page.evaluate("selector => axe.run(selector)", selector)
    assert found["passes"], "axe looked at nothing"
    return [
        {"rule": each["id"], "nodes": [node["html"] for node in each["nodes"]]}
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
    ]

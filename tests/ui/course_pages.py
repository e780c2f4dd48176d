"""Page objects: nbgrader's list of assignments, and its formgrader, in words of who uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import FrameLocator, Locator
    from ui.pages import LabPage

_STEP_MS = 120_000


class AssignmentList:
    """What a learner fetches from, and submits in."""

    def __init__(self, lab: LabPage) -> None:
        self.lab = lab
        self.root = lab.page.locator("#assignments")

    def open(self) -> None:
        """Open it from nbgrader's menu."""
        _menu(self.lab, "Assignment List")
        self.root.wait_for()

    def refresh(self) -> None:
        self.root.get_by_title("Refresh assignments list").click()

    def fetch(self, assignment: str) -> None:
        self._row("released", assignment).get_by_role("button", name="Fetch", exact=True).click()
        expect(self._row("fetched", assignment)).to_be_visible(timeout=_STEP_MS)

    def submit(self, assignment: str) -> None:
        self._row("fetched", assignment).get_by_role("button", name="Submit", exact=True).click()
        expect(self._row("submitted", assignment)).to_be_visible(timeout=_STEP_MS)

    def feedback(self, assignment: str) -> None:
        """Fetch the feedback, and go to its folder."""
        row = self._row("submitted", assignment)
        row.get_by_role("button", name="Fetch Feedback").click()
        seen = row.get_by_text("(view feedback)")
        if not seen.is_visible():
            row.get_by_text(assignment, exact=True).click()
        seen.click(timeout=_STEP_MS)

    def _row(self, which: str, assignment: str) -> Locator:
        rows = self.root.locator(f"#{which}_assignments_list > .list_item")
        return rows.filter(has_text=assignment).first


class Formgrader:
    """What an instructor hands out, takes in and grades with."""

    def __init__(self, lab: LabPage) -> None:
        self.lab = lab
        self.frame: FrameLocator = lab.page.frame_locator("#formgrader-iframe iframe")

    def open(self) -> None:
        """Open it from nbgrader's menu."""
        _menu(self.lab, "Formgrader")
        self.frame.get_by_role("heading", name="Manage Assignments").wait_for()

    def assignment(self, assignment: str, step: str) -> None:
        """Press one of the buttons of an assignment, by the name of its column."""
        self.show("Manage Assignments")
        self._press(self.frame.locator("tr", has_text=assignment).locator(f".{step} a").first)

    def submissions(self, assignment: str) -> None:
        """Go to what was handed in."""
        self.show("Manage Assignments")
        row = self.frame.locator("tr", has_text=assignment)
        row.locator(".num-submissions a").click()
        self.frame.get_by_role("heading", name="Manage Submissions").wait_for()

    def autograde(self, student: str) -> None:
        self._press(self.frame.locator("tr", has_text=student).locator(".autograde a"))

    def score(self, student: str) -> str:
        return self.frame.locator("tr", has_text=student).locator(".score").inner_text()

    def show(self, page: str) -> None:
        # The page it is on may have that very name, and what is pressed there would be lost.
        with self.lab.page.expect_event("framenavigated"):
            self.frame.locator(".nav-pills").get_by_role("link", name=page).click()
        self.frame.get_by_role("heading", name=page).wait_for()

    def _press(self, button: Locator) -> None:
        button.click(timeout=_STEP_MS)
        said = self.frame.locator("#success-modal, #error-modal")
        said.wait_for(timeout=_STEP_MS)
        assert said.get_attribute("id") == "success-modal", said.inner_text()
        said.get_by_role("button", name="OK").click()
        said.wait_for(state="detached")


def _menu(lab: LabPage, item: str) -> None:
    lab.page.get_by_role("menuitem", name="Nbgrader", exact=True).click()
    lab.page.locator(".lm-Menu-item", has_text=item).first.click()

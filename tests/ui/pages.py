"""Page objects: what a learner sees and does, in words of the learner."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lab_server import TOKEN
from playwright.sync_api import expect

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from lab_server import LabServer
    from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Response


_DIRTY = re.compile(r"\bjp-mod-dirty\b")  # a string would be the whole attribute


class LabPage:
    """One JupyterLab window."""

    def __init__(self, context: BrowserContext, lab: LabServer, pictures: Path) -> None:
        self.page = context.new_page()
        self.lab = lab
        self.pictures = pictures
        self.problems: list[str] = []
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", self._listen)

    def _listen(self, line: ConsoleMessage) -> None:
        # Chromium itself tells of every 404, also of one that the page asked for and understood.
        if line.type == "error" and not line.text.startswith("Failed to load resource"):
            self.problems.append(line.text)

    def open(self, path: str = "", *, alone: str = "") -> None:
        """Open Lab as its printed URL does; with a path, that file.

        ``alone`` names a window layout of its own, in which nothing else was open before.
        """
        lab = f"lab/workspaces/{alone}" if alone else "lab"
        where = f"{lab}/tree/{path}" if path else ""
        self.page.goto(f"{self.lab.url}{where}?token={TOKEN}")
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")
        if path:  # what was open before is there first, and looks like it
            name = path.rpartition("/")[2]
            front = self.page.locator("#jp-main-dock-panel .lm-TabBar-tab.jp-mod-current")
            front.filter(has_text=name).wait_for()

    def layout_saved(self, *, front: str) -> AbstractContextManager[object]:
        """Leave the ``with`` once Lab has saved a layout with a widget of this kind in front.

        It does so some time after the layout changed, and a reload brings back what was saved.
        """

        def has_it(answer: Response) -> bool:
            asked = answer.request
            saving = asked.method == "PUT" and "/lab/api/workspaces/" in asked.url
            return saving and f'"current":"{front}:' in (asked.post_data or "")

        return self.page.expect_response(has_it)

    def notebook(self) -> NotebookPage:
        return NotebookPage(self)

    def picture(self, name: str) -> None:
        self.pictures.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=self.pictures / f"{name}.png")

    def theme(self, name: str) -> None:
        """Pick a theme from the Settings menu, as a person does."""
        self.page.get_by_role("menuitem", name="Settings", exact=True).click()
        self.page.locator(".lm-Menu-item", has_text="Theme").first.hover()
        self.page.locator(".lm-Menu-item", has_text=name).first.click()
        light = "true" if "Light" in name else "false"
        self.page.locator(f"body[data-jp-theme-light='{light}']").wait_for(state="attached")
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")

    def command(self, name: str) -> None:
        """Run a command from the palette, with the keyboard."""
        found = self.commands(name)
        expect(found.and_(self.page.locator(".lm-mod-active"))).to_contain_text(name)
        self.page.keyboard.press("Enter")

    def commands(self, words: str) -> Locator:
        """Return what the palette finds for some words."""
        self.page.keyboard.press("Control+Shift+C")
        palette = self.page.locator(".jp-ModalCommandPalette")
        palette.locator("input").fill(words)
        return palette.locator(".lm-CommandPalette-item")

    def enter(self, name: str) -> None:
        """Open a file or a folder by double click in the file browser.

        The list is drawn anew first: a file that came into the folder meanwhile would move the
        rows between the two clicks, and nothing would be opened.
        """
        browser = self.page.locator(".jp-FileBrowser")
        with self.page.expect_response(re.compile(r"/api/contents\b.*\bcontent=1")) as listed:
            browser.locator("[data-command='filebrowser:refresh']").click()
        listed.value.finished()
        self.page.evaluate("() => new Promise(done => requestAnimationFrame(done))")
        browser.locator(".jp-DirListing-item", has_text=name).dblclick()

    def edit(self, folder: str, name: str, text: str) -> None:
        """Open a file by double click in the file browser, replace its text, save it."""
        if folder:
            self.enter(folder)
        self.enter(name)
        editor = self.page.locator(".jp-FileEditor:visible .cm-content")
        editor.click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(text)
        tab = self.page.locator(".lm-DockPanel-tabBar .lm-TabBar-tab", has_text=name)
        expect(tab).to_have_class(_DIRTY)  # else it would count as saved before it is drawn so
        self.page.keyboard.press("Control+s")
        expect(tab).not_to_have_class(_DIRTY)

    def write(self, folder: str, name: str, text: str) -> None:
        """Make a new file in the folder shown below ``folder``, and write into it."""
        browser = self.page.locator(".jp-FileBrowser")
        browser.locator(".jp-BreadCrumbs-home").click()
        for each in folder.split("/"):
            self.enter(each)
            expect(browser.locator(".jp-BreadCrumbs")).to_contain_text(each)
        browser.locator(".jp-DirListing-content").click(button="right")
        self.page.locator(".lm-Menu-item", has_text="New File").click()
        browser.locator("input.jp-DirListing-editor").fill(name)
        self.page.keyboard.press("Enter")
        self.edit("", name, text)

    def tab(self, name: str) -> None:
        self.page.locator(".lm-DockPanel-tabBar .lm-TabBar-tab", has_text=name).click()


class NotebookPage:
    """The lesson's notebook."""

    def __init__(self, lab: LabPage) -> None:
        self.lab = lab
        self.page = lab.page
        self.root = self.page.locator(".jp-Notebook:visible")

    def wait_idle(self) -> None:
        self.page.locator(".jp-NotebookPanel:visible").wait_for()
        self.page.get_by_text("| Idle").first.wait_for()

    def cell(self, source: str) -> Locator:
        """Return the code cell whose source contains ``source``."""
        found = self.root.locator(
            ".jp-CodeCell", has=self.page.locator(".jp-InputArea-editor", has_text=source)
        )
        return found.first

    def output(self, source: str) -> Locator:
        return self.cell(source).locator(".jp-OutputArea").first

    def seek(self, source: str) -> Locator:
        """Scroll down, as a reader does, until a cell is there; Lab draws those far below late."""
        self.root.hover()
        for _ in range(100):
            if self.cell(source).count():
                break
            self.page.mouse.wheel(0, 1200)
            self.page.wait_for_timeout(100)
        self.cell(source).scroll_into_view_if_needed()
        return self.output(source)

    def show(self, source: str) -> None:
        """Scroll a cell's output into the window."""
        self.output(source).scroll_into_view_if_needed()
        self.page.wait_for_timeout(500)  # a picture, not a check: let the chart draw

    def start(self, source: str) -> Locator:
        """Run a cell (Shift+Enter) and return its output area without waiting for the end."""
        cell = self.cell(source)
        cell.scroll_into_view_if_needed()
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")
        return self.output(source)

    def run(self, source: str, *, timeout_ms: float = 60_000) -> Locator:
        """Run a cell and wait until it is done."""
        output = self.start(source)
        self.finished(source, timeout_ms=timeout_ms)
        return output

    def finished(self, source: str, *, timeout_ms: float = 60_000) -> None:
        """Wait until a cell carries its number."""
        prompt = self.cell(source).locator(".jp-InputPrompt")
        expect(prompt).to_have_text(re.compile(r"\[\d+\]"), timeout=timeout_ms)

    def save(self) -> None:
        self.page.keyboard.press("Escape")
        self.page.locator(".jp-NotebookPanel-toolbar [data-jp-item-name='save']:visible").click()
        expect(self.page.locator(".lm-TabBar-tab.jp-mod-current.jp-mod-dirty")).to_have_count(0)

    def restart_kernel(self) -> None:
        self.page.locator(".jp-NotebookPanel-toolbar [data-jp-item-name='restart']:visible").click()
        self.page.locator(".jp-Dialog button.jp-mod-accept").click()
        self.wait_idle()


class SimulationPage:
    """A simulated run, wherever it is shown."""

    def __init__(self, around: Locator) -> None:
        self.root = around.locator(".sd-sim").first
        self.words = self.root.locator(".sd-sim-words")
        self.spoken = self.root.get_by_role("status").first
        self.story = self.root.locator(".sd-sim-story")
        self.stages = self.root.locator(".sd-sim-side canvas")

    def button(self, name: str) -> Locator:
        return self.root.get_by_role("button", name=name, exact=True)

    def row(self, server: str) -> Locator:
        """Return the last table's row of a server."""
        rows = self.root.locator(".sd-sim-nodes").last.get_by_role("row")
        return rows.filter(has=self.root.page.get_by_role("rowheader", name=server))

    def rows(self, text: str, *, of: int) -> Locator:
        """Return the rows of the n-th table that say this."""
        return self.root.locator(".sd-sim-nodes").nth(of).get_by_role("row").filter(has_text=text)

    def clock(self) -> int:
        """Return the moment it stands at, in µs."""
        return int(self.root.get_by_role("slider").input_value())

    def seek(self, moment_us: int) -> None:
        self.root.get_by_role("slider").fill(str(moment_us))

    def speed(self, words: str) -> None:
        self.root.get_by_label("Speed").select_option(words)

    def choose(self, words: str | re.Pattern[str]) -> None:
        """Choose what something is to happen to."""
        select = self.root.locator(".sd-sim-inspector select").first
        option = select.locator("option", has_text=words).first
        select.select_option(option.get_attribute("value"))

    def lasts(self, words: str) -> None:
        self.root.get_by_label("How long").select_option(words)

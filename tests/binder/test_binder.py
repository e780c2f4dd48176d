"""Binder: the link opens the lesson, the lesson can be played to its end, the work taken along."""

from __future__ import annotations

import json
import time
import zipfile

import pytest
from binder.conftest import NAME
from engine import ROOT, docker
from playwright.sync_api import expect
from ui.conftest import OUTPUT
from ui.pages import LabPage

pytestmark = [pytest.mark.containers, pytest.mark.timeout(2400)]

LESSON = "t1-02-indexes"
SOLUTION = ROOT / "environments" / LESSON / "solution" / "migrations"


def test_the_lesson_behind_a_link(server, context, tmp_path):
    window = LabPage(context, server, OUTPUT)
    page = window.page
    began = time.perf_counter()
    seconds = {}
    try:
        # As after `?urlpath=lab/tree/sysdesign/t1-02-indexes/lesson.ipynb`.
        window.open(f"sysdesign/{LESSON}/lesson.ipynb")
        notebook = window.notebook()
        notebook.wait_idle()
        seconds["lesson opened"] = time.perf_counter() - began
        panel = notebook.run("lesson = Lesson()").locator(".sd-panel")
        expect(panel.get_by_role("button", name="Start")).to_be_enabled()
        seconds["ready to start"] = time.perf_counter() - began
        window.picture("binder-opened")
        began = time.perf_counter()
        panel.get_by_role("button", name="Start").click()
        expect(panel.locator(".sd-head").get_by_text("Ready")).to_be_visible(timeout=120_000)
        seconds["environment up, after the click"] = time.perf_counter() - began

        predict = notebook.run('lesson.predict("p95-guess")').locator(".sd-question")
        predict.get_by_label("Your answer").fill("300")
        predict.get_by_role("button", name="Answer").click()
        expect(predict.get_by_role("button", name="Answer", exact=True)).to_have_count(0)
        before = notebook.run('before = lesson.load("browse", seed=1)', timeout_ms=120_000)
        expect(before.locator(".sd-run").get_by_role("row", name="budget")).to_be_visible()
        window.picture("binder-load")

        fix = "\n".join(path.read_text() for path in sorted(SOLUTION.glob("*.sql")))
        browser = page.locator(".jp-FileBrowser")
        browser.locator(".jp-DirListing-item", has_text="migrations").first.wait_for()
        window.edit("migrations", "001-budget-list.sql", fix)
        window.tab("lesson.ipynb")
        applied = notebook.run("lesson.apply()")
        expect(applied.get_by_text("001-budget-list.sql").first).to_be_visible()
        verdict = notebook.run("lesson.check()", timeout_ms=600_000)
        window.picture("binder-verdict")
        expect(verdict.get_by_text("Every check holds.")).to_be_visible()

        # Ten minutes after the window closes all of this is gone.
        with page.expect_download() as downloading:
            window.command("Download My Work")
        file = tmp_path / "work.zip"
        downloading.value.save_as(file)
        names = zipfile.ZipFile(file).namelist()
        assert f"sysdesign/{LESSON}/answers.json" in names
        assert f"sysdesign/{LESSON}/migrations/001-budget-list.sql" in names
        assert docker("exec", NAME, "id", "-u") == "1000"
        assert window.problems == []
    finally:
        window.picture("binder-last")
        # For benchmarks/README.md, which says how long a learner waits.
        (OUTPUT / "binder-seconds.json").write_text(json.dumps(seconds, indent=1))

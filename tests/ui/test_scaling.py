"""A learner adds an instance in Lab's own editor, and only what changed is restarted."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab_server import start_lab
from playwright.sync_api import expect
from ui.conftest import OUTPUT
from ui.pages import LabPage

LESSON = "t1-04-horizontal-scaling"
ENVIRONMENT = Path(__file__).parents[2] / "environments" / LESSON


@pytest.fixture
def window(context, home, tmp_path, monkeypatch):
    monkeypatch.setenv("SYSDESIGN_IDLE_EXIT_S", "2")
    lab = start_lab(tmp_path / "root", home, lesson=LESSON)
    page = LabPage(context, lab, OUTPUT / "scaling")
    yield page
    page.picture("last")
    lab.stop()


@pytest.mark.timeout(600)
def test_a_learner_adds_an_instance(window):
    window.open()
    notebook = window.notebook()
    notebook.wait_idle()
    panel = notebook.run("lesson = Lesson()").locator(".sd-panel")
    panel.get_by_role("button", name="Start").click()
    expect(panel.locator(".sd-head").get_by_text("Ready")).to_be_visible(timeout=120_000)
    services = panel.get_by_role("list", name="Services")
    expect(services.get_by_role("listitem")).to_have_count(3)

    compose = (ENVIRONMENT / "compose.yaml").read_text()
    balancer = (ENVIRONMENT / "haproxy.cfg").read_text()
    with_two = compose.replace("\n  # The load", "  app2: *app\n\n  # The load")
    window.edit("", "compose.yaml", with_two)
    window.edit("", "haproxy.cfg", balancer + "    server app2 app2:8000\n")
    window.tab("lesson.ipynb")
    changes = panel.get_by_role("region", name="Changes")
    expect(changes.get_by_text("2 to apply")).to_be_visible()
    expect(changes.get_by_text("haproxy.cfg", exact=True)).to_be_visible()
    window.picture("01-waiting")
    changes.get_by_role("button", name="Apply changes").click()
    said = "Started app2; restarted lb; left running db, app."
    expect(changes.get_by_text(said)).to_be_visible()
    expect(services.get_by_role("listitem")).to_have_count(4)
    expect(changes.get_by_text("all applied")).to_be_visible()
    window.picture("02-applied")

    # A mistake is named with its line, and everything runs on.
    window.edit("", "haproxy.cfg", balancer + "    servant app2 app2:8000\n")
    window.tab("lesson.ipynb")
    notebook.seek("lesson.apply()")
    refused = notebook.run("lesson.apply()")
    line = balancer.count("\n") + 1
    expect(refused.get_by_text(f"haproxy.cfg:{line}").first).to_be_visible()
    window.picture("03-refused")
    panel.scroll_into_view_if_needed()
    expect(panel.locator(".sd-head").get_by_text("Ready")).to_be_visible()
    expect(services.get_by_role("listitem")).to_have_count(4)
    assert window.problems == []

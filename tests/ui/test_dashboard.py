"""The dashboard of a real system: start, load, look, break a file, stop, come back."""

from __future__ import annotations

import os
import re
import signal

import pytest
from lab_server import start_lab
from playwright.sync_api import expect
from ui.conftest import OUTPUT
from ui.dashboard import DashboardPage
from ui.pages import LabPage
from ui.shell_pages import serious

LESSON = "tiny"
FOLDER = f"sysdesign/{LESSON}"


@pytest.fixture
def lab(home, curriculum, tmp_path, monkeypatch):
    monkeypatch.setenv("SYSDESIGN_IDLE_EXIT_S", "2")
    server = start_lab(tmp_path / "root", home, lesson=LESSON)
    yield server
    server.stop()


@pytest.fixture
def window(context, lab):
    page = LabPage(context, lab, OUTPUT)
    yield page
    page.picture("dashboard-last")


@pytest.mark.timeout(400)
def test_a_dashboard_from_start_to_restored_layout(window, lab):  # noqa: PLR0915 (one story)
    page = window.page
    window.open()
    window.notebook().wait_idle()
    dashboard = DashboardPage(window)
    dashboard.open()
    expect(dashboard.head.get_by_text("The smallest shop")).to_be_visible()
    expect(dashboard.head.get_by_text("Not started yet")).to_be_visible()
    dashboard.start()
    expect(dashboard.service("db")).to_contain_text("Ready")
    window.picture("dashboard-01-ready")
    assert serious(page, ".sd-dashboard") == []

    # Load of a shape of one's own; the charts move while it runs.
    dashboard.root.get_by_role("button", name="Shape it").click()
    dashboard.root.get_by_label("Seconds of stage 1").fill("600")  # it is stopped by hand
    dashboard.root.get_by_label("Clients of stage 1").fill("6")
    dashboard.press("Run")
    expect(dashboard.root.get_by_text("Running custom")).to_be_visible()
    dashboard.moves("Throughput, as clients see it")
    dashboard.moves("CPU, of what each may use")
    expect(dashboard.root.locator(".sd-figures").first).to_contain_text("/s")
    window.picture("dashboard-02-load")

    # Paused they stand still, while the figures beside go on.
    pause = dashboard.root.get_by_role("region", name="Charts").get_by_role("button", name="Pause")
    pause.click()
    dashboard.settle()
    held = dashboard.latest("CPU, of what each may use")
    page.wait_for_timeout(2_500)
    assert dashboard.latest("CPU, of what each may use") == held
    pause.click()
    dashboard.moves("CPU, of what each may use")

    # One service alone: by keyboard to its box.
    dashboard.service("db").focus()
    page.keyboard.press("Enter")
    panel = dashboard.root.get_by_role("region", name="Service db")
    panel.get_by_role("button", name="Pause").click()
    expect(dashboard.service("db")).to_contain_text("Paused")
    panel.get_by_role("button", name="Resume").click()
    expect(dashboard.service("db")).to_contain_text("Ready")
    window.picture("dashboard-03-service")
    panel.get_by_role("button", name="Close").click()

    dashboard.press("Stop the load")
    row = dashboard.root.get_by_role("row", name=re.compile("custom.*stopped early"))
    expect(row).to_be_visible()
    row.get_by_role("checkbox").check()
    expect(dashboard.root.get_by_text("p95 over the run")).to_be_visible()

    # A fault of the library, and back.
    dashboard.tab("Faults")
    dashboard.root.get_by_label("Fault", exact=True).select_option("CPU quota")
    dashboard.root.get_by_label("Service", exact=True).first.select_option("app")
    dashboard.root.get_by_role("button", name="Break it").click()
    expect(dashboard.service("app")).to_contain_text("CPU quota")
    window.picture("dashboard-04-fault")
    dashboard.root.get_by_role("button", name="Recover from").click()
    expect(dashboard.service("app")).not_to_contain_text("CPU quota")

    # A broken file: the line is said here, without a look at the log.
    server = lab.root / FOLDER / "app" / "server.py"
    good = server.read_text()
    lines = good.splitlines()
    wrong = next(number for number, line in enumerate(lines, 1) if line.startswith("def "))
    lines[wrong - 1] = lines[wrong - 1].rstrip(":")
    server.write_text("\n".join(lines))
    expect(dashboard.head.locator(".sd-save")).to_contain_text(f"app/server.py:{wrong}")
    expect(dashboard.root.locator(".sd-topology")).to_contain_text("nothing")
    window.picture("dashboard-05-syntax-error")
    dashboard.head.get_by_role("button", name=f"Open line {wrong} of server.py").click()
    expect(page.locator(".jp-FileEditor:visible")).to_contain_text(lines[wrong - 1])
    expect(page.get_by_text(f"Ln {wrong}, Col 1", exact=True)).to_be_visible()
    with window.layout_saved(front="sysdesign-dashboard"):
        window.tab("The smallest shop")
    server.write_text(good)
    expect(dashboard.head.locator(".sd-save")).to_contain_text("Ready after")
    dashboard.ready()

    window.theme("JupyterLab Dark")
    expect(dashboard.root.get_by_text("saved server.py").first).to_be_visible()
    window.picture("dashboard-06-dark")
    assert serious(page, ".sd-dashboard") == []

    # In a narrow window, which is also what twice the size leaves of a wide one.
    page.set_viewport_size({"width": 720, "height": 1000})
    window.picture("dashboard-07-narrow")
    wide, room = dashboard.root.evaluate("element => [element.scrollWidth, element.clientWidth]")
    assert wide <= room, "something sticks out"
    page.set_viewport_size({"width": 1440, "height": 1000})

    # The page comes back with it, as the control plane knows it now.
    page.reload()
    dashboard.root.wait_for()
    dashboard.ready()
    dashboard.moves("CPU, of what each may use")
    expect(dashboard.root).to_have_count(1)
    assert window.problems == []

    # The control plane dies, and what it ran with it: no figure stays that is not true any more.
    _, plane = lab.request("GET", "")
    os.kill(plane["pid"], signal.SIGKILL)
    said = re.compile("Connection lost|Connected again")
    expect(dashboard.root.get_by_text(said).first).to_be_visible()
    expect(dashboard.head.get_by_role("button", name="Start", exact=True)).to_be_visible()
    dashboard.start()
    dashboard.moves("CPU, of what each may use")
    dashboard.press("Stop")
    expect(dashboard.head.locator(".sd-state").first).to_have_text("Stopped")


@pytest.mark.timeout(600)
def test_a_layout_brings_back_no_ghost(window, lab):
    window.open()
    window.notebook().wait_idle()
    dashboard = DashboardPage(window)
    with window.layout_saved(front="sysdesign-dashboard"):
        dashboard.open()
    expect(dashboard.head.get_by_text("Not started yet")).to_be_visible()
    expect(dashboard.head.get_by_text("The smallest shop")).to_be_visible()
    marker = lab.root / FOLDER / ".sysdesign" / "workspace.json"
    marker.unlink()
    with window.page.expect_response(lambda each: f"/v1/workspaces/{LESSON}-" in each.url) as asked:
        window.page.reload()
    assert asked.value.status == 404
    expect(window.page.locator(".sd-dashboard")).to_have_count(0)
    expect(window.page.locator(".lm-DockPanel-tabBar .lm-TabBar-tab")).to_have_text(
        ["lesson.ipynb"]
    )

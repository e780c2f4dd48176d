"""What stands around the notebook: lessons, environments, terminals, and how they come back."""

from __future__ import annotations

import json
import os
import signal
import termios
import time

import lab_server
import psutil
import pytest
from lab_server import start_lab
from playwright.sync_api import expect
from ui.conftest import OUTPUT
from ui.pages import LabPage
from ui.shell_pages import Curriculum, LessonBar, StatusBar, serious, type_in_terminal

from jupyter_sysdesign import paths

LESSON = "tiny-full"
TITLE = "The smallest shop, four services"


@pytest.fixture
def lab(home, curriculum, tmp_path, monkeypatch):
    monkeypatch.setenv("SYSDESIGN_IDLE_EXIT_S", "2")
    monkeypatch.setenv("SYSDESIGN_GRACE_S", "1000")  # a server may take its time to be back
    server = start_lab(tmp_path / "root", home, lesson="tiny")
    yield server
    server.stop()


@pytest.fixture
def window(context, lab, request):
    page = LabPage(context, lab, OUTPUT)
    yield page
    page.picture(f"last-{request.node.name}")


def until(what, why):
    deadline = time.monotonic() + 60
    while not (found := what()):
        assert time.monotonic() < deadline, why
        time.sleep(0.1)
    return found


def passwords(environment):
    """Return every password of an environment."""
    (file,) = (paths.instances() / environment).glob("*password*")
    return [each for roles in json.loads(file.read_text()).values() for each in roles.values()]


@pytest.mark.timeout(600)
def test_a_lesson_from_the_sidebar_to_its_terminals(window, lab):  # noqa: PLR0915 (one story)
    page = window.page
    window.open()
    window.notebook().wait_idle()
    lessons, bar, status = Curriculum(window), LessonBar(window), StatusBar(window)

    # With the keyboard alone: to the lessons, to one of them, into its notebook.
    lessons.open()
    expect(lessons.tree.locator("[tabindex='0']")).to_be_focused()
    page.keyboard.press("Home")
    expect(lessons.tree.get_by_role("treeitem").first).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(lessons.tree.get_by_role("treeitem").first).to_have_attribute("aria-expanded", "false")
    expect(lessons.lesson(TITLE)).to_have_count(0)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("End")
    expect(lessons.tree.get_by_role("treeitem").last).to_be_focused()
    while lessons.lesson(TITLE).get_attribute("tabindex") != "0":
        page.keyboard.press("ArrowUp")
    expect(lessons.lesson(TITLE)).to_be_focused()
    expect(lessons.details.get_by_role("heading", name=TITLE)).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator(".lm-TabBar-tab", has_text="lesson.ipynb")).to_have_count(2)
    assert (lab.root / "sysdesign" / LESSON / "lesson.ipynb").is_file()
    expect(bar.start).to_be_visible()
    # As soon as it is there it takes the keyboard, also from a palette that was opened before.
    notebook = page.locator(".jp-Notebook:visible")
    expect(notebook.locator(":focus").or_(notebook.and_(page.locator(":focus")))).to_have_count(1)

    # Searching narrows the list down, and says when nothing fits.
    lessons.search.fill("nothing of the kind")
    expect(lessons.root.get_by_text("No lesson fits.")).to_be_visible()
    lessons.root.get_by_role("button", name="Show all").click()
    lessons.lesson(TITLE).click()

    # Its system starts from the palette, and is seen to run everywhere.
    window.command("Start the Environment")
    bar.says("Ready")
    expect(status.item).to_contain_text("1 environment")
    expect(status.item).to_contain_text("MB")
    window.picture("shell-1-running")
    assert serious(page, "#jupyter-sysdesign-curriculum") == []
    assert serious(page, ".sd-lesson-bar") == []

    # A file of it opens; so do terminals, connected, and no password shows in any process list.
    lessons.details.get_by_role("button", name="app/server.py").click()
    expect(page.locator(".jp-FileEditor:visible .cm-content")).to_contain_text("import")
    (environment,) = lab.request("GET", "/environments")[1]
    lessons.details.get_by_role("button", name="Terminal: db").click()
    asked = f"/environments/{environment['id']}/sql"
    wait_for_client("pgcli")
    arguments = " ".join(" ".join(each) for _, each in processes())
    assert not [each for each in passwords(environment["id"]) if each in arguments]
    type_in_terminal(page, "CREATE TABLE typed_in_pgcli AS SELECT 42 AS answer;")
    until(
        lambda: (
            lab.request("POST", asked, {"statement": "SELECT answer FROM typed_in_pgcli"})[0] == 200
        ),
        "what was typed did not reach the database",
    )
    window.picture("shell-2-terminal")
    lessons.details.get_by_role("button", name="Terminal: cache").click()
    wait_for_client("--service=cache")
    type_in_terminal(page, "config set hz 77")
    until(lambda: cache_runs_at("77", lab, environment), "it did not reach the cache")
    page.locator(".lm-TabBar-tab.jp-mod-current .lm-TabBar-tabCloseIcon").click()

    # The palette leads back to the lesson.
    expect(bar.root).to_have_count(0)
    window.command("Open the Next Lesson")
    bar.says("Ready")

    # One click stops it.
    status.open()
    expect(status.list).to_be_focused()
    expect(status.list.get_by_text("Ready")).to_be_visible()
    assert serious(page, ".sd-running-popup") == []
    window.picture("shell-3-status")
    page.keyboard.press("Escape")
    window.theme("JupyterLab Dark")
    status.open()
    window.picture("shell-5-dark")
    for part in ("#jupyter-sysdesign-curriculum", ".sd-lesson-bar", ".sd-running-popup"):
        assert serious(page, part) == []
    status.list.get_by_role("button", name=f"Stop {TITLE}").click()
    expect(status.list.get_by_text("No environment is running.")).to_be_visible(timeout=60_000)
    page.keyboard.press("Escape")
    expect(status.list).to_have_count(0)
    assert lab.request("GET", "/environments")[1][0]["state"] == "stopped"
    expect(status.item).to_be_hidden()
    assert window.problems == []


@pytest.mark.timeout(600)
def test_it_says_what_is_wrong_and_comes_back_by_itself(window, lab, home, monkeypatch):
    page = window.page
    # Lab asks in the middle of the page what to do about a server that is gone.
    page.add_locator_handler(page.locator(".jp-Dialog"), lambda: page.keyboard.press("Escape"))
    window.open()
    window.notebook().wait_idle()
    lessons, bar = Curriculum(window), LessonBar(window)
    lessons.open()
    bar.start.click()
    bar.says("Ready")
    (before,) = lab.request("GET", "/environments")[1]

    # Notebook 7 has the bar too, and the dashboard beside the notebook.
    notebook_7 = page.context.new_page()
    notebook_7.goto(f"{lab.url}notebooks/sysdesign/tiny/lesson.ipynb")
    beside = notebook_7.locator(".sd-lesson-bar")
    expect(beside.get_by_role("status").first).to_have_text("Ready")
    beside.get_by_role("button", name="Dashboard").click()
    expect(notebook_7.locator(".sd-dashboard [data-service='db']")).to_contain_text("Ready")
    notebook_7.screenshot(path=OUTPUT / "shell-8-notebook-7.png")
    notebook_7.close()

    # The server dies.
    lab.stop(signal.SIGKILL)
    expect(lessons.root.get_by_text("The Jupyter server does not answer.")).to_be_visible()
    expect(lessons.lesson(TITLE)).to_be_visible()
    window.picture("shell-4-server-gone")

    # Another one is there in its place, and the system was running all the time.
    restart(lab, home)
    expect(lessons.root.get_by_text("Connected again.")).to_be_visible(timeout=60_000)
    bar.says("Ready")
    assert lab.request("GET", "/environments")[1][0]["started_at"] == before["started_at"]

    # The control plane dies: its successor knows that nothing runs, and no ghost stays.
    psutil.Process(lab.request("GET", "")[1]["pid"]).kill()
    bar.says("Stopped")
    bar.start.click()
    bar.says("Ready")

    # In a narrow window, which is also what twice the size leaves of a wide one.
    page.set_viewport_size({"width": 720, "height": 500})
    window.picture("shell-6-narrow")
    for part in (lessons.root.locator(".sd-browser"), bar.root):
        wide, room = part.evaluate("element => [element.scrollWidth, element.clientWidth]")
        assert wide <= room, "something sticks out"

    # A server that does not know this window: said in place, with what to do.
    lab.stop(signal.SIGKILL)
    page.context.clear_cookies()
    monkeypatch.setattr(lab_server, "TOKEN", "another-one")
    restart(lab, home)
    told = lessons.root.get_by_text("You may have been logged out.")
    expect(told).to_be_visible(timeout=60_000)
    assert serious(page, "#jupyter-sysdesign-curriculum") == []
    window.picture("shell-7-refused")


def restart(lab, home):
    """Start another server in the place of the one that is gone."""
    port = int(lab.url.rpartition(":")[2].partition("/")[0])
    lab.process = start_lab(lab.root, home, lesson="tiny", port=port).process


def processes():
    for process in psutil.process_iter():
        try:
            yield process.pid, process.cmdline()
        except psutil.Error:  # noqa: PERF203 (one may be gone, the others count)
            continue


def reads_keys(pid):
    """Tell whether a program takes single keys from its terminal, as one with a prompt does."""
    try:
        handle = os.open(f"/proc/{pid}/fd/0", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return not termios.tcgetattr(handle)[3] & termios.ICANON
    except termios.error:  # no terminal
        return False
    finally:
        os.close(handle)


def wait_for_client(word):
    """Wait until a console's client has its prompt: what is typed before may be thrown away."""
    until(
        lambda: any(word in line and reads_keys(pid) for pid, line in processes()),
        f"{word} shows no prompt",
    )


def cache_runs_at(hz, lab, environment):
    import subprocess  # noqa: PLC0415
    import sys  # noqa: PLC0415

    said = subprocess.run(
        [
            *(sys.executable, "-m", "jupyter_sysdesign", "console"),
            *(f"--workspace={environment['workspace']}", "--service=cache"),
        ],
        input="config get hz\n",
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    return f'"{hz}"' in said

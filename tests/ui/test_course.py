"""An assignment in the browser: an instructor and two learners, from release to feedback."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from lab_server import start_jupyter
from playwright.sync_api import expect
from ui.conftest import OUTPUT
from ui.course_pages import AssignmentList, Formgrader
from ui.pages import LabPage

from jupyter_sysdesign.grading.course import boxes

if TYPE_CHECKING:
    from pathlib import Path

if boxes.Namespaces().unusable():
    pytest.skip("namespaces cannot be made here", allow_module_level=True)

LESSON = "tiny"
FIX = "CREATE INDEX items_by_category ON items (category, price, id);\n"

#: Here nobody wants news, and everybody wants nbgrader, which a working copy has switched off.
_SETTINGS = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}
_PAGE = {"disabledExtensions": {"@jupyter/nbgrader": False}}


@pytest.fixture
def course(home, curriculum, tmp_path) -> Path:
    names = "id,first_name,last_name\nann,Ann,Ono\nben,Ben,Oz\n"
    (tmp_path / "students.csv").write_text(names)
    words = ["course", "init", "course", "--lessons", LESSON, "--students", "students.csv"]
    command = [sys.executable, "-m", "jupyter_sysdesign", *words]
    subprocess.run(command, cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
    return tmp_path / "course"


@pytest.fixture
def windows(browser, home, course, tmp_path, monkeypatch):
    """Give each person a window on a JupyterLab of their own."""
    monkeypatch.setenv("SYSDESIGN_IDLE_EXIT_S", "2")
    roots = {"instructor": course, "ann": tmp_path / "ann", "ben": tmp_path / "ben"}
    for who, root in roots.items():
        root.mkdir(exist_ok=True)
        _configure(home / who / "config", course, who)
    with ThreadPoolExecutor() as pool, contextlib.ExitStack() as stack:
        starting = {who: pool.submit(start_jupyter, roots[who], home / who) for who in roots}
        labs = {who: each.result() for who, each in starting.items()}
        opened = {}
        for who, lab in labs.items():
            stack.callback(lab.stop)
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            stack.callback(context.close)
            context.set_default_timeout(30_000)
            opened[who] = LabPage(context, lab, OUTPUT / "course")
            stack.callback(opened[who].picture, f"last-{who}")
        yield opened


def _configure(folder: Path, course: Path, who: str) -> None:
    """Write somebody's Jupyter configuration, as docs/grading.md says."""
    (folder / "labconfig").mkdir(parents=True)
    (folder / "labconfig" / "page_config.json").write_text(json.dumps(_PAGE))
    (folder / "labconfig" / "default_setting_overrides.json").write_text(json.dumps(_SETTINGS))
    if who != "instructor":
        given = (course / "learner" / "nbgrader_config.py").read_text()
        # All three are one user of this machine; elsewhere nbgrader takes the user's name.
        given += f"c.CourseDirectory.student_id = {who!r}\n"
        (folder / "nbgrader_config.py").write_text(given)


@pytest.mark.timeout(1200)
def test_an_instructor_and_two_learners(windows):  # noqa: PLR0915 (one story, told once)
    instructor, ann, ben = windows.values()
    instructor.open()
    formgrader = Formgrader(instructor)
    formgrader.open()
    formgrader.assignment(LESSON, "assign")
    formgrader.assignment(LESSON, "release")
    instructor.picture("01-released")

    lists = {who: AssignmentList(window) for who, window in (("ann", ann), ("ben", ben))}
    for who, window in (("ann", ann), ("ben", ben)):
        window.open()
        lists[who].open()
        lists[who].fetch(LESSON)
    ann.picture("02-fetched")

    ann.open(f"{LESSON}/lesson.ipynb")
    notebook = ann.notebook()
    notebook.wait_idle()
    asked = notebook.run('.ask("how-many")').locator(".sd-question")
    asked.get_by_label("Your answer").fill("1")
    asked.get_by_role("button", name="Answer").click()
    expect(asked.get_by_text("Right", exact=True)).to_be_visible()
    asked = notebook.run('.ask("why")').locator(".sd-question")
    asked.get_by_text("It reads the whole table.", exact=True).click()
    asked.get_by_role("button", name="Answer").click()
    expect(asked.get_by_text("Right", exact=True)).to_be_visible()
    ann.write(f"{LESSON}/migrations", "001-index.sql", FIX)
    ann.tab("lesson.ipynb")
    notebook.save()
    ann.picture("03-worked")
    for each in lists.values():
        each.open()
        each.submit(LESSON)
    ann.picture("04-submitted")
    assert [*ann.problems, *ben.problems] == []  # a feedback's own scripts are blocked, and told

    formgrader.assignment(LESSON, "collect")
    formgrader.submissions(LESSON)
    for who in lists:
        formgrader.autograde(who)
    assert formgrader.score("ann").startswith("32"), formgrader.score("ann")
    assert formgrader.score("ben").startswith("20"), formgrader.score("ben")
    instructor.picture("05-graded")
    formgrader.assignment(LESSON, "generate-feedback")
    formgrader.assignment(LESSON, "release-feedback")
    instructor.theme("JupyterLab Dark")
    instructor.picture("06-released-dark")

    for who, window, reason in (
        ("ann", ann, "Passed (measured: 1 index"),
        ("ben", ben, "No index begins with category"),
    ):
        lists[who].open()
        lists[who].refresh()
        lists[who].feedback(LESSON)
        window.enter("lesson.html")
        told = window.page.frame_locator(".jp-HTMLViewer iframe")
        expect(told.get_by_text(reason).first).to_be_visible()
        told.get_by_text(reason).first.scroll_into_view_if_needed()
        window.picture(f"07-feedback-{who}")
    ann.theme("JupyterLab Dark")
    ann.picture("08-feedback-dark")

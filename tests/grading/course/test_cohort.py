"""A whole assignment: made, released, fetched, worked on, submitted, collected, graded, told.

Two learners go through nbgrader's exchange; others hand in attacks, one of them a recording of a
right system. Grading is killed in the middle and resumed. What came of it all is looked at by the
tests below.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import docker_engine
import psutil
import pytest
from browser import ARGUMENTS, chromium, needs_browser
from grading import memoriser
from grading.course.attacks import UNTOUCHED, write_all
from lab_server import port_of
from playwright.sync_api import sync_playwright

from jupyter_sysdesign.curriculum.answers import AnswersFile
from jupyter_sysdesign.curriculum.catalogue import Catalogue
from jupyter_sysdesign.grading.course import boxes, isolation
from jupyter_sysdesign.grading.loading import load_checks
from jupyter_sysdesign.grading.questions import answer
from jupyter_sysdesign.grading.system import derive

if TYPE_CHECKING:
    from collections.abc import Iterator

if boxes.Namespaces().unusable():
    pytest.skip("namespaces cannot be made here", allow_module_level=True)

pytestmark = [pytest.mark.measures, pytest.mark.timeout(1800)]  # all of it is the first test's

TOKEN = "instructor"
SOLUTION = "CREATE INDEX items_by_category ON items (category, price, id);\n"
CURRICULUM = Path(__file__).parents[2] / "data" / "curriculum"


class Cohort:
    """The course after it all."""

    def __init__(self, folder: Path, feedback: dict[str, str], most: dict[str, float]) -> None:
        self.folder = folder
        self.feedback = feedback
        self.most = most
        self.kept: dict[str, float] = {}
        self.resumed: dict[str, dict] = {}
        self.at_home: dict = {}

    def result(self, student: str) -> Path:
        return self.folder / ".sysdesign" / "results" / "tiny" / f"{student}.json"

    def verdict(self, student: str) -> dict:
        return json.loads(self.result(student).read_text())["verdict"]

    def hidden(self, student: str) -> list[str]:
        """Return what follows from the course key in what a student was graded with."""
        seed = self.verdict(student)["seed"]
        uses = [
            *(each.id for each in load_checks(Catalogue([CURRICULUM]).lesson("tiny"))),
            "browse",
        ]
        drawn = random.Random(derive(seed, "new-item-shows")).sample(range(10**9), 2)
        known = [str(derive(seed, each)) for each in uses]
        return [str(seed), *known, *(f"new-{each}" for each in drawn)]

    def why(self, student: str) -> dict[str, str]:
        return {each["id"]: f"{each['status']}: {each['why']}" for each in
                self.verdict(student)["checks"]}  # fmt: skip

    def marks(self, student: str) -> tuple[dict[str, float | None], dict[str, str], set[str]]:
        """Return scores, comments, and the cells that wait for a person, from the gradebook."""
        script = """
import json, sys
from nbgrader.api import Gradebook
with Gradebook("sqlite:///gradebook.db") as book:
    notebook = book.find_submission("tiny", sys.argv[1]).notebooks[0]
    print(json.dumps([
        {each.cell.name: each.auto_score for each in notebook.grades},
        {each.name: each.comment for each in notebook.comments},
        [each.cell.name for each in notebook.grades if each.needs_manual_grade],
        notebook.max_score,
    ]))
"""
        said = run(self.folder, sys.executable, "-W", "ignore", "-c", script, student)
        scores, comments, waiting, _ = json.loads(said)
        return scores, comments, set(waiting)


def run(folder: Path, *argv: str) -> str:
    done = subprocess.run(
        argv, cwd=folder, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode in (0, 3), f"{argv}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def nbgrader(folder: Path, *words: str) -> None:
    run(folder, sys.executable, "-W", "ignore", "-m", "nbgrader", *words)


def sysdesign(folder: Path, *words: str) -> dict:
    return json.loads(run(folder, sys.executable, "-m", "jupyter_sysdesign", *words, "--json"))


@pytest.fixture(scope="module")
def cohort(shared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    base = tmp_path_factory.mktemp("cohort")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("SYSDESIGN_CURRICULUM", str(CURRICULUM))
        monkeypatch.setenv("JUPYTER_DATA_DIR", str(base / "data"))
        monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(base / "config"))
        return _whole(base)


def _whole(base: Path) -> Cohort:
    (base / "students.csv").write_text("id,first_name,last_name\nann,Ann,Ono\nben,Ben,Oz\n")
    made = sysdesign(base, "course", "init", "c", "--lessons", "tiny", "--students",
                     "students.csv")  # fmt: skip
    assert made["course"]["students"] == 2
    course = base / "c"
    nbgrader(course, "generate_assignment", "tiny")
    nbgrader(course, "release_assignment", "tiny")
    for student in ("ann", "ben"):
        _learn(base, student)
    nbgrader(course, "collect", "tiny")
    secret = course / "secret.txt"
    secret.write_text("SECRET-OF-THE-COURSE\n")
    most = write_all(course / "submitted", base / "handed-out", secret)
    cohort = Cohort(course, {}, most)
    cohort.at_home = _memorise(base, course / "submitted" / "memoriser" / "tiny")
    most["memoriser"] = UNTOUCHED  # its index, and the checks that ask for nothing
    cohort.kept = _killed(course)
    done = sysdesign(course, "grade", "tiny", "--resume", "--jobs", "3")
    cohort.resumed = {each["student"]: each for each in done["graded"]}
    nbgrader(course, "generate_feedback", "tiny")
    for path in (course / "feedback").glob("*/tiny/lesson.html"):
        cohort.feedback[path.parts[-3]] = path.read_text()
    return cohort


def _learn(base: Path, student: str) -> None:
    """Fetch, work, submit; the first one well."""
    home = base / student
    home.mkdir()
    shutil.copy(base / "c" / "learner" / "nbgrader_config.py", home)
    nbgrader(home, "fetch_assignment", "tiny")
    shutil.copytree(home / "tiny", base / "handed-out", dirs_exist_ok=True)
    if student == "ann":
        (home / "tiny" / "migrations" / "001-index.sql").write_text(SOLUTION)
        lesson, answers = Catalogue().lesson("tiny"), AnswersFile(home / "tiny")
        answer(lesson, answers, "how-many", 1)
        answer(lesson, answers, "why", "network")
    nbgrader(home, "submit", "tiny", "--student", student)


def _memorise(base: Path, submitted: Path) -> dict:
    """Hand in an app that plays back what a right one answered; return the verdict at home."""
    lesson, record = Catalogue().lesson("tiny"), base / "record" / "answers.jsonl"
    right = memoriser.recorder(lesson, base / "right", record)
    sysdesign(base, "check", "--seed", "1", "--workspace", str(right))
    submitted.parent.mkdir()
    shutil.copytree(base / "handed-out", submitted)
    shutil.copytree(right / "migrations", submitted / "migrations", dirs_exist_ok=True)
    memoriser.remember(submitted, record, asks=False)
    home = base / "home" / "tiny"
    shutil.copytree(submitted, home)
    return sysdesign(base, "check", "--seed", "1", "--workspace", str(home))


def _killed(course: Path) -> dict[str, float]:
    """Grade until three are done, then kill -9; return when each of those was graded."""
    results = course / ".sysdesign" / "results" / "tiny"
    grading = subprocess.Popen(
        [sys.executable, "-m", "jupyter_sysdesign", "grade", "tiny", "--jobs", "3", "--json"],
        cwd=course,
        stdout=subprocess.DEVNULL,
    )
    while len(list(results.glob("*.json"))) < 3 and grading.poll() is None:
        time.sleep(0.1)
    below = psutil.Process(grading.pid).children(recursive=True)
    assert below
    os.kill(grading.pid, signal.SIGKILL)
    grading.wait()
    _, left = psutil.wait_procs(below, timeout=60)
    assert not left, f"jobs outlived the grader: {left}"
    containers = docker_engine.left(os.environ["SYSDESIGN_HOME"])
    assert not containers, f"containers outlived the grader: {containers}"
    return {path.stem: json.loads(path.read_text())["graded_at"] for path in results.glob("*.json")}


def test_a_good_submission_gets_all_points_and_reasons(cohort: Cohort):
    scores, comments, waiting = cohort.marks("ann")
    assert cohort.verdict("ann")["status"] == "passed", cohort.why("ann")
    assert sum(each for name, each in scores.items() if name.startswith("check-")) == 30
    assert scores["question-how-many"] == 1
    assert scores["question-why"] == 0
    assert "measured" in comments["check-index-on-category"]
    assert "never leaves the machine" in comments["question-why"]
    assert waiting == {"question-how-many", "question-why"}


def test_doing_nothing_gets_what_holds_anyway(cohort: Cohort):
    scores, comments, _ = cohort.marks("ben")
    assert cohort.verdict("ben")["points"] == UNTOUCHED, cohort.why("ben")
    assert scores["check-index-on-category"] == 0
    assert "No index begins with category" in comments["check-index-on-category"]
    assert "Not answered" in comments["question-why"]


def test_no_attack_raises_its_score(cohort: Cohort):
    got = {student: cohort.verdict(student)["points"] for student in cohort.most}
    raised = {
        student: (got[student], cohort.why(student))
        for student, most in cohort.most.items()
        if got[student] > most
    }
    assert not raised
    assert len(got) >= 10


def test_an_attack_gets_its_own_honest_result(cohort: Cohort):
    """Those that leave the system working keep what it is worth; the others say what is wrong."""
    for student in ("fake-verdict", "killer", "sockets", "reader", "library", "outsider"):
        assert cohort.verdict(student)["points"] == UNTOUCHED, (student, cohort.why(student))
    for student in ("linker", "pipe", "program", "superuser"):
        verdict = cohort.verdict(student)
        assert verdict["status"] == "failed"
        assert verdict["points"] == 0
    assert "is a link" in cohort.verdict("linker")["reason"]
    assert "no plain file" in cohort.verdict("pipe")["reason"]
    assert cohort.verdict("hangs")["status"] == "failed", cohort.why("hangs")
    assert cohort.verdict("giant")["status"] == "passed", cohort.why("giant")


def test_what_passes_by_heart_at_home_fails_in_the_course(cohort: Cohort):
    assert cohort.at_home["status"] == "passed", cohort.at_home
    assert cohort.verdict("memoriser")["status"] == "failed"
    assert cohort.why("memoriser")["new-item-shows"].startswith("failed: The category list")


def test_claimed_marks_and_forged_cells_count_for_nothing(cohort: Cohort):
    scores, _, _ = cohort.marks("outsider")
    assert scores["question-how-many"] == 0
    assert scores["question-why"] == 0
    assert scores["check-index-on-category"] == 0
    assert not Path("/tmp/sysdesign-was-run").exists()
    assert not Path("/tmp/owned").exists()


def test_nothing_large_is_copied_along(cohort: Cohort):
    filed = sum(
        path.stat().st_size for path in (cohort.folder / "autograded").rglob("*") if path.is_file()
    )
    assert filed < 10_000_000
    assert (cohort.folder / "autograded" / "giant" / "tiny" / "lesson.ipynb").exists()


def test_resuming_grades_nothing_twice(cohort: Cohort):
    assert len(cohort.kept) >= 3
    assert set(cohort.resumed) == {"ann", "ben", *cohort.most}
    assert not [each["problem"] for each in cohort.resumed.values() if each["problem"]]
    for student, graded_at in cohort.kept.items():
        if cohort.verdict(student)["status"] != "unknown":
            assert cohort.resumed[student]["how"] == "kept"
            assert json.loads(cohort.result(student).read_text())["graded_at"] == graded_at


def test_all_were_graded_on_the_first_rung(cohort: Cohort):
    first = isolation.choose().name
    names = {json.loads(cohort.result(each).read_text())["isolation"] for each in cohort.resumed}
    assert names == {first}


def test_it_is_said_which_rung_is_taken_and_why_no_other(cohort: Cohort, monkeypatch):
    monkeypatch.setenv("SYSDESIGN_CURRICULUM", str(CURRICULUM))
    monkeypatch.setenv("DOCKER_HOST", "unix:///nobody.sock")
    words = ["grade", "tiny", "--students", "ann"]
    said = run(cohort.folder, sys.executable, "-m", "jupyter_sysdesign", *words)
    why = "No Docker engine answers at unix:///nobody.sock"
    assert f"Isolation: namespaces (docker: {why})\n" in said


def test_feedback_tells_reasons_and_no_secrets(cohort: Cohort):
    assert "No index begins with category" in cohort.feedback["ben"]
    key = (cohort.folder / ".sysdesign" / "course.key").read_text().strip()
    assert set(cohort.feedback) == {"ann", "ben", *cohort.most}
    for student, html in cohort.feedback.items():
        assert not [each for each in (key, *cohort.hidden(student)) if each in html], student
        assert "before_rps" not in html


def test_what_learners_can_read_holds_nothing_that_follows_from_the_key(cohort: Cohort):
    key = bytes.fromhex((cohort.folder / ".sysdesign" / "course.key").read_text())
    hidden = [key, key.hex().encode()]
    hidden += [each.encode() for student in cohort.most for each in cohort.hidden(student)]
    for folder in (cohort.folder / "release", cohort.folder.with_name("c-exchange"),
                   cohort.folder.with_name("ann")):  # fmt: skip
        files = [each for each in folder.rglob("*") if each.is_file()]
        assert files
        for file in files:
            content = file.read_bytes()
            assert not [each for each in hidden if each in content], file


def test_the_report_shows_the_cohort(cohort: Cohort):
    html = (cohort.folder / ".sysdesign" / "report" / "tiny.html").read_text()
    assert "A category is read by index" in html
    for student in ("ann", "ben", *cohort.most):
        assert student in html
    assert "<script" not in html


def test_the_autograde_button_writes_the_same(cohort: Cohort, monkeypatch):
    """``nbgrader autograde`` is what formgrader's button runs."""
    monkeypatch.setenv("SYSDESIGN_CURRICULUM", str(CURRICULUM))
    before = cohort.marks("ann")
    nbgrader(cohort.folder, "autograde", "tiny", "--student", "ann", "--force")
    assert cohort.marks("ann") == before


def test_the_instructors_notebook_shows_and_exports_the_cohort(cohort: Cohort):
    command = [sys.executable, "-W", "ignore", "-m", "nbconvert", "--execute", "--to", "notebook"]
    run(cohort.folder, *command, "instructor.ipynb", "--output", "shown.ipynb")
    rows = (cohort.folder / "scores.csv").read_text().splitlines()
    assert rows[0].startswith("student,last_name,first_name,email,lms_user_id,assignment,score")
    (ann,) = [each for each in rows if each.startswith("ann,")]
    assert ann == "ann,Ono,Ann,,,tiny,31.0,32.0,True"
    assert len(rows) == 1 + len({"ann", "ben", *cohort.most})
    shown = (cohort.folder / "shown.ipynb").read_text()
    assert "A category is read by index" in shown


@needs_browser
def test_formgraders_button_grades_in_isolation(cohort: Cohort, monkeypatch):
    monkeypatch.setenv("SYSDESIGN_CURRICULUM", str(CURRICULUM))
    monkeypatch.setenv("SYSDESIGN_IDLE_EXIT_S", "2")
    (before, _, _), result = cohort.marks("ben"), cohort.result("ben")
    result.unlink()
    with _server(cohort.folder) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        page = browser.new_page()
        page.goto(f"{url}?token={TOKEN}")
        page.goto(f"{url}formgrader/manage_submissions/tiny")
        row = page.locator("tr", has_text="ben")
        row.locator(".autograde a").click(timeout=60_000)
        page.locator("#success-modal").wait_for(timeout=900_000)
        assert result.exists()
        browser.close()
    scores, _, _ = cohort.marks("ben")
    decided = ("check-index-on-category", "check-new-item-shows", "check-few-indexes")  # not timed
    assert {each: scores[each] for each in decided} == {each: before[each] for each in decided}


@contextlib.contextmanager
def _server(folder: Path) -> Iterator[str]:
    settings = ("open_browser=False", f"token={TOKEN}", "port=0")
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "jupyter_server", "--allow-root",
         *(f"--ServerApp.{each}" for each in settings)],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "JUPYTER_RUNTIME_DIR": str(folder / "runtime")},
    )  # fmt: skip
    try:
        port = 0
        while not port and process.poll() is None:
            with contextlib.suppress(OSError, ValueError):
                port = port_of(process, folder / "runtime")
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait(30)

"""What becomes of an order whose job says odd things, or nothing."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import pytest
from nbgrader.utils import notebook_hash
from typer.testing import CliRunner

from jupyter_sysdesign.cli.app import app
from jupyter_sysdesign.control.models import Status, Verdict
from jupyter_sysdesign.curriculum import workspace as workspaces
from jupyter_sysdesign.curriculum.catalogue import Catalogue
from jupyter_sysdesign.errors import UnavailableError
from jupyter_sysdesign.grading import verdict as verdicts
from jupyter_sysdesign.grading.blame import Finding
from jupyter_sysdesign.grading.course import (
    boxes,
    demonstration,
    gradebook,
    grader,
    isolation,
    orders,
    results,
)
from jupyter_sysdesign.grading.course import course as courses
from jupyter_sysdesign.grading.course.course import Course
from jupyter_sysdesign.grading.course.executors import Done, LocalProcesses, do
from jupyter_sysdesign.grading.course.grading import without_checks
from jupyter_sysdesign.grading.loading import load_checks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from click.testing import Result

    from jupyter_sysdesign.curriculum.catalogue import Lesson

pytestmark = pytest.mark.usefixtures("home", "curriculum")

_SCRIPT = """
read order
case "$order" in
    *'"seed": null'*) echo '{"prepared": true}' ;;
    *) printf %s LINE; END ;;
esac
"""


class Saying:
    """A rung on which no job runs: there is one line in the place of a verdict's, and an end."""

    name = "saying"

    def __init__(self, line: str, end: str = "echo") -> None:
        self._script = _SCRIPT.replace("LINE", shlex.quote(line)).replace("END", end)
        self.jobs = 0  # with a submission

    def unusable(self) -> str:
        return ""

    def start(self, lesson: Lesson, folder: Path, user: int) -> boxes.Started:
        self.jobs += (folder / "home" / "templates").is_dir()
        return boxes.Started(boxes.started(["/bin/sh", "-c", self._script], {}), folder)


def graded(line: str, end: str = "echo", timeout_s: float = 60, **about: Any) -> Verdict:
    """Return what comes of an order whose job says ``line`` and does ``end``."""
    given = {"student": "ann", "lesson": "tiny", "files": {}, "digest": "d", "seed": 1, **about}
    return do(orders.Order(**given), Saying(line, end), timeout_s).verdict


class Here:
    """Does orders on that rung."""

    def __init__(self, line: str) -> None:
        self._rung = Saying(line)

    def run(self, wanted: Sequence[orders.Order]) -> Iterator[Done]:
        for each in wanted:
            yield do(each, self._rung, 60)


def undecided(verdict: Verdict, why: str) -> None:
    """See that every check is there, unknown, and says why."""
    assert [each.id for each in verdict.checks] == Catalogue().lesson("tiny").check_ids()
    assert {each.status for each in verdict.checks} == {Status.UNKNOWN}
    assert all(why in each.why for each in verdict.checks), verdict.checks
    assert verdict.status is Status.UNKNOWN
    assert why in verdict.reason


def test_an_order_that_breaks_its_grader_is_undecided():
    undecided(graded("Segmentation fault"), "Grading broke down (JSONDecodeError).")
    undecided(graded('{"verdict": {}}'), "Grading broke down (ValidationError).")


def test_a_job_that_is_killed_in_the_middle_of_a_line_is_told_as_killed():
    undecided(
        graded('{"verdict": {"st', end="sleep 60", timeout_s=3), "not decided within 0.05 minutes"
    )
    ended = graded('{"verdict": {"st', end="kill -9 $$")
    undecided(ended, "Grading ended without a verdict.")


def test_a_verdict_without_checks_is_one_on_every_check():
    none = verdicts.combine("tiny", [], seed=1, started_at=0, reason="The lesson is broken.")
    undecided(graded(json.dumps({"verdict": none.model_dump(mode="json")})), none.reason)


def test_a_submission_that_cannot_be_read_is_undecided_and_filed_nowhere(home: Path, nobody):
    lesson = Catalogue().lesson("tiny")
    theirs = workspaces.create(lesson, home.parent / "theirs").folder
    for path in [theirs, *theirs.rglob("*")]:
        path.chmod(0o755)
    (theirs / "app" / "server.py").chmod(0)
    with nobody():
        order = orders.read("ann", lesson, theirs, bytes(32))
    course = Course(home.parent / "c", "c", home.parent / "exchange", ("tiny",))
    plan = grader.Plan(course, lesson, {"ann": theirs}, [order])
    (first,) = grader.run(plan, Here("nothing is started for it"), lambda _: None)
    undecided(first.result.verdict, "app/server.py cannot be read: Permission denied.")
    assert first.problem == first.result.verdict.reason
    assert [each.name for each in course.folder.iterdir()] == [".sysdesign"]
    # What was known before stands, and it is said that it is not what was handed in.
    known = first.result.model_copy(update={"digest": "of other files"})
    path = course.own("results", "tiny") / "ann.json"
    path.write_text(known.model_dump_json())
    (again,) = grader.run(plan, Here("nothing either"), lambda _: None)
    assert (again.how, again.result, again.problem) == ("kept", known, first.problem)
    assert results.load(course, "tiny", "ann") == known


@pytest.fixture
def course(home: Path) -> Course:
    """Return a course in which nothing is handed in yet."""
    made = courses.init(home.parent / "c", [Catalogue().lesson("tiny")])
    gradebook.generate(made, "tiny")
    return made


def hand_in(course: Course, student: str, *files: str) -> Path:
    """Hand in what was handed out and these migrations; return the folder."""
    folder = course.folder / "submitted" / student / "tiny"
    shutil.copytree(course.folder / "release" / "tiny", folder, dirs_exist_ok=True)
    for name in files:
        (folder / "migrations" / name).write_text("SELECT 1;\n")
    return folder


def said(*statuses: Status) -> str:
    """Return a job's last line: the lesson's first checks end so, and all others pass."""
    results = [
        verdicts.not_made(each, Finding(status, f"It is {status.value}.")).model_copy(
            update={"points": each.points if status is Status.PASSED else 0}
        )
        for each, status in zip_longest(
            load_checks(Catalogue().lesson("tiny")), statuses, fillvalue=Status.PASSED
        )
    ]
    verdict = verdicts.combine("tiny", results, seed=1, started_at=0)
    return json.dumps({"verdict": verdict.model_dump(mode="json")})


class Command:
    """``sysdesign grade tiny`` on a machine whose only rung is the one given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, course: Course) -> None:
        self._monkeypatch = monkeypatch
        self._course = course

    def __call__(self, *words: str, rung: Saying | None, code: int = 0) -> Result:
        self._monkeypatch.setattr(isolation, "LADDER", (rung,) if rung else ())
        argv = ["grade", "tiny", "--course", str(self._course.folder), *words]
        done = CliRunner().invoke(app, argv)
        assert done.exit_code == code, f"{done.output}\n{done.exception!r}"
        return done

    def graded(self, *words: str, rung: Saying, code: int = 0) -> dict[str, Any]:
        """Return the lines of what is graded, by student."""
        lines = json.loads(self("--json", *words, rung=rung, code=code).stdout)["graded"]
        assert len({each["student"] for each in lines}) == len(lines)
        assert not [each["problem"] for each in lines if each["problem"]]
        return {each["student"]: each for each in lines}


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, course: Course) -> Command:
    return Command(monkeypatch, course)


def test_one_undecided_check_behind_a_failed_one_is_tried_again(course: Course, command: Command):
    folder = hand_in(course, "ann")
    crowded, fine = Saying(said(Status.FAILED, Status.UNKNOWN)), Saying(said(Status.FAILED))
    first = command.graded(rung=crowded, code=3)["ann"]
    assert (first["status"], len(first["undecided"])) == ("failed", 1)
    assert crowded.jobs == 1  # and none of what nbgrader was given to file
    told = command("--resume", rung=crowded, code=3).stderr
    assert "failed  ann" in told
    assert f"not decided: {first['undecided'][0]}\n" in told
    lesson = Catalogue().lesson("tiny")
    assert grader.graded(course, lesson, "ann", folder).undecided
    assert crowded.jobs == 3
    assert command.graded("--resume", rung=fine)["ann"]["how"] == "graded"
    assert command.graded("--resume", rung=fine)["ann"]["how"] == "kept"
    assert not grader.graded(course, lesson, "ann", folder).undecided
    assert fine.jobs == 1


def test_where_nothing_is_to_be_graded_nothing_is_asked_of_the_machine(
    course: Course, command: Command
):
    hand_in(course, "ann")
    command.graded(rung=Saying(said()))
    done = command("--resume", rung=None)
    assert "Nothing is to be graded" in done.stdout
    assert "Isolation" not in done.stdout
    assert "passed  ann" in done.stderr
    command("--resume", "--scheduler", "tcp://127.0.0.1:1", rung=None)
    assert "cannot be isolated" in command(rung=None, code=3).stderr


def test_a_student_who_is_named_twice_is_graded_once(course: Course, command: Command):
    hand_in(course, "ann")
    hand_in(course, "ben")
    rung = Saying(said())
    assert set(command.graded("--students", "ann,ann", rung=rung)) == {"ann"}
    assert rung.jobs == 1


def test_a_name_that_is_no_text_stops_nobody_else(course: Course, command: Command):
    odd = os.fsdecode(b"001\xff.sql")
    hand_in(course, "ann", odd)
    hand_in(course, "ben")
    (hand_in(course, "cat") / "migrations" / odd).symlink_to("/etc/passwd")
    done = command.graded(rung=Saying(said()))
    assert [each["status"] for each in done.values()].count("failed") == 2
    assert done["ben"]["status"] == "passed"
    for student, why in (("ann", "its name is not UTF-8 text"), ("cat", "is a link")):
        reason = results.load(course, "tiny", student).verdict.reason
        assert reason.startswith("migrations/001\ufffd.sql ")
        assert why in reason


def test_a_rejected_submission_is_not_another_one(course: Course, command: Command):
    """All that are rejected have no files, and so has who deleted theirs."""
    folder = hand_in(course, "ann")
    (folder / "app" / "server.py").unlink()
    rung = Saying(said())
    assert command.graded(rung=rung)["ann"]["status"] == "passed"
    link, large = folder / "migrations" / "link.sql", folder / "migrations" / "large.sql"
    link.symlink_to("/etc/passwd")
    assert (command.graded("--resume", rung=rung)["ann"]["points"]) == 0
    assert "is a link" in results.load(course, "tiny", "ann").verdict.reason
    link.unlink()
    large.write_bytes(b" " * 1_000_001)
    assert (command.graded("--resume", rung=rung)["ann"]["how"]) == "graded"
    assert "larger than 1 MB" in results.load(course, "tiny", "ann").verdict.reason
    assert (command.graded("--resume", rung=rung)["ann"]["how"]) == "kept"
    large.unlink()
    lesson = Catalogue().lesson("tiny")
    assert grader.graded(course, lesson, "ann", folder).verdict.status is Status.PASSED
    assert rung.jobs == 2


def test_feedback_is_released_to_who_handed_in_and_to_nobody_else(
    course: Course, command: Command, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(course.folder / "data"))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(course.folder / "config"))

    def nbgrader(*words: str) -> None:
        argv = [sys.executable, "-W", "ignore", "-m", "nbgrader", *words, "tiny"]
        done = subprocess.run(argv, cwd=course.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    nbgrader("release_assignment")
    handed_in = hand_in(course, "ann")
    (handed_in / "timestamp.txt").write_text("2027-01-02 03:04:05.678901 UTC")
    (handed_in / "submission_secret.txt").write_text("nbgrader submit wrote it")
    hand_in(course, "ben")  # who took away what nbgrader wrote
    (hand_in(course, "cat") / "submission_secret.txt").write_bytes(b"\xff")
    command.graded(rung=Saying(said()))
    nbgrader("generate_feedback")
    nbgrader("release_feedback")
    released = {each.stem for each in (course.exchange / course.id / "feedback").iterdir()}
    assert len(released) == 3
    assert notebook_hash(secret="nbgrader submit wrote it", notebook_id="lesson") in released


@pytest.mark.parametrize(
    ("mistake", "where"),
    [
        ("c.Autograde = (", ":{}: SyntaxError"),
        ("\nundefined_name", ":{}: NameError"),
        ("c.CourseDirectory.max_dir_size = 'big'", ": "),
        ("raise SystemExit(1)", ":{}: SystemExit"),
        (None, ": the file is missing"),
    ],
)
def test_a_mistake_in_nbgraders_configuration_is_told_before_anything_is_graded(
    course: Course, command: Command, mistake: str | None, where: str
):
    hand_in(course, "ann")
    config = course.folder / "nbgrader_config.py"
    if mistake is None:
        config.unlink()
    else:
        config.write_text(f"{config.read_text()}\n{mistake}\n")
        where = where.format(len(config.read_text().splitlines()))
    rung = Saying(said())
    assert f"nbgrader_config.py{where}" in command(rung=rung, code=2).stderr.replace("\n", "")
    assert rung.jobs == 0


def test_who_cannot_isolate_is_told_of_a_command_that_there_is(
    home: Path, course: Course, command: Command, monkeypatch: pytest.MonkeyPatch
):
    """Formgrader's Autograde has no options; the demonstration's submissions are nobody's."""
    folder = hand_in(course, "ann")
    words = "`sysdesign grade ASSIGNMENT --trust-submissions`"
    assert words in " ".join(command(rung=None, code=3).stderr.split())
    with pytest.raises(UnavailableError, match="cannot be isolated") as refused:
        grader.graded(course, Catalogue().lesson("tiny"), "ann", folder)
    assert words in refused.value.hint
    made: list[LocalProcesses] = []

    def make(folder: Path, executor: LocalProcesses, tell: object) -> tuple[Course, Path]:
        made.append(executor)
        return course, folder

    monkeypatch.setattr(demonstration, "make", make)
    assert CliRunner().invoke(app, ["course", "demo", str(home.parent / "d")]).exit_code == 0
    assert [each.isolation.name for each in made] == ["none"]


def test_a_lesson_that_is_named_twice_is_one_assignment(home: Path):
    argv = ["course", "init", str(home.parent / "c"), "--lessons", "tiny,tiny-full,tiny", "--json"]
    done = CliRunner().invoke(app, argv)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["course"]["lessons"] == ["tiny", "tiny-full"]


def test_who_trusts_submissions_needs_no_isolation(course: Course, monkeypatch: pytest.MonkeyPatch):
    hand_in(course, "ann")
    monkeypatch.setattr(isolation, "LADDER", ())
    argv = ["grade", "tiny", "--course", str(course.folder), "--trust-submissions", "--json"]
    done = CliRunner().invoke(app, argv)  # its code follows from what is timed
    (ann,) = json.loads(done.stdout)["graded"]
    assert (ann["status"], ann["isolation"], ann["problem"]) == ("failed", "none", "")
    assert "index-on-category" not in ann["undecided"]


_FILES_AND_IS_INTERRUPTED = """
import os, signal, sys
from nbgrader.apps import api
from jupyter_sysdesign.cli.app import app
def start(self):
    print("filed", file=sys.stderr)
    os.kill(os.getpid(), signal.SIGINT)
api.Autograde.start = start
app(["grade", "tiny", "--resume", "--trust-submissions", "--json"])
"""


def test_an_interrupt_while_nbgrader_files_ends_the_command(home: Path):
    lesson = Catalogue().lesson("tiny")
    course = courses.init(home.parent / "c", [lesson])
    for student in ("ann", "ben"):
        theirs = workspaces.create(lesson, course.folder / "submitted" / student / "tiny").folder
        order = orders.read(student, lesson, theirs, course.key, course.curriculum)
        verdict = without_checks(lesson, order, Finding(Status.FAILED, "No."), 0)
        results.keep(course, order, verdict, "none")
    argv = [sys.executable, "-W", "ignore", "-c", _FILES_AND_IS_INTERRUPTED]
    done = subprocess.run(argv, cwd=course.folder, capture_output=True, text=True, check=False)
    assert done.stderr.splitlines() == ["filed"], done.stderr + done.stdout
    assert json.loads(done.stdout)["error"]["code"] == "interrupted"
    assert done.returncode == 3

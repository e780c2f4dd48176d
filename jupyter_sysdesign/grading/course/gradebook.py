"""nbgrader's gradebook: the only place that writes into it, and nbgrader's own steps called."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import shutil
import signal
import sys
import threading
import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.curriculum.workspace import NOTEBOOK
from jupyter_sysdesign.errors import ConflictError, InvalidFileError, UnavailableError
from jupyter_sysdesign.grading.course import marks
from jupyter_sysdesign.grading.course.course import CONFIG, OWN
from jupyter_sysdesign.grading.course.source import check_cell, question_cell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import FrameType

    from jupyter_sysdesign.curriculum.catalogue import Lesson
    from jupyter_sysdesign.grading.course.course import Course
    from jupyter_sysdesign.grading.course.orders import Order
    from jupyter_sysdesign.grading.course.results import Result
    from jupyter_sysdesign.grading.course.students import Student

_NOTEBOOK = Path(NOTEBOOK).stem
_NOTEBOOK_BYTES = 10_000_000
_ANSWERS_BYTES = 4_000_000
_STAGED = f"{OWN}/staged"


def enter(
    folder: Path, course_id: str, lessons: Sequence[str], students: Sequence[Student]
) -> None:
    """Make the gradebook in ``folder``, with assignments and students.

    Raises:
        UnavailableError: nbgrader is not installed.
    """
    nbgrader = _nbgrader()
    with _scripts_in_path():  # it calls alembic by name
        book = nbgrader.Gradebook(f"sqlite:///{folder / 'gradebook.db'}", course_id)
    with book as gradebook:
        for lesson in lessons:
            gradebook.update_or_create_assignment(lesson)
        for each in students:
            facts = {k: v for k, v in each.model_dump(exclude={"id"}).items() if v}
            gradebook.update_or_create_student(each.id, **facts)


def write(db_url: str, lesson: Lesson, result: Result, answers: Mapping[str, marks.Mark]) -> None:
    """Write the marks of one submission, with their reasons; manual scores stay as they are.

    What nobody could decide has no score, rather than none of the points, and waits for a person.

    Raises:
        ConflictError: the assignment was not generated.
    """
    cells = {check_cell(each.id): marks.of_check(each) for each in result.verdict.checks}
    cells |= {question_cell(question): mark for question, mark in answers.items()}
    nbgrader = _nbgrader()
    with _opened(db_url) as gradebook:
        for cell, mark in cells.items():
            where = (cell, _NOTEBOOK, lesson.id, result.student)
            try:
                grade = gradebook.find_grade(*where)
                comment = gradebook.find_comment(*where)
            except nbgrader.MissingEntry as error:
                raise ConflictError(
                    f"The gradebook has no cell {cell} in {lesson.id}",
                    hint=f"Run `nbgrader generate_assignment {lesson.id}` in the course.",
                ) from error
            grade.auto_score = mark.points
            grade.needs_manual_grade = mark.confirm and grade.manual_score is None
            comment.auto_comment = mark.comment
        gradebook.db.commit()


def students(course: Course) -> list[str]:
    """Return the ids of all students in the gradebook."""
    with _opened(_url(course)) as gradebook:
        return sorted(each.id for each in gradebook.students)


def scores(course: Course) -> list[dict[str, Any]]:
    """Return one row per graded submission: who, what, the score as it stands."""
    with _opened(_url(course)) as gradebook:
        rows = [
            {
                "student": each.student.id,
                "last_name": each.student.last_name or "",
                "first_name": each.student.first_name or "",
                "email": each.student.email or "",
                "lms_user_id": each.student.lms_user_id or "",
                "assignment": assignment,
                "score": max(0.0, each.score - each.late_submission_penalty),
                "max_score": each.max_score,
                "waiting": each.needs_manual_grade,
            }
            for assignment in course.lessons
            for each in gradebook.assignment_submissions(assignment)
        ]
    return sorted(rows, key=lambda row: (str(row["assignment"]), str(row["student"])))


def autograde(course: Course, lesson: Lesson, order: Order, submitted: Path) -> None:
    """Have nbgrader file one submission that is graded already (our preprocessor writes it in).

    nbgrader gets a copy with nothing in it but the notebook, the answers and the editable files:
    whatever else was handed in is neither read nor copied.

    Raises:
        ConflictError: nbgrader could not; with the end of what it said.
        InvalidFileError: as ``try_config``.
    """
    staged = course.folder / _STAGED / order.student / lesson.id
    shutil.rmtree(staged, ignore_errors=True)
    try:
        _stage(course, lesson, order, submitted, staged)
        done = _asked(
            course, lambda api: api.autograde(lesson.id, order.student, force=True), _STAGED
        )
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    if done:
        raise ConflictError(
            f"nbgrader could not file the submission of {order.student}: {done}",
            hint=f"Was `nbgrader generate_assignment {lesson.id}` run?",
        )


def is_staged(course: Course, submitted: Path) -> bool:
    """Tell whether a submission is the copy that ``autograde`` made of one."""
    return submitted.resolve().is_relative_to(course.folder / _STAGED)


def generate(course: Course, assignment: str) -> None:
    """Have nbgrader make the release version of an assignment.

    Raises:
        ConflictError: nbgrader could not; with the end of what it said.
        InvalidFileError: as ``try_config``.
    """
    done = _asked(course, lambda api: api.generate_assignment(assignment))
    if done:
        raise ConflictError(f"nbgrader could not generate {assignment}: {done}")


def try_config(course: Course) -> None:
    """See that nbgrader can use the course's configuration.

    Raises:
        InvalidFileError: it is missing, or there is a mistake in it, with its line where known.
    """
    with _blamed_on_config():
        _api(course, "submitted")


def _url(course: Course) -> str:
    return f"sqlite:///{course.folder / 'gradebook.db'}"


def _asked(
    course: Course, what: Callable[[Any], dict[str, Any]], submitted: str = "submitted"
) -> str:
    """Ask nbgrader for something; return the end of what it says when it could not.

    Raises:
        KeyboardInterrupt: somebody pressed Ctrl-C meanwhile.
    """
    with warnings.catch_warnings(), _blamed_on_config():
        warnings.simplefilter("ignore")  # SQLAlchemy's, of nbgrader's own statements
        api = _api(course, submitted)
        with _interruptible():
            done = what(api)
    if done["success"]:
        return ""
    return (done.get("error") or done.get("log") or "no reason given").strip()[-600:]


def _api(course: Course, submitted: str) -> Any:
    nbgrader = _nbgrader()
    config = _config(course)
    config.CourseDirectory.submitted_directory = submitted
    directory = nbgrader.CourseDirectory(config=config)
    api = nbgrader.NbGraderAPI(directory, config=config)
    api.log.setLevel(logging.ERROR)
    return api


@contextlib.contextmanager
def _blamed_on_config() -> Iterator[None]:
    """Tell of values that nbgrader cannot use; it looks at each when it needs it."""
    from traitlets import TraitError  # noqa: PLC0415 (with nbgrader)

    try:
        yield
    except TraitError as error:
        raise InvalidFileError(str(error), file=CONFIG) from error


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Raise an interrupt once more at the end: nbgrader takes it for one more failed submission."""
    before = signal.getsignal(signal.SIGINT)
    if not callable(before) or threading.current_thread() is not threading.main_thread():
        yield  # nobody is interrupted here
        return
    interrupts: list[KeyboardInterrupt] = []

    def note(number: int, frame: FrameType | None) -> None:
        try:
            before(number, frame)
        except KeyboardInterrupt as interrupt:
            interrupts.append(interrupt)
            raise

    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if interrupts:
        raise KeyboardInterrupt


def _stage(course: Course, lesson: Lesson, order: Order, submitted: Path, staged: Path) -> None:
    staged.mkdir(mode=0o700, parents=True)
    for relative, content in order.files.items():
        target = staged / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    answers = _plain(submitted / "answers.json", _ANSWERS_BYTES)
    if answers is not None:
        (staged / "answers.json").write_bytes(answers)
    # nbgrader releases feedback by these; where one is missing or no text, to nobody at all. What
    # `nbgrader submit` wrote is in the learner's hands: who spoils it gets no feedback, others do.
    for name, otherwise in (("timestamp.txt", ""), ("submission_secret.txt", secrets.token_hex())):
        written = _plain(submitted / name, 1_000) or b""
        usable = written.isascii() and written.strip()
        (staged / name).write_bytes(written if usable else otherwise.encode())
    own = _plain(submitted / NOTEBOOK, _NOTEBOOK_BYTES)
    if own is None or not _is_notebook(own):  # missing, a link, too large or broken
        released = course.folder / "source" / lesson.id / NOTEBOOK
        own = released.read_bytes()
    (staged / NOTEBOOK).write_bytes(own)


def _plain(path: Path, most: int) -> bytes | None:
    """Return a plain file's content, None when it is none or larger than ``most`` bytes."""
    with contextlib.suppress(OSError):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                content = file.read(most + 1)
            return content if len(content) <= most else None
    return None


def _is_notebook(content: bytes) -> bool:
    import nbformat  # noqa: PLC0415 (nbgrader brings it)

    try:
        notebook = nbformat.reads(content.decode(), as_version=4)
        nbformat.validate(notebook)
    except Exception:  # noqa: BLE001 (whatever a stranger wrote)
        return False
    return True


def _config(course: Course) -> Any:
    from traitlets.config import Config  # noqa: PLC0415 (with nbgrader)
    from traitlets.config.loader import PyFileConfigLoader  # noqa: PLC0415 (same)

    path = course.folder / CONFIG
    if not path.is_file():
        raise InvalidFileError("the file is missing", file=CONFIG)
    config = Config()
    try:
        config.merge(PyFileConfigLoader(CONFIG, path=str(course.folder)).load_config())
    except (Exception, SystemExit) as error:
        said = f"{type(error).__name__}: {error}"
        raise InvalidFileError(said, file=CONFIG, line=_line_in(path, error)) from error
    return config


def _line_in(path: Path, error: BaseException) -> int | None:
    """Return where in a file something went wrong; it may be what that includes."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return error.lineno
    frames = traceback.extract_tb(error.__traceback__)
    return next((each.lineno for each in reversed(frames) if each.filename == str(path)), None)


@contextlib.contextmanager
def _scripts_in_path() -> Iterator[None]:
    """Let programs of this interpreter's environment be found, activated or not."""
    before = os.environ.get("PATH", os.defpath)
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{before}"
    try:
        yield
    finally:
        os.environ["PATH"] = before


@contextlib.contextmanager
def _opened(db_url: str) -> Iterator[Any]:
    with _nbgrader().Gradebook(db_url) as gradebook:
        yield gradebook


def _nbgrader() -> Any:
    """Return what we use of nbgrader.

    Raises:
        UnavailableError: it is not installed.
    """
    try:
        from nbgrader import api, apps, coursedir  # noqa: PLC0415 (an optional extra)
    except ImportError as error:
        raise UnavailableError(
            "A course needs nbgrader", hint="pip install 'jupyter-sysdesign[course]'"
        ) from error
    return _Nbgrader(api.Gradebook, api.MissingEntry, apps.NbGraderAPI, coursedir.CourseDirectory)


class _Nbgrader:
    def __init__(self, gradebook: Any, missing: Any, api: Any, directory: Any) -> None:
        self.Gradebook = gradebook
        self.MissingEntry = missing
        self.NbGraderAPI = api
        self.CourseDirectory = directory

"""A course on disk: an nbgrader course whose assignments are lessons.

Beside what nbgrader keeps there is ``.sysdesign/``: ``course.json`` (which lessons), ``course.key``
(what hidden seeds are derived from; whoever has it knows them), ``results/`` (what was graded) and
``report/``. The whole folder is the instructor's alone; only the exchange is open to learners.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jupyter_sysdesign.curriculum import workspace as workspaces
from jupyter_sysdesign.curriculum.atomic import replace
from jupyter_sysdesign.curriculum.catalogue import Catalogue, shipped
from jupyter_sysdesign.curriculum.variant import course_variant_key
from jupyter_sysdesign.errors import (
    ConflictError,
    InvalidFileError,
    InvalidRequestError,
    NotFoundError,
    ResourceError,
)
from jupyter_sysdesign.grading.course import source
from jupyter_sysdesign.grading.loading import load_checks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_sysdesign.curriculum.catalogue import Lesson
    from jupyter_sysdesign.grading.course.students import Student

OWN = ".sysdesign"
CONFIG = "nbgrader_config.py"
LEARNER_CONFIG = f"learner/{CONFIG}"
_INSTRUCTORS = "instructor.ipynb"
_KEY_BYTES = 32


class _Facts(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: int = 1
    course_id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=60)
    exchange: str
    lessons: list[str] = Field(min_length=1)
    curriculum: list[str] = []


@dataclass(frozen=True)
class Course:
    """One course.

    Attributes:
        folder: nbgrader's course directory.
        id: nbgrader's course id.
        exchange: the folder through which assignments and submissions go.
        lessons: ids; each is an assignment of the same name.
        curriculum: where lessons come from that are not shipped with us.
    """

    folder: Path
    id: str
    exchange: Path
    lessons: tuple[str, ...]
    curriculum: tuple[str, ...] = ()

    @property
    def key(self) -> bytes:
        """Return the course key.

        Raises:
            InvalidFileError: it is missing or damaged.
        """
        path = self.folder / OWN / "course.key"
        try:
            key = bytes.fromhex(path.read_text(encoding="ascii"))
        except (OSError, ValueError) as error:
            raise InvalidFileError("missing or damaged", file=f"{OWN}/course.key") from error
        if len(key) != _KEY_BYTES:
            raise InvalidFileError("damaged", file=f"{OWN}/course.key")
        return key

    def lesson(self, assignment: str) -> Lesson:
        """Return the lesson of an assignment.

        Raises:
            NotFoundError: it is none of this course.
        """
        if assignment not in self.lessons:
            known = ", ".join(self.lessons)
            raise NotFoundError(
                f"The course has no assignment {assignment!r}", hint=f"It has {known}."
            )
        return found_in(self.curriculum, assignment)

    def submitted(self, assignment: str) -> dict[str, Path]:
        """Return the folders of what was handed in, by student."""
        root = self.folder / "submitted"
        if not root.is_dir():
            return {}
        folders = {each.name: each / assignment for each in sorted(root.iterdir())}
        return {student: each for student, each in folders.items() if each.is_dir()}

    def own(self, *parts: str) -> Path:
        """Return a folder below ``.sysdesign``, made when missing."""
        folder = self.folder.joinpath(OWN, *parts)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder


def found_in(curriculum: Sequence[str], lesson: str) -> Lesson:
    """Return a lesson from the folders ``curriculum`` or, after them, from where all come from.

    Raises:
        NotFoundError: it is in none of them.
    """
    return Catalogue([*map(Path, curriculum), *Catalogue().roots]).lesson(lesson)


def find(start: Path) -> Course:
    """Return the course that ``start`` stands in, looking upwards.

    Raises:
        NotFoundError: it stands in none.
        InvalidFileError: ``course.json`` is damaged.
    """
    start = start.expanduser().resolve()
    for folder in (start, *start.parents):
        path = folder / OWN / "course.json"
        if path.is_file():
            try:
                facts = _Facts.model_validate_json(path.read_text(encoding="utf-8"))
            except (OSError, UnicodeDecodeError, ValidationError) as error:
                raise InvalidFileError("damaged", file=f"{OWN}/course.json") from error
            return _course(folder, facts)
    raise NotFoundError(
        f"{start} is in no course", hint="Go into one, or make it with `sysdesign course init DIR`."
    )


def init(
    folder: Path,
    lessons: Sequence[Lesson],
    *,
    course_id: str = "",
    exchange: Path | None = None,
    students: Sequence[Student] = (),
) -> Course:
    """Make a course in ``folder``, all of it or nothing.

    Raises:
        ConflictError: the folder holds something already.
        InvalidRequestError: the course id is none, or there are no lessons.
        ResourceError: no room, or no right to write there.
        UnavailableError: nbgrader is not installed.
    """
    from jupyter_sysdesign.grading.course import gradebook  # noqa: PLC0415 (it imports this)

    folder = folder.expanduser().resolve()
    exchange = (exchange or folder.with_name(f"{folder.name}-exchange")).expanduser().resolve()
    if exchange == folder or folder in exchange.parents:
        raise InvalidRequestError(
            "The exchange cannot be inside the course", hint="Learners must not see into that."
        )
    shipped_ = {str(shipped())}
    try:
        facts = _Facts(
            course_id=course_id or folder.name,
            exchange=str(exchange),
            lessons=[each.id for each in lessons],
            curriculum=sorted({str(each.environment.parents[1]) for each in lessons} - shipped_),
        )
    except ValidationError as error:
        raise InvalidRequestError(
            f"No course can be made of this: {error.errors()[0]['msg']}",
            hint="A course id has letters, digits, - and _; say --course-id. Name a lesson.",
        ) from error
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConflictError(
            f"{folder} exists and is not empty", hint="Name a folder that does not exist yet."
        )
    fresh = folder.with_name(f".{folder.name}.new")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        _fill(fresh, facts, lessons)
        gradebook.enter(fresh, facts.course_id, facts.lessons, students)
        exchange.mkdir(parents=True, exist_ok=True)
        if exchange.stat().st_uid == os.geteuid():
            exchange.chmod(0o777)  # what nbgrader asks for; what is in it has modes of its own
        fresh.rename(folder)
    except OSError as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise ResourceError(f"The course cannot be made: {error.strerror or error}") from error
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    return _course(folder, facts)


def _course(folder: Path, facts: _Facts) -> Course:
    return Course(
        folder,
        facts.course_id,
        Path(facts.exchange),
        tuple(facts.lessons),
        tuple(facts.curriculum),
    )


def _fill(folder: Path, facts: _Facts, lessons: Sequence[Lesson]) -> None:
    own = folder / OWN
    own.mkdir(mode=0o700)
    key = secrets.token_bytes(_KEY_BYTES)
    handle = os.open(own / "course.key", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(key.hex())
    replace(own / "course.json", facts.model_dump_json(indent=1) + "\n")
    kept: dict[str, list[str]] = {}
    for lesson in lessons:
        assignment = folder / "source" / lesson.id
        assignment.mkdir(parents=True)
        workspaces.populate(lesson, assignment, course_variant_key(key))
        notebook = assignment / workspaces.NOTEBOOK
        notebook.write_text(source.made(lesson, load_checks(lesson)), encoding="utf-8")
        files = (path.relative_to(assignment).as_posix() for path in _files(assignment))
        kept[lesson.id] = [each for each in files if lesson.file.is_editable(each)]
    shutil.copy(shipped() / "notebooks" / _INSTRUCTORS, folder / _INSTRUCTORS)
    (folder / "learner").mkdir()
    common = _COMMON.format(course=facts.course_id, exchange=facts.exchange)
    (folder / LEARNER_CONFIG).write_text(common, encoding="utf-8")
    (folder / CONFIG).write_text(common + _INSTRUCTOR.format(kept=json.dumps(kept, indent=4)))


def _files(folder: Path) -> list[Path]:
    return [each for each in sorted(folder.rglob("*")) if each.is_file()]


_COMMON = """\
# nbgrader reads this: https://nbgrader.readthedocs.io
c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "{course}"
c.Exchange.root = {exchange!r}
# What a learner hands in is a few small files; nobody hands in a log of gigabytes.
c.CourseDirectory.max_file_size = 10_000  # kilobytes
c.CourseDirectory.max_dir_size = 100_000
"""

_INSTRUCTOR = """
# From here on it concerns the instructor only.
import pathlib

c.CourseDirectory.root = str(pathlib.Path(__file__).resolve().parent)

# Collecting leaves out files that are too large, and would stop for everybody at a folder that is.
c.CourseDirectory.max_dir_size = 1_000_000_000

# The cells of a lesson stay as they are: there are no solutions and no hidden tests in them.
c.GenerateAssignment.preprocessors = [
    "nbgrader.preprocessors.IncludeHeaderFooter",
    "nbgrader.preprocessors.LockCells",
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.CheckCellMetadata",
    "nbgrader.preprocessors.ComputeChecksums",
    "nbgrader.preprocessors.SaveCells",
    "nbgrader.preprocessors.CheckCellMetadata",
]

# Formgrader's Autograde button takes the same way as `sysdesign grade`: no cell is run; the system
# is rebuilt and checked in isolation, unless that was done already.
c.Autograde.autograde_preprocessors = [
    "jupyter_sysdesign.grading.course.preprocessor.GradeOutside",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.ExecutePreprocessor.timeout = 1800

# A cell that a learner deleted comes back, so that its mark is seen.
c.OverwriteCells.add_missing_cells = True

# The learner's own files stay beside their notebook, so that they can be read.
c.Autograde.exclude_overwriting = {kept}
"""

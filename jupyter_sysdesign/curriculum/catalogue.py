"""The catalogue: which lessons exist, in their order, and which one comes next."""

from __future__ import annotations

import ast
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign import yaml_file
from jupyter_sysdesign.control.models import LessonDetail, LessonSummary
from jupyter_sysdesign.curriculum.lesson import LessonFile
from jupyter_sysdesign.errors import InvalidFileError, InvalidRequestError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

LESSON_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
NUMBERED = re.compile(r"t(\d+)-(\d+)-")
_PACKAGE = Path(__file__).resolve().parent.parent

#: When a lesson's two files were written, and how long they are.
_Stamp = tuple[tuple[int, int] | None, tuple[int, int] | None]


@dataclass(frozen=True)
class Lesson:
    """One lesson: what it says, and its two folders.

    Attributes:
        id: e.g. ``t1-02-indexes``; the name of both folders.
        environment: ``environments/<id>/``; pristine, read only.
        notebooks: ``notebooks/<id>/``.
        has_services: its environment runs something; a lab in the simulator has nothing to start.
    """

    id: str
    file: LessonFile
    environment: Path
    notebooks: Path
    has_services: bool = True

    def summary(self) -> LessonSummary:
        """Return one line of the catalogue."""
        return LessonSummary(**self._summary())

    def detail(self) -> LessonDetail:
        """Return everything a learner may see; no answer, no solution."""
        file = self.file
        return LessonDetail(
            **self._summary(),
            objectives=list(file.objectives),
            recap=file.recap,
            bridge=file.bridge,
            editable=list(file.editable),
            charts=list(file.charts),
            profiles=self.profiles(),
            questions=[question.public() for question in file.questions],
            steps=[step.id for step in file.steps],
            step_titles={step.id: step.title for step in file.steps},
            hints=[ladder.public() for ladder in file.hints],
        )

    def profiles(self) -> list[str]:
        """Return the names in ``load.yaml``, in its order (what is in them: ``load.profile``)."""
        try:
            data = yaml_file.read(self.environment / "load.yaml").data
        except InvalidFileError:
            return []  # the run that needs it says what is wrong, with the line
        profiles = data.get("profiles") if isinstance(data, dict) else None
        return [str(name) for name in profiles] if isinstance(profiles, dict) else []

    def check_ids(self) -> list[str]:
        """Return the checks declared in ``checks.py``, in order, without running it."""
        return declared_checks(self.environment)

    def _summary(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "title": self.file.title,
            "track": self.file.track,
            "tier": self.file.tier,
            "minutes": self.file.minutes,
            "concepts": list(self.file.concepts),
            "summary": self.file.summary,
            "has_services": self.has_services,
        }


def _absolute(root: str) -> Path:
    path = Path(root).expanduser()
    if not path.is_absolute():  # kernels and the control plane each work in another folder
        raise InvalidRequestError(
            f"SYSDESIGN_CURRICULUM: {root!r} is no absolute path",
            hint="Write the whole path, and start JupyterLab anew.",
        )
    return path


class Catalogue:
    """All lessons below some roots, each holding ``environments/`` and ``notebooks/``.

    A lesson with a broken ``lesson.yaml`` is left out of ``lessons()``, told of in ``problems``,
    and does not hide the others. Files are read again when they changed.
    """

    def __init__(self, roots: Sequence[Path] | None = None) -> None:
        """Look below ``roots``; by default ``$SYSDESIGN_CURRICULUM``, then the lessons shipped.

        Where two roots hold the same lesson, the first counts.
        """
        self._given = None if roots is None else tuple(roots)
        self._cache: dict[Path, tuple[_Stamp, Lesson | InvalidFileError]] = {}

    @property
    def roots(self) -> tuple[Path, ...]:
        """Return the roots that exist, first come first served.

        Raises:
            InvalidRequestError: ``$SYSDESIGN_CURRICULUM`` names one by a relative path.
        """
        given = self._given
        if given is None:
            extra = os.environ.get("SYSDESIGN_CURRICULUM", "").split(os.pathsep)
            given = (*(_absolute(each) for each in extra if each), shipped())
        return tuple(root.resolve() for root in given if (root / "notebooks").is_dir())

    @property
    def problems(self) -> list[InvalidFileError]:
        """Return what is wrong with the lessons that ``lessons()`` leaves out."""
        return [each for each in self._all().values() if isinstance(each, InvalidFileError)]

    def lessons(self) -> list[Lesson]:
        """Return the lessons that can be used, in order: numbered ones, then the others."""
        usable = (each for each in self._all().values() if isinstance(each, Lesson))
        return sorted(usable, key=_order)

    def lesson(self, lesson: str) -> Lesson:
        """Return one lesson.

        Raises:
            NotFoundError: no lesson of that id.
            InvalidFileError: it is there, and its ``lesson.yaml`` is wrong.
        """
        # No other is read: most processes need one lesson, and begin so much sooner.
        places = ((root, folder) for root, folder in self._folders() if folder.name == lesson)
        found = next((self._read(root, folder) for root, folder in places), None)
        if found is None:
            known = ", ".join(each.id for each in self.lessons())
            raise NotFoundError(f"There is no lesson {lesson!r}", hint=f"There are: {known}.")
        if isinstance(found, InvalidFileError):
            raise found
        return found

    def recommended(self, finished: Collection[str] = ()) -> Lesson | None:
        """Return the first lesson, in order, that is not finished."""
        return next((each for each in self.lessons() if each.id not in finished), None)

    def _all(self) -> dict[str, Lesson | InvalidFileError]:
        found: dict[str, Lesson | InvalidFileError] = {}
        for root, folder in self._folders():
            found.setdefault(folder.name, self._read(root, folder))
        return found

    def _folders(self) -> Iterator[tuple[Path, Path]]:
        for root in self.roots:
            for folder in sorted((root / "notebooks").iterdir()):
                if LESSON_ID.fullmatch(folder.name) and (folder / "lesson.yaml").is_file():
                    yield root, folder

    def _read(self, root: Path, folder: Path) -> Lesson | InvalidFileError:
        path = folder / "lesson.yaml"
        stamp = (_stamp(path), _stamp(root / "environments" / folder.name / "compose.yaml"))
        cached = self._cache.get(path)
        if cached is None or cached[0] != stamp:
            cached = self._cache[path] = (stamp, _parse(root, folder))
        return cached[1]


def declared_checks(environment: Path) -> list[str]:
    """Return the ids of the checks declared in ``checks.py``, in order, without running it."""
    try:
        tree = ast.parse((environment / "checks.py").read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return []
    return [
        call.args[0].value
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        for call in node.decorator_list
        if isinstance(call, ast.Call)
        and getattr(call.func, "attr", getattr(call.func, "id", "")) == "check"
        and call.args
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    ]


def shipped() -> Path:
    """Return the root of the lessons that come with this package: a checkout's, or the wheel's."""
    checkout = _PACKAGE.parent
    if (checkout / "notebooks").is_dir() and (checkout / "environments").is_dir():
        return checkout
    return _PACKAGE / "_content"


def _parse(root: Path, folder: Path) -> Lesson | InvalidFileError:
    name = f"notebooks/{folder.name}/lesson.yaml"
    environment = root / "environments" / folder.name
    try:
        file = yaml_file.read(folder / "lesson.yaml", name).validate(LessonFile)
    except InvalidFileError as error:
        return error
    if not (environment / "compose.yaml").is_file():
        missing = f"environments/{folder.name}/compose.yaml"
        return InvalidFileError("the file is missing", file=missing)
    return Lesson(folder.name, file, environment, folder, _has_services(environment))


def _has_services(environment: Path) -> bool:
    """Tell whether ``compose.yaml`` names a service; a wrong file does: starting says what is."""
    try:
        data = yaml_file.read(environment / "compose.yaml").data
    except InvalidFileError:
        return True
    return not isinstance(data, dict) or data.get("services") != {}


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size


def _order(lesson: Lesson) -> tuple[bool, int, int, str]:
    numbered = NUMBERED.match(lesson.id)
    if numbered is None:
        return (True, lesson.file.track, lesson.file.order, lesson.id)
    return (False, int(numbered[1]), int(numbered[2]), lesson.id)

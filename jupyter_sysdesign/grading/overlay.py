"""Variants of a lesson: solution, alternatives, cheats; each a few files over the pristine ones.

The solution is kept as whole files. The others say what they change: they begin with the untouched
system, take files of the solution, edit files, and add their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from jupyter_sysdesign import yaml_file
from jupyter_sysdesign.curriculum import workspace as workspaces
from jupyter_sysdesign.errors import InvalidFileError
from jupyter_sysdesign.grading.edits import Edit  # noqa: TC001 (pydantic needs it)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from jupyter_sysdesign.curriculum.catalogue import Lesson
    from jupyter_sysdesign.yaml_file import Document

ALTERNATIVE_FILE = "alternative.yaml"
CHEAT_FILE = "cheat.yaml"


class AlternativeFile(BaseModel):
    """``alternatives/<name>/alternative.yaml``; its other files stand beside it, whole."""

    model_config = ConfigDict(extra="forbid")

    what: str = Field(min_length=1, description="what it does, in one sentence")
    solution: tuple[str, ...] = Field((), description="files of the solution it begins with")
    edits: dict[str, tuple[Edit, ...]] = Field(
        {}, description="by file, one after the other; in the solution's if that is taken"
    )


class CheatFile(AlternativeFile):
    """``cheats/<name>/cheat.yaml``."""

    check: str = Field(min_length=1, description="the check that must catch it")


F = TypeVar("F", bound=AlternativeFile)


@dataclass(frozen=True)
class Overlay:
    """One variant.

    Attributes:
        name: e.g. ``cheats/constant``.
        files: what it puts over the pristine files, by relative path in a workspace.
        cheat: what it must be caught by, if it is a cheat.
    """

    name: str
    files: Mapping[str, bytes]
    cheat: CheatFile | None = None

    def workspace(self, lesson: Lesson, folder: Path) -> Path:
        """Make a workspace in ``folder`` with the variant's files in it."""
        made = workspaces.create(lesson, folder)
        for relative, content in self.files.items():
            target = made.folder / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        return made.folder


def solution(lesson: Lesson) -> Overlay | None:
    """Return the reference solution, if it is here (a cohort's image may leave it out).

    Raises:
        InvalidFileError: it holds a file that is not editable, or none at all.
    """
    if not (lesson.environment / "solution").is_dir():
        return None
    files = _kept(lesson, "solution")
    if not files:
        raise InvalidFileError("no files are in it", file=_shown(lesson, "solution"))
    return Overlay("solution", files)


def alternatives(lesson: Lesson) -> list[Overlay]:
    """Return the other valid fixes, by name.

    Raises:
        InvalidFileError: an ``alternative.yaml`` is missing or wrong, or does not fit the files.
    """
    return [
        Overlay(name, _files(lesson, name, document, declared))
        for name, document, declared in _declared(
            lesson, "alternatives", ALTERNATIVE_FILE, AlternativeFile
        )
    ]


def cheats(lesson: Lesson) -> list[Overlay]:
    """Return the known cheats, by name.

    Raises:
        InvalidFileError: a ``cheat.yaml`` is missing or wrong, does not fit the files, or names no
            check of the lesson.
    """
    found = []
    for name, document, cheat in _declared(lesson, "cheats", CHEAT_FILE, CheatFile):
        if cheat.check not in lesson.check_ids():
            raise _wrong(document, ["check"], f"there is no check {cheat.check!r}")
        found.append(Overlay(name, _files(lesson, name, document, cheat), cheat))
    return found


def _declared(
    lesson: Lesson, kind: str, file: str, model: type[F]
) -> Iterator[tuple[str, Document, F]]:
    folders = (each for each in lesson.environment.glob(f"{kind}/*") if each.is_dir())
    for folder in sorted(folders):
        name = f"{kind}/{folder.name}"
        document = yaml_file.read(folder / file, f"{_shown(lesson, name)}/{file}")
        yield name, document, document.validate(model)


def _files(
    lesson: Lesson, name: str, document: Document, declared: AlternativeFile
) -> dict[str, bytes]:
    """Return what a variant puts over the pristine files."""
    pristine = {path: file.read_bytes() for path, file in workspaces.handed_out(lesson).items()}
    solved = _kept(lesson, "solution")
    files: dict[str, bytes] = {}
    for at, path in enumerate(declared.solution):
        if path not in solved:
            raise _wrong(document, ["solution", at], f"the solution has no file {path!r}")
        files[path] = solved[path]
    for path, edits in declared.edits.items():
        beginning = files.get(path, pristine.get(path))
        if beginning is None or not lesson.file.is_editable(path):
            raise _wrong(document, ["edits", path], f"learners are given no {path!r} to edit")
        files[path] = _edited(document, path, edits, beginning)
    for path, content in _kept(lesson, name, document.name.rpartition("/")[2]).items():
        shown = f"{_shown(lesson, name)}/{path}"
        if path in files:
            raise InvalidFileError(f"{document.name} makes this file already", file=shown)
        if content == pristine.get(path):
            raise InvalidFileError("it is the same as the untouched one", file=shown)
        if content == solved.get(path):
            raise InvalidFileError(
                "it is the same as the solution's",
                file=shown,
                hint=f"Name it in {document.name}: solution: [{path}]",
            )
        files[path] = content
    if not files:
        raise InvalidFileError("it changes nothing", file=document.name)
    return files


def _edited(document: Document, path: str, edits: tuple[Edit, ...], beginning: bytes) -> bytes:
    try:
        text = beginning.decode("utf-8")
    except UnicodeDecodeError:
        raise _wrong(document, ["edits", path], f"{path} is no text: keep it whole") from None
    if not edits:
        raise _wrong(document, ["edits", path], f"{path}: there are no edits")
    at = 0
    try:
        for at, edit in enumerate(edits):  # noqa: B007 (the one that does not fit)
            text = edit.apply(text)
    except ValueError as error:
        raise _wrong(document, ["edits", path, at], f"{path}: {error}") from None
    return text.encode("utf-8")


def _kept(lesson: Lesson, name: str, besides: str = "") -> dict[str, bytes]:
    """Return the files in a variant's folder, by relative path in a workspace."""
    found = {}
    folder = lesson.environment / name
    for file in workspaces.plain_files(folder):
        path = file.relative_to(folder).as_posix()
        if path == besides:
            continue
        if not lesson.file.is_editable(path):
            raise InvalidFileError(
                "the lesson does not let learners edit it", file=f"{_shown(lesson, name)}/{path}"
            )
        found[path] = file.read_bytes()
    return found


def _shown(lesson: Lesson, name: str) -> str:
    return f"environments/{lesson.id}/{name}"


def _wrong(document: Document, location: list[str | int], message: str) -> InvalidFileError:
    return InvalidFileError(message, file=document.name, line=document.line(location))

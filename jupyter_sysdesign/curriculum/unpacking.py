"""Taking work up again from a zip. It may come from anywhere, so nothing in it is believed.

All of it is read and checked aside before anything in the root changes; what a learner has there
is replaced only where they wrote nothing yet, or by their leave, and then it is kept beside it.
"""

from __future__ import annotations

import contextlib
import filecmp
import os
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal

from jupyter_sysdesign.curriculum import workspace as workspaces
from jupyter_sysdesign.curriculum.answers import AnswersFile
from jupyter_sysdesign.curriculum.contents import Entry, entries
from jupyter_sysdesign.errors import (
    ConflictError,
    InvalidFileError,
    InvalidRequestError,
    ResourceError,
    WorkThereError,
)

if TYPE_CHECKING:
    from jupyter_sysdesign.curriculum.catalogue import Catalogue
    from jupyter_sysdesign.curriculum.workspace import Workspace

#: Is told each folder that is about to be replaced, and raises where it is in use.
Ask = Callable[[Path], None]


@dataclass(frozen=True)
class Unpacked:
    """One workspace of a zip.

    Attributes:
        became: ``new``; ``same``, it was there already; ``replaced``.
        kept: where the learner's own that it replaced lies now.
    """

    workspace: Workspace
    became: Literal["new", "same", "replaced"]
    kept: Path | None = None


def unpack(
    file: Path, root: Path, catalogue: Catalogue, *, overwrite: bool = False, ask: Ask
) -> list[Unpacked]:
    """Put the workspaces in ``file`` where they lay, below ``root``: all of them, or nothing.

    A workspace that is there and untouched is replaced; one with work in it only with
    ``overwrite``, and then it is kept beside the new one.

    Raises:
        InvalidRequestError: ``root`` is no folder.
        InvalidFileError: no zip, or one that holds anything else than workspaces.
        NotFoundError: it is of a lesson that is not here.
        WorkThereError: there is other work in its place.
        ConflictError: there is something else; or what ``ask`` raises.
        OutsideRootError: its place is behind a symbolic link.
        ResourceError: no room, or no right to read or to write.
    """
    root = workspaces.real(root)
    try:
        if not root.is_dir():
            raise InvalidRequestError(f"{root} is no folder", hint="Make it first.")
        if not file.is_file():
            raise InvalidFileError("there is no such file", file=file.name)
        with tempfile.TemporaryDirectory(prefix=".sysdesign-import-", dir=root) as aside:
            fresh = _extract(file, Path(aside))
            moves = [
                _plan(folder, root, fresh[folder], catalogue, overwrite=overwrite)
                for folder in sorted(fresh)
            ]
            for move in moves:
                if move.became == "replaced":
                    ask(move.target)
            _carry_out(moves, Path(aside) / "old")
            return [
                Unpacked(workspaces.load(move.target), move.became, move.kept) for move in moves
            ]
    except OSError as error:
        raise ResourceError(
            f"Cannot unpack to {root}: {error.strerror or error}",
            hint="Make room, or the right to write there, and import again.",
        ) from error


@dataclass(frozen=True)
class _Move:
    """What is going to be done with one workspace.

    Attributes:
        kept: where what it replaces goes; None: nobody wrote anything there.
        pristine: what it replaces then consists of.
    """

    fresh: Path
    target: Path
    became: Literal["new", "same", "replaced"]
    kept: Path | None = None
    pristine: dict[str, Path] = field(default_factory=dict)


def _extract(file: Path, aside: Path) -> dict[PurePosixPath, Path]:
    """Write the zip's workspaces below ``aside``; return where each one is."""
    made: dict[PurePosixPath, Path] = {}
    try:
        with zipfile.ZipFile(file) as zipped:
            for entry in entries(zipped, file.name):
                folder = made.setdefault(entry.workspace, aside / str(len(made)))
                _write(zipped, entry, folder / entry.path, file.name)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError) as error:
        raise InvalidFileError(
            "it is no zip, or a damaged one",
            file=file.name,
            hint="`sysdesign export` makes one; download it once more.",
        ) from error
    for folder in made.values():
        workspaces.load(folder)  # its marker makes sense
        folder.chmod(0o755 if os.geteuid() == 0 else 0o700)
    return made


def _write(zipped: zipfile.ZipFile, entry: Entry, target: Path, name: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    left = entry.size
    with zipped.open(entry.info) as source, target.open("xb") as out:
        while chunk := source.read(1 << 20):
            left -= len(chunk)
            if left < 0:
                raise InvalidFileError(f"{entry.info.filename} is longer than it says", file=name)
            out.write(chunk)


def _plan(
    folder: PurePosixPath, root: Path, fresh: Path, catalogue: Catalogue, *, overwrite: bool
) -> _Move:
    """Decide what becomes of one workspace, changing nothing."""
    coming = workspaces.load(fresh)
    lesson = catalogue.lesson(coming.lesson)
    target = workspaces.inside(root, str(folder))
    around = workspaces.find(target.parent)
    if around is not None:
        raise ConflictError(
            f"{target} would be inside the workspace {around.folder}",
            hint="Import into another folder: --root DIR.",
        )
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return _Move(fresh, target, "new")
    there = None
    if target.is_dir() and workspaces.has_marker(target):
        there = workspaces.load(target)
    if there is None:
        raise ConflictError(
            f"{target} is there and is no workspace",
            hint="Rename it first, or import into another folder: --root DIR.",
        )
    if there.lesson == coming.lesson and _alike(there.folder, _files(coming.folder)):
        return _Move(fresh, target, "same")
    pristine = workspaces.handed_out(lesson)
    if there.lesson == coming.lesson and _alike(there.folder, pristine):
        return _Move(fresh, target, "replaced", pristine=pristine)
    if not overwrite:
        raise _work_there(target)
    return _Move(fresh, target, "replaced", workspaces.free_name(target, "yours"))


def _carry_out(moves: list[_Move], old: Path) -> None:
    """Do what was decided; where that fails, take back what was done."""
    old.mkdir()
    with contextlib.ExitStack() as locks, contextlib.ExitStack() as undo:
        for number, move in enumerate(moves):
            if move.became == "same":
                continue
            move.target.parent.mkdir(parents=True, exist_ok=True)
            if move.became == "replaced":
                # An answer that is being written is in one of them, and not in both by halves.
                locks.enter_context(AnswersFile(move.target).locked())
                away = move.kept or old / str(number)
                move.target.rename(away)
                undo.callback(away.rename, move.target)
                if move.kept is None and not _alike(away, move.pristine):  # written since we looked
                    raise _work_there(move.target)
            move.fresh.rename(move.target)  # replaces nothing but an empty folder
            undo.callback(move.target.rename, move.fresh)
        undo.pop_all()


def _work_there(target: Path) -> WorkThereError:
    return WorkThereError(
        f"{target} has other work in it",
        hint="Import with --overwrite: what is there now is kept beside it. "
        "Or import into another folder: --root DIR.",
    )


def _alike(folder: Path, other: dict[str, Path]) -> bool:
    """Tell whether a folder has these files, and nothing else; reads no more than it must."""
    files = _files(folder)
    if files.keys() != other.keys():
        return False
    filecmp.clear_cache()  # it would believe times
    try:
        return all(filecmp.cmp(path, other[name], shallow=False) for name, path in files.items())
    except FileNotFoundError:  # it was there for a moment
        return _alike(folder, other)


def _files(folder: Path) -> dict[str, Path]:
    return {each.relative_to(folder).as_posix(): each for each in workspaces.plain_files(folder)}

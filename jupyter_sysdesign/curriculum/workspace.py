"""Workspaces: the learner's copy of a lesson, and nothing that overwrites what they wrote."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jupyter_sysdesign import file_names
from jupyter_sysdesign.environment.source import Source
from jupyter_sysdesign.errors import (
    ConflictError,
    InvalidFileError,
    InvalidRequestError,
    NotFoundError,
    OutsideRootError,
    ResourceError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_sysdesign.curriculum.catalogue import Catalogue, Lesson

MARKER = PurePosixPath(".sysdesign/workspace.json")
NOTEBOOK = "lesson.ipynb"
#: Folders of tools, none of them a learner's work.
IGNORED = {".sysdesign", ".ipynb_checkpoints", "__pycache__", ".git"}
#: Jupyter writes a file under such a name, then gives it its own.
_UNFINISHED = ".~"


class _Marker(BaseModel):
    model_config = ConfigDict(extra="allow")

    version: int = 1
    lesson: str
    created_at: float
    variant_key: str = Field("", pattern=r"^([0-9a-f]{64})?$")


@dataclass(frozen=True)
class Workspace:
    """One learner's copy of one lesson.

    Attributes:
        folder: real path; an instance is keyed by it.
        created_at: seconds since the epoch.
        variant_key: of the course it belongs to, hexadecimal; empty outside of one (``variant``).
    """

    folder: Path
    lesson: str
    created_at: float
    variant_key: str = ""

    @property
    def id(self) -> str:
        """Return a short id that stays the same as long as the folder does."""
        digest = hashlib.sha256(str(self.folder).encode()).hexdigest()
        return f"{self.lesson}-{digest[:8]}"

    def source(self, catalogue: Catalogue) -> Source:
        """Return what an instance of this workspace is built from.

        Raises:
            NotFoundError, InvalidFileError: the lesson is gone or broken.
        """
        lesson = catalogue.lesson(self.lesson)
        return Source(lesson.id, lesson.environment, self.folder, tuple(lesson.file.editable))

    def files(self) -> list[str]:
        """Return the relative paths of the learner's files; links are left out."""
        return sorted(path.relative_to(self.folder).as_posix() for path in plain_files(self.folder))

    def path(self, relative: str) -> Path:
        """Return ``relative`` inside the workspace.

        Raises:
            OutsideRootError: absolute, upwards, or through a symbolic link.
        """
        return inside(self.folder, relative)

    def restore(self, lesson: Lesson, relative: str, *, overwrite: bool = False) -> Path:
        """Put one pristine file back; an existing one only with ``overwrite``, and kept aside.

        Raises:
            NotFoundError: the lesson hands out no such file.
            ConflictError: it exists and ``overwrite`` was not asked for.
        """
        pristine = handed_out(lesson).get(PurePosixPath(relative).as_posix())
        if pristine is None:
            raise NotFoundError(f"{lesson.id} has no file {relative!r} to restore")
        target = self.path(relative)
        if target.exists():
            if not overwrite:
                raise ConflictError(
                    f"{relative} exists", hint="Rename it first, or restore with overwrite."
                )
            target.replace(free_name(target, "yours"))
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        shutil.copyfile(pristine, part)
        part.replace(target)
        return target


def create(lesson: Lesson, folder: Path) -> Workspace:
    """Make the workspace of ``lesson`` in ``folder``, all of it or nothing; or find it there.

    Raises:
        ConflictError: the folder holds another lesson, other files, or is inside a workspace.
        ResourceError: no room, or no right to write there.
    """
    if not folder.is_absolute() and not str(folder).startswith("~"):
        raise InvalidRequestError(f"{folder} is no absolute path")
    folder = real(folder)
    try:
        existing = _existing(lesson, folder)
        if existing is not None:
            return existing
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".new", dir=folder.parent))
    except OSError as error:
        raise ResourceError(
            f"Cannot write to {folder.parent}: {error.strerror}", hint="Choose another folder."
        ) from error
    try:
        populate(lesson, fresh)
        fresh.chmod(0o755 if os.geteuid() == 0 else 0o700)
        fresh.rename(folder)  # replaces nothing but an empty folder
    except OSError as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raced = _existing(lesson, folder)  # somebody else made it in the meantime
        if raced is not None:
            return raced
        raise ResourceError(f"Cannot create {folder}: {error.strerror}") from error
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    return load(folder)


def load(folder: Path) -> Workspace:
    """Return the workspace that ``folder`` itself is.

    Raises:
        NotFoundError: it is none.
        InvalidFileError: its marker is damaged.
    """
    folder = real(folder)
    marker = folder / MARKER
    try:
        text = marker.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise NotFoundError(
            f"{folder} is not a workspace", hint="`sysdesign open LESSON` makes one."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidFileError("cannot be read", file=str(MARKER)) from error
    try:
        found = _Marker.model_validate_json(text)
    except ValidationError:
        raise InvalidFileError(
            "damaged",
            file=str(MARKER),
            hint='It should be {"version": 1, "lesson": "<lesson id>", "created_at": 0}.',
        ) from None
    return Workspace(folder, found.lesson, found.created_at, found.variant_key)


def find(start: Path) -> Workspace | None:
    """Return the workspace that ``start`` stands in, looking upwards.

    Raises:
        InvalidFileError: the nearest marker is damaged.
    """
    start = real(start)
    for folder in (start, *start.parents):
        if has_marker(folder):
            return load(folder)
    return None


def real(folder: Path) -> Path:
    """Return the real path of ``folder``, which need not be there; ``~`` is a home.

    Raises:
        InvalidRequestError: nobody's home, a loop of links, or a name that cannot be said.
    """
    try:
        found = folder.expanduser().resolve()
    except (RuntimeError, OSError) as error:
        raise InvalidRequestError(f"{folder} is no path: {error}") from error
    if not file_names.is_text(str(found)):
        raise InvalidRequestError(
            f"The name of {file_names.shown(str(found))} is not UTF-8 text",
            hint="Rename it, or use another folder.",
        )
    return found


def has_marker(folder: Path) -> bool:
    """Tell whether ``folder`` is a workspace, as far as one may look into it."""
    try:
        return (folder / MARKER).is_file()
    except OSError:  # a name that is too long, or no right to look
        return False


def default_folder(root: Path, lesson: str) -> Path:
    """Return where a lesson's workspace goes by default: ``<root>/sysdesign/<lesson>``."""
    return root.resolve() / "sysdesign" / lesson


def inside(root: Path, relative: str) -> Path:
    """Return ``root / relative``; no part of it may be a symbolic link.

    Raises:
        OutsideRootError: absolute, upwards, or through a link.
    """
    pure = PurePosixPath(relative)
    if pure.is_absolute() or ".." in pure.parts or "\0" in relative or not pure.parts:
        raise OutsideRootError(f"{relative!r} is not inside the workspace")
    path = root
    for part in pure.parts:
        path = path / part
        if path.is_symlink():
            raise OutsideRootError(f"{relative!r} leads through a symbolic link")
    return path


def plain_files(folder: Path) -> Iterator[Path]:
    """Yield the regular files below ``folder``, sorted; no links, nothing behind links."""
    for base, folders, names in os.walk(folder, followlinks=False):
        folders[:] = sorted(each for each in folders if each not in IGNORED)
        for name in sorted(names):
            path = Path(base) / name
            if name.startswith(_UNFINISHED):
                continue
            if path.is_file() and not path.is_symlink():
                yield path


def handed_out(lesson: Lesson) -> dict[str, Path]:
    """Return the pristine files a workspace gets, by relative path."""
    found = {NOTEBOOK: lesson.notebooks / NOTEBOOK} if _has_notebook(lesson) else {}
    for path in plain_files(lesson.notebooks / "diagrams"):
        found[path.relative_to(lesson.notebooks).as_posix()] = path
    for path in plain_files(lesson.environment):
        relative = path.relative_to(lesson.environment).as_posix()
        if lesson.file.is_readable(relative):
            found[relative] = path
    return found


def populate(lesson: Lesson, folder: Path, variant_key: str = "") -> None:
    """Fill an empty ``folder`` with the pristine copies and the marker."""
    for relative, pristine in handed_out(lesson).items():
        target = folder / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(pristine, target)
    for pattern in lesson.file.editable:  # so that migrations/ is there to write into
        parent = PurePosixPath(pattern).parent
        if "*" not in str(parent):
            (folder / parent).mkdir(parents=True, exist_ok=True)
    marker = folder / MARKER
    marker.parent.mkdir(parents=True, exist_ok=True)
    document = _Marker(lesson=lesson.id, created_at=time.time(), variant_key=variant_key)
    kept = document.model_dump(exclude=None if variant_key else {"variant_key"})
    marker.write_text(json.dumps(kept) + "\n", encoding="utf-8")


def _has_notebook(lesson: Lesson) -> bool:
    return (lesson.notebooks / NOTEBOOK).is_file()


def _existing(lesson: Lesson, folder: Path) -> Workspace | None:
    """Return the workspace of ``lesson`` in ``folder``; None when it may be made there."""
    above = find(folder)
    if above is not None and above.folder == folder:
        if above.lesson != lesson.id:
            raise ConflictError(f"{folder} is a workspace of {above.lesson}, not of {lesson.id}")
        return above
    if above is not None:
        raise ConflictError(
            f"{folder} is inside the workspace {above.folder}",
            hint="Go out of it first, or name another folder.",
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConflictError(
            f"{folder} exists and is not empty", hint="Name a folder that does not exist yet."
        )
    return None


def free_name(path: Path, label: str) -> Path:
    """Return a name beside ``path`` that is not taken: ``server.py.yours-1``.

    Raises:
        ResourceError: there are thousands already.
    """
    for number in range(1, 10_000):
        candidate = path.with_name(f"{path.name}.{label}-{number}")
        if not candidate.exists():
            return candidate
    raise ResourceError(f"There are too many copies of {path.name}")

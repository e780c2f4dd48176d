"""Rebuilding a submission: the pristine lesson plus the editable files, and nothing else."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
import stat
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from jupyter_sysdesign import file_names, paths
from jupyter_sysdesign.curriculum import workspace as workspaces
from jupyter_sysdesign.curriculum.atomic import replace
from jupyter_sysdesign.environment.ledger import boot_id
from jupyter_sysdesign.environment.source import Source
from jupyter_sysdesign.environment.spec import FILE
from jupyter_sysdesign.errors import InvalidFileError
from jupyter_sysdesign.grading.compose_merge import merge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jupyter_sysdesign.curriculum.catalogue import Lesson

MAX_FILE_BYTES = 1_000_000
MAX_FILES = 200
MAX_BYTES = 8_000_000
_OWNER = "owner.json"
_WALKED = 20_000
#: Within this its maker says who they are; and within this whatever is checked anywhere is over.
_SAID_WITHIN_S, _LONGEST_S = 60.0, 86_400.0
#: What opening a file fails with because of what the file is: a link, a socket.
_NO_PLAIN_FILE = (errno.ELOOP, errno.ENXIO)
_WILD = re.compile(r"[*?[]")


class RejectedError(Exception):
    """The submission itself is not acceptable; the message tells the learner why."""


class UnreadableError(Exception):
    """The submission is there and cannot be read, which is not the learner's failure."""


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """Give a folder for rebuilt workspaces that is removed afterwards, or by ``sweep``."""
    folder = Path(tempfile.mkdtemp(prefix="", dir=paths.checks()))
    try:
        # PostgreSQL and the services may run as another user, who must be able to walk through.
        folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
        me = psutil.Process()
        owner = {"pid": me.pid, "started": me.create_time(), "where": _here()}
        replace(folder / _OWNER, json.dumps(owner))  # whole: others read it, and sweep
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep() -> int:
    """Remove scratch folders whose owner is gone; return how many.

    Machines may share the home: of another one's owner only its age tells, after a day.
    """
    removed = 0
    for folder in paths.checks().iterdir():
        if not _is_owned(folder):
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
    return removed


def _nobody(_: str) -> None:
    """Hear nothing."""


def rebuild(
    lesson: Lesson,
    submitted: Path | None,
    folder: Path,
    refuse: Callable[[str], None] = _nobody,
) -> list[str]:
    """Make ``folder`` a workspace with pristine files and the editable ones of ``submitted``.

    Returns the relative paths that came from the submission and differ from the pristine ones.
    Of ``compose.yaml`` only what the lesson lets learners change gets in; ``refuse`` hears a
    sentence for everything else.

    Raises:
        RejectedError: links, special files, more than the limits, or no Compose file.
        UnreadableError: as ``collect``.
    """
    folder.mkdir(mode=0o755 if os.geteuid() == 0 else 0o700)
    workspaces.populate(lesson, folder)
    if submitted is None:
        return []
    edited = []
    for relative, sent in collect(lesson, submitted).items():
        content = _merged(lesson, sent, refuse) if relative == FILE else sent
        target = folder / relative
        if not target.exists() or target.read_bytes() != content:
            edited.append(relative)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return edited


def _merged(lesson: Lesson, content: bytes, refuse: Callable[[str], None]) -> bytes:
    try:
        merged, refused = merge(lesson.environment / FILE, content, lesson.file.compose)
    except InvalidFileError as error:
        raise RejectedError(error.message) from error
    for each in refused:
        refuse(each)
    return merged


def collect(lesson: Lesson, submitted: Path) -> dict[str, bytes]:
    """Return the editable files of ``submitted``; nothing else in it is even opened.

    Raises:
        RejectedError: links, special files, names that are no text, or more than the limits.
        UnreadableError: a file, or a folder with editable files, cannot be read.
    """
    files: dict[str, bytes] = {}
    size = 0
    for relative, content in _editable(lesson, submitted):
        files[relative] = content
        size += len(content)
        if size > MAX_BYTES:
            raise RejectedError(f"The files together are larger than {MAX_BYTES // 10**6} MB.")
        if len(files) > MAX_FILES:
            raise RejectedError(f"There are more than {MAX_FILES} files.")
    return files


def _editable(lesson: Lesson, submitted: Path) -> Iterator[tuple[str, bytes]]:
    source = Source(lesson.id, lesson.environment, submitted, tuple(lesson.file.editable))
    walked = 0

    def unread(error: OSError) -> None:
        folder = os.path.relpath(error.filename, submitted)
        if folder == os.curdir or _may_hold_editable(folder, source.editable):
            with _reading("The folder" if folder == os.curdir else folder):
                raise error

    for base, folders, names in os.walk(submitted, onerror=unread, followlinks=False):
        folders[:] = sorted(each for each in folders if each not in workspaces.IGNORED)
        for name in (*folders, *sorted(names)):
            walked += 1
            if walked > _WALKED:
                raise RejectedError("There are too many files in the folder.")
            path = Path(base) / name
            relative = path.relative_to(submitted).as_posix()
            with _reading(relative):
                linked = path.is_symlink()
            if linked:
                if source.is_editable(relative) or _leads_to_editable(relative, source.editable):
                    shown = file_names.shown(relative)
                    raise RejectedError(f"{shown} is a link; only plain files count.")
            elif name in names and source.is_editable(relative):
                if not file_names.is_text(relative):
                    shown = file_names.shown(relative)
                    raise RejectedError(f"{shown} cannot be kept: its name is not UTF-8 text.")
                yield relative, _read(path, relative)


@contextlib.contextmanager
def _reading(relative: str) -> Iterator[None]:
    """Tell what the file itself is to blame for from what the machine is."""
    shown = file_names.shown(relative)
    try:
        yield
    except OSError as error:
        if error.errno in _NO_PLAIN_FILE:
            raise RejectedError(f"{shown} is no plain file.") from error
        raise UnreadableError(f"{shown} cannot be read: {error.strerror}.") from error


def _leads_to_editable(folder: str, patterns: tuple[str, ...]) -> bool:
    return any(pattern.startswith(f"{folder}/") for pattern in patterns)


def _may_hold_editable(folder: str, patterns: tuple[str, ...]) -> bool:
    inside = f"{folder}/"
    return any(
        pattern.startswith(inside) or inside.startswith(_WILD.split(pattern, maxsplit=1)[0])
        for pattern in patterns
    )


def _read(path: Path, relative: str) -> bytes:
    with _reading(relative):
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise RejectedError(f"{relative} is no plain file.")
            content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise RejectedError(f"{relative} is larger than {MAX_FILE_BYTES // 10**6} MB.")
    return content


def _is_owned(folder: Path) -> bool:
    try:
        owner = json.loads((folder / _OWNER).read_text(encoding="utf-8"))
        if owner["where"] != _here():
            return _is_newer(folder, _LONGEST_S)
        started = psutil.Process(int(owner["pid"])).create_time()
    except FileNotFoundError:
        return _is_newer(folder, _SAID_WITHIN_S)
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return False
    return abs(started - float(owner["started"])) < 1


def _here() -> str:
    """Return where a process's id means something: this boot, and in it a namespace of ids."""
    namespace = ""
    with contextlib.suppress(OSError):
        namespace = str(Path("/proc/self/ns/pid").readlink())
    return f"{boot_id()} {namespace}"


def _is_newer(folder: Path, age_s: float) -> bool:
    with contextlib.suppress(OSError):
        return time.time() - folder.stat().st_mtime < age_s
    return False

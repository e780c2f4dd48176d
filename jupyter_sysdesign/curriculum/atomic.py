"""Writing a file so that every reader, and the disk after a crash, has all of it or the old one."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def replace(path: Path, text: str, *, aside: Path | None = None, keep: Path | None = None) -> None:
    """Replace ``path`` by ``text``: temporary file, fsync, rename, fsync of the folder.

    The temporary file is made in ``aside``, on the same disk; by default beside ``path``. What was
    there before, be it a folder, becomes ``keep``.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=aside or path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if keep is not None:
            path.rename(keep)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_plain(path: Path, most: int) -> bytes:
    """Return up to ``most`` bytes of a regular file, and wait for nobody.

    Raises:
        OSError: it cannot be read, or is something else: a link, a folder, a pipe.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "It is no file", str(path))
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read(most)
    finally:
        os.close(handle)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file ``path`` (made when missing); other processes and threads wait."""
    handle = _lock(path)
    while not _is(handle, path):  # while we waited, an import put another folder in its place
        os.close(handle)
        handle = _lock(path)
    try:
        yield
    finally:
        os.close(handle)


def _lock(path: Path) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _is(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False

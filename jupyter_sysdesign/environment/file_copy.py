"""Copies data directories: shared blocks where the file system can, else inside the kernel."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

from jupyter_sysdesign.errors import ResourceError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jupyter_sysdesign.environment.owner import Owner

_FICLONE = 0x40049409  # ioctl of btrfs and xfs: the copy shares its blocks until one is written
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)

#: What must stay free beside a copy, in bytes: servers write logs and sort files too.
RESERVE_BYTES = 64 * 2**20


def tree_bytes(folder: Path) -> int:
    """Return the bytes all files below ``folder`` hold, without those that vanish meanwhile."""
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                total += os.lstat(f"{where}/{name}").st_size
    return total


def require_room(folder: Path, needed: int, what: str) -> None:
    """Check that the disk of ``folder`` takes ``needed`` more bytes.

    Raises:
        ResourceError: it does not; the message has both sizes.
    """
    free = shutil.disk_usage(folder).free
    if free < needed + RESERVE_BYTES:
        raise no_room(folder, what, f"needs {mebibytes(needed + RESERVE_BYTES)}, ", free)


def no_room(folder: Path, what: str, needs: str = "", free: int | None = None) -> ResourceError:
    """Return the error that says the disk of ``folder`` is full."""
    left = shutil.disk_usage(folder).free if free is None else free
    return ResourceError(
        f"No space left for {what}: {needs}{mebibytes(left)} free in {folder}",
        hint="Delete something, or set SYSDESIGN_HOME to a disk with more room.",
    )


def mebibytes(count: int) -> str:
    """Return a size for people, e.g. ``312 MiB``."""
    return f"{count / 2**20:.0f} MiB"


def copy_tree(
    source: Path,
    target: Path,
    on_bytes: Callable[[int], None] | None = None,
    *,
    owner: Owner | None = None,
) -> None:
    """Copy ``source`` to the new folder ``target``, for ``owner`` (None: the caller) alone.

    Whosever the source is, and whoever may read it: folders of the copy are 0700, files 0600; links
    stay links. ``on_bytes`` hears how many bytes are copied so far. A copy that fails leaves
    nothing.

    Raises:
        ResourceError: the disk is full.
    """
    try:
        _Copy(on_bytes, owner).tree(os.fspath(source), os.fspath(target))
    except OSError as error:
        shutil.rmtree(target, ignore_errors=True)
        if error.errno in _NO_ROOM:
            raise no_room(target.parent, f"a copy of {source.name}") from error
        raise


class _Copy:
    """One copy under way. Plain strings and descriptors: there are a thousand small files."""

    def __init__(self, on_bytes: Callable[[int], None] | None, owner: Owner | None) -> None:
        self.on_bytes = on_bytes
        self.owner = owner
        self.copied = 0
        self.may_clone = True

    def tree(self, source: str, target: str) -> None:
        os.mkdir(target, 0o700)  # noqa: PTH102
        with os.scandir(source) as entries:
            for entry in entries:
                other = f"{target}/{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    self.tree(entry.path, other)
                elif entry.is_symlink():
                    os.symlink(os.readlink(entry.path), other)  # noqa: PTH115, PTH211
                elif entry.is_file(follow_symlinks=False):
                    self.file(entry.path, other)
        if self.owner:
            os.chown(target, self.owner.uid, self.owner.gid)
        if self.on_bytes:
            self.on_bytes(self.copied)

    def file(self, source: str, target: str) -> None:
        reading = os.open(source, os.O_RDONLY)
        try:
            size = os.fstat(reading).st_size
            writing = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                if size and not self.clone(reading, writing):
                    _copy_bytes(reading, writing, size)
                if self.owner:
                    os.fchown(writing, self.owner.uid, self.owner.gid)
            finally:
                os.close(writing)
            self.copied += size
        finally:
            os.close(reading)

    def clone(self, reading: int, writing: int) -> bool:
        if self.may_clone:
            try:
                fcntl.ioctl(writing, _FICLONE, reading)
            except OSError:
                self.may_clone = False  # not this file system; do not ask a thousand times
        return self.may_clone


def _copy_bytes(reading: int, writing: int, size: int) -> None:
    left = size
    if hasattr(os, "copy_file_range"):
        try:
            while left and (count := os.copy_file_range(reading, writing, left)):
                left -= count
        except OSError as error:
            if error.errno in _NO_ROOM or left != size:
                raise  # other errors at the start: this pair of file systems cannot do it
    while left and (data := os.read(reading, min(left, 2**20))):
        left -= os.write(writing, data)

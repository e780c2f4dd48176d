"""Files among an instance's sockets: those take no room, files fill a disk."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MOST_BYTES = 1 << 20
#: PostgreSQL has a small file beside its socket.
_LOCK_BYTES = 4096


def size(folder: Path | str) -> int:
    """Return the bytes of all files below ``folder``."""
    total = 0
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_file(follow_symlinks=False):
                total += entry.stat(follow_symlinks=False).st_size
            elif entry.is_dir(follow_symlinks=False):
                total += size(entry.path)
    return total


def remove(folder: Path) -> None:
    """Remove all files below ``folder`` but small ones; sockets stay."""
    for root, _, files in os.walk(folder):
        for name in files:
            path = os.path.join(root, name)  # noqa: PTH118 (as os.walk gives it)
            with contextlib.suppress(OSError):
                found = os.lstat(path)
                if stat.S_ISREG(found.st_mode) and found.st_size > _LOCK_BYTES:
                    os.unlink(path)  # noqa: PTH108

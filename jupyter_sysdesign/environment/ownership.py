"""Which program owns an instance right now: a file lock that ends with the program."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_NAME = "lock"


class Ownership:
    """Held for as long as this program runs the instance; not inherited by children."""

    def __init__(self, file: int) -> None:
        self._file = file

    @classmethod
    def take(cls, folder: Path) -> Ownership | None:
        """Become the owner of the instance in ``folder``, or return None if another program is.

        Raises:
            OSError: the folder cannot be written to.
        """
        file = os.open(folder / _NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return None
        return cls(file)

    def release(self) -> None:
        """Stop being the owner."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

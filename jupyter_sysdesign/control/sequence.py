"""Event numbers that go on after the control plane was killed.

A number must never be given twice: a reader that resumes with its last ``seq`` would otherwise miss
events without being told. Blocks of numbers are reserved on disk; after a kill the rest of a block
is lost, which readers see as a gap. Where nothing can be written, as on a full disk, numbers are
given all the same: what happened is told, and what has to be stopped can be.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

_BLOCK = 10_000


class Sequence:
    """Rising numbers from 1.

    Args:
        file: where the reservation is kept; it appears with the first number. None: in memory only.
        after: a number given by a former one, whose file is gone.
    """

    def __init__(self, file: Path | None, after: int = 0) -> None:
        self._file = file
        self.last = max(_read(file), after)
        self._reserved = self.last
        self._failing = False

    def next(self) -> int:
        """Return the next number."""
        self.last += 1
        if self.last > self._reserved:
            self._reserve(self.last + _BLOCK)
        return self.last

    def save(self) -> None:
        """Give back what is reserved and unused (a clean stop leaves no gap)."""
        if self.last < self._reserved:
            self._reserve(self.last)

    def _reserve(self, upto: int) -> None:
        """Write the reservation down; one that cannot be is tried again with the next number."""
        try:
            self._write(upto)
        except OSError as error:
            if not self._failing:  # said once, not with each event
                log.warning("event numbers are not kept: %s", error)
            self._failing = True
        else:
            self._reserved = upto
            self._failing = False

    def _write(self, upto: int) -> None:
        if self._file is None or not self._file.parent.is_dir():
            return  # the instance was removed: nobody can resume over it
        temporary = self._file.with_suffix(".new")
        temporary.write_text(str(upto))
        temporary.replace(self._file)


def _read(file: Path | None) -> int:
    try:
        return int(file.read_text()) if file is not None else 0
    except (FileNotFoundError, ValueError):
        return 0

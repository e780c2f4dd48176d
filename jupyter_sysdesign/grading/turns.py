"""Turns at measuring: so that what is timed finds a quiet machine.

Of all timed checks of a user on a machine, those in the boxes of jobs included, as many are made at
a time as it has pairs of cores: one of a pair is for the system, the other one for its load.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_sysdesign import paths
from jupyter_sysdesign.errors import ResourceError
from jupyter_sysdesign.grading.machine import room

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Names the folder of ``places`` where it is somebody else's: in a job's box.
VARIABLE = "SYSDESIGN_TURNS"
#: So long a verdict waits, over all of its checks; then it measures beside the others.
PATIENCE_S = 300.0
_POLL_S = 0.1


def places() -> Path:
    """Return the folder with one file for each who may measure at the same time.

    Whoever measures holds one of them; it is enough to be able to read it.

    Raises:
        ResourceError: there is no room for it.
    """
    if named := os.environ.get(VARIABLE):
        return Path(named)
    folder = paths.turns() / "measuring"  # nobody else gets as far as that by the path
    try:
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
        for number in range(room()):
            place = folder / str(number)
            place.touch()
            place.chmod(0o644)
    except OSError as error:
        raise ResourceError(f"{folder} cannot be used: {error.strerror}") from error
    return folder


class Turns:
    """The turns that one verdict takes.

    A turn ends with the process that has it, whatever ends that: the kernel sees to it. Where
    there is no folder to share with others, nobody waits.
    """

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s

    @contextlib.contextmanager
    def taken(self, waits: Callable[[], None]) -> Iterator[None]:
        """Measure in the block, undisturbed; ``waits`` is called if there is no room just now."""
        with contextlib.ExitStack() as held:
            free = _opened(held)
            if free and not _taken(free):
                waits()
                self._wait(free)
            yield

    def _wait(self, free: list[int]) -> None:
        began = time.monotonic()
        until = began + self._patience_s
        while time.monotonic() < until and not _taken(free):
            time.sleep(_POLL_S)
        self._patience_s -= time.monotonic() - began


def _opened(held: contextlib.ExitStack) -> list[int]:
    """Open all places, to be closed with ``held``."""
    opened = []
    with contextlib.suppress(OSError, ResourceError):
        for place in sorted(places().iterdir()):
            opened.append(os.open(place, os.O_RDONLY | os.O_CLOEXEC))
            held.callback(os.close, opened[-1])
    return opened


def _taken(places: list[int]) -> bool:
    """Take one of them if one is free; nobody holds two."""
    for place in places:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    return False

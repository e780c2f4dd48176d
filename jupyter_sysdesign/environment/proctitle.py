"""What others see of a forked process: its command line, and the environment it is known by.

``/proc/<pid>/cmdline`` and ``environ`` show the memory the kernel filled when the program began. A
fork still shows its parent's; what it is now is written over that, as setproctitle(3) does it.
"""

from __future__ import annotations

import ctypes
import os
from typing import TYPE_CHECKING

from jupyter_sysdesign.environment.proctree import LINUX, memory_areas

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: An argument and a variable that a program which will be written over is started with.
ROOM = ("-" * 1024, {"_": "-" * 8192})

#: Whatever stands here, if it is not zero, tells the kernel that the title ends at its first zero.
_REWRITTEN = b"."


def become(argv: Sequence[str], env: Mapping[str, str]) -> None:
    """Have this environment from now on, and be seen with it and with this command line."""
    os.environ.clear()  # libc no longer points to what is written over
    os.environ.update(env)
    if not LINUX:
        return
    title, environment = memory_areas()
    shown = " ".join(argv).encode()[: max(len(title) - 2, 0)]
    _write(title, shown.ljust(len(title) - 1, b"\0") + _REWRITTEN)
    entries = b"".join(os.fsencode(f"{name}={value}") + b"\0" for name, value in env.items())
    _write(environment, entries[: len(environment)].ljust(len(environment), b"\0"))


def _write(area: range, text: bytes) -> None:
    if area:
        ctypes.memmove(area.start, text, len(area))

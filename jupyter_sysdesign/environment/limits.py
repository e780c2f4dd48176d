"""What is set in a child between fork and exec: death with its parent, and limits of the OS.

The order matters: the kernel clears the parent-death signal when credentials change, and
``subprocess`` calls ``preexec_fn`` after setuid (``child_exec`` in CPython's _posixsubprocess.c).
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from typing import TYPE_CHECKING

from jupyter_sysdesign.environment.proctree import LINUX

if TYPE_CHECKING:
    from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36

#: The supervisor ends a tree that holds more than its limit; this is the kernel's stop for one
#: process that grows faster than it looks. Thread stacks count as data though hardly any of it is
#: ever touched, hence the margin.
_DATA_FACTOR = 2
_DATA_MARGIN_BYTES = 1 << 30

_libc = ctypes.CDLL(None, use_errno=True) if LINUX else None


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent dies (Linux)."""
    if _libc is not None:
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with_parent(parent: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Get ``number`` when the thread that forked us ends; at once if it is gone already."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), number)


def in_child(*, memory_bytes: int | None, file_bytes: int | None) -> Callable[[], None]:
    """Return what the child runs just before exec."""
    parent = os.getpid()

    def apply() -> None:
        _lower(resource.RLIMIT_CORE, 0)
        if file_bytes is not None:
            _lower(resource.RLIMIT_FSIZE, file_bytes)
        if memory_bytes is not None and LINUX:
            _lower(resource.RLIMIT_DATA, memory_bytes * _DATA_FACTOR + _DATA_MARGIN_BYTES)
        die_with_parent(parent)

    return apply


def _lower(which: int, value: int) -> None:
    hard = resource.getrlimit(which)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (value, value))

"""What a judged server may not do to the process it runs in.

This keeps mistakes from hurting: a loop without end, a fork, a flood of memory, a file deleted. It
does not stop somebody who wants to get out; a grader that does not trust its learners runs the
judge inside its own isolation.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PR_SET_PDEATHSIG = 1

#: Audit events (https://docs.python.org/3/library/audit_events.html) that end in a refusal.
_FORBIDDEN = {
    "os.fork": "start processes",
    "os.forkpty": "start processes",
    "os.exec": "start programs",
    "os.posix_spawn": "start programs",
    "os.spawn": "start programs",
    "os.system": "start programs",
    "subprocess.Popen": "start programs",
    "pty.spawn": "start programs",
    "_thread.start_new_thread": "start threads",
    "_thread.start_joinable_thread": "start threads",
    "os.kill": "signal processes",
    "os.killpg": "signal processes",
    "signal.pthread_kill": "signal threads",
    "socket.__new__": "open sockets",
    "socket.connect": "open sockets",
    "socket.bind": "open sockets",
    "os.remove": "delete files",
    "os.rmdir": "delete files",
    "os.rename": "rename files",
    "os.mkdir": "make files",
    "os.link": "make files",
    "os.symlink": "make files",
    "os.truncate": "change files",
    "os.chmod": "change files",
    "os.chown": "change files",
    "os.utime": "change files",
    "os.putenv": "change the environment",
    "resource.setrlimit": "change its limits",
    "ctypes.dlopen": "load libraries",
    "ctypes.dlsym": "load libraries",
    "sys.addaudithook": "watch the interpreter",
    "gc.get_objects": "look at other servers",
    "gc.get_referrers": "look at other servers",
}


class OutOfTime(BaseException):
    """A run used more CPU time than it may.

    No ``Exception``, so that a server's ``except Exception`` does not keep it running.
    """


def follow_parent(parent: int) -> None:
    """End with the parent process, however it ends (Linux; elsewhere its pipe tells)."""
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def ready_to_follow() -> None:
    """Load what ``follow_parent`` needs, for processes that are forked from this one."""
    if sys.platform == "linux":
        _libc()


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def bound(memory_bytes: int) -> None:
    """Limit this process, and those forked from it, for good: memory, and nothing in files."""
    bound_memory(memory_bytes)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)


def bound_memory(memory_bytes: int) -> None:
    """Limit what this process takes from now on; one that it starts may limit itself anew."""
    _limit(resource.RLIMIT_AS, _address_space() + memory_bytes)


def confine() -> None:
    """Take from this process for good what could hurt others: processes, files, signals."""
    if os.getuid() != 0:
        _limit(resource.RLIMIT_NPROC, 0)
    sys.addaudithook(_refuse)


def keep_to_core(number: int) -> None:
    """Have this process, and those it starts, run on one of the cores that it may use (Linux)."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        with contextlib.suppress(OSError):  # who may not choose goes on without
            os.sched_setaffinity(0, {cores[number % len(cores)]})


def _limit(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, hard))


def _address_space() -> int:
    try:
        statm = Path("/proc/self/statm").read_text(encoding="ascii")
        return int(statm.split()[0]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """Raise for what a server has no business to do."""
    if event in _FORBIDDEN:
        raise PermissionError(f"a server may not {_FORBIDDEN[event]} ({event})")
    if event == "open" and len(arguments) > 2 and arguments[2] & _WRITES:  # noqa: PLR2004
        raise PermissionError(f"a server may not write files ({arguments[0]})")


class Stopwatch:
    """Raises ``OutOfTime`` in the middle of whatever runs, after so much CPU time."""

    def __init__(self) -> None:
        signal.signal(signal.SIGVTALRM, _ring)

    def start(self, seconds: float) -> None:
        """Start it; it rings again and again, for those who do not listen."""
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds, 0.5)

    def stop(self) -> None:
        """Stop it."""
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _ring(_signal: int, frame: FrameType | None) -> None:
    where = ""
    if frame is not None:
        file = frame.f_code.co_filename.rsplit("/", 1)[-1]
        where = f" in {frame.f_code.co_name}, line {frame.f_lineno} of {file}"
    raise OutOfTime(f"it was still running{where}")

"""A Python program in a fork: everything a new interpreter would have set up, then the program.

What differs from a new process: ``hash()`` of texts has the seed of all forks of one fork server,
and ``sys.flags`` and ``sys.orig_argv`` are the fork server's.
"""

from __future__ import annotations

import contextlib
import os
import runpy
import signal
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

from jupyter_sysdesign.environment import proctitle

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

#: What the supervisor catches; held back until the fork has let go of its handlers.
CAUGHT = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Forked(BaseException):
    """The way out of the supervisor's frames for a fork; ``fork_server`` catches it."""

    def __init__(self, program: Program) -> None:
        super().__init__()
        self.program = program


class Program(NamedTuple):
    """What runs in the fork.

    Attributes:
        words: ``-m module …`` or ``file …``.
        argv: the command line it would have as a process of its own.
        env: the whole environment.
        cwd: working directory.
        output: descriptor for what it prints.
        listen: descriptor of a listening socket that it inherits, or None.
        limit: sets limits of the OS and death with the parent.
    """

    words: Sequence[str]
    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: str
    output: int
    listen: int | None
    limit: Callable[[], None]

    def run(self) -> None:
        """Become the program; its end is the end of this interpreter."""
        os.setsid()
        self.limit()
        self._take_files()
        signal.set_wakeup_fd(-1)
        for number in CAUGHT:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, CAUGHT)
        proctitle.become(self.argv, self.env)
        time.tzset()
        os.chdir(self.cwd)
        sys.path[:0] = [folder for folder in self.env.get("PYTHONPATH", "").split(":") if folder]
        sys.excepthook = _show
        if self.words[0] == "-m":
            sys.argv = list(self.words[1:])
            runpy.run_module(self.words[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = list(self.words)
            runpy.run_path(self.words[0], run_name="__main__")

    def _take_files(self) -> None:
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(self.output, 1)
        os.dup2(self.output, 2)
        for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 (no Path needed)
            if int(name) > 2 and int(name) != self.listen:  # noqa: PLR2004 (stdin, stdout, stderr)
                with contextlib.suppress(OSError):
                    os.close(int(name))


def _show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print a traceback from the program's own first line on, as a process of its own would."""
    begins = runpy.run_path.__code__.co_filename
    own = trace
    while own is not None and own.tb_frame.f_code.co_filename != begins:
        own = own.tb_next
    sys.__excepthook__(kind, error.with_traceback(own or trace), None)

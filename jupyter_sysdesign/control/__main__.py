"""``python -m jupyter_sysdesign.control [--detach]``: run the control plane."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from jupyter_sysdesign.control.detach import detach
from jupyter_sysdesign.environment import proctitle
from jupyter_sysdesign.environment.proctree import LINUX
from jupyter_sysdesign.environment.program import Forked
from jupyter_sysdesign.environment.runtimes import forking
from jupyter_sysdesign.errors import SysdesignError
from jupyter_sysdesign.interpreter import module_command

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.environment.program import Program

USAGE = "usage: python -m jupyter_sysdesign.control [--detach]\n"


def main(arguments: list[str]) -> int:
    """Return the exit code: 0 after a clean end, 1 when it could not run, 2 for wrong use.

    A process that is forked from this one later leaves by here as well, to run its program.
    """
    if arguments in (["--detach"], ["--detach", proctitle.ROOM[0]]):
        program = _detach()
        if isinstance(program, int):
            return program
        program.run()
        return 0
    if arguments:
        sys.stderr.write(USAGE)
        return 2
    try:
        _serve(lambda: None)
    except SysdesignError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _detach() -> int | Program:
    env = {name: value for name, value in os.environ.items() if name not in proctitle.ROOM[1]}
    proctitle.become([*module_command("jupyter_sysdesign.control"), "--detach"], env)
    try:
        return detach(_begin)
    except Forked as forked:
        return forked.program


def _begin(ready: Callable[[], None]) -> None:
    # Without room for other titles, as by hand, forks would not be known for what they are.
    if LINUX and sys.argv[-1] == proctitle.ROOM[0]:
        forking.begin()
    _serve(ready)


def _serve(ready: Callable[[], None]) -> None:
    from jupyter_sysdesign.control import daemon  # noqa: PLC0415 (in the daemon's process only)

    daemon.serve(ready)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Makes a daemon of this process, and stays beside it to clear away after a kill.

Imports little: of the three processes here, two are only waiting.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

from jupyter_sysdesign import paths
from jupyter_sysdesign.control import presence
from jupyter_sysdesign.environment.program import Forked

if TYPE_CHECKING:
    from collections.abc import Callable

_READY = "ready"


def detach(run: Callable[[Callable[[], None]], None]) -> int:
    """Run ``run(ready)`` in a process of its own; return in this one, 0 once it is ready.

    The starter's child ends here, so that the daemon is nobody's child: it is neither ended with
    its starter nor left to it as a zombie. What goes wrong before it is ready is printed here.
    """
    reading, writing = os.pipe()
    if os.fork():
        os.close(writing)
        with os.fdopen(reading) as pipe:
            said = pipe.read()
        if said == _READY:
            return 0
        sys.stderr.write(said or "it ended before it was ready\n")
        return 1
    os.close(reading)
    os.setsid()
    _leave_the_terminal()
    daemon = os.fork()
    if not daemon:
        return _run(run, writing)
    os.close(writing)
    return _stand_by(daemon)


def _stand_by(daemon: int) -> NoReturn:
    """Wait for the daemon's end; it clears up after itself unless it was killed."""
    for told in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(told, signal.SIG_IGN)
    try:
        _, status = os.waitpid(daemon, 0)
        if status:
            presence.tidy()
    finally:
        os._exit(0)


def _run(run: Callable[[Callable[[], None]], None], writing: int) -> NoReturn:
    status = 1
    said = False

    def say(what: str) -> None:
        nonlocal said
        if not said:
            said = True
            os.write(writing, what.encode())
            os.close(writing)

    try:
        run(lambda: say(_READY))
        status = 0
    except Forked:  # this is another process by now
        raise
    except BaseException as error:  # noqa: BLE001 (told to the starter, then the process ends)
        say(repr(error) if isinstance(error, SystemExit) else str(error))
        _log(error)
    os._exit(status)


def _log(error: BaseException) -> None:
    import logging  # noqa: PLC0415 (only here: the waiting processes do without)

    logging.getLogger(__name__).critical("the control plane died", exc_info=error)
    logging.shutdown()


def _leave_the_terminal() -> None:
    """What C code or a dying interpreter prints goes to a file."""
    trace = os.open(paths.home() / "control.err", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(trace, 1)
    os.dup2(trace, 2)
    os.close(null)
    os.close(trace)

"""The parent of a supervisor: does nothing but see to it that nothing survives the supervisor.

A fork of the fork server, which forks at once; its child becomes the supervisor. If that is
killed, its services die with it (parent-death signal), and whatever is left of them, such as frozen
database processes, is re-parented here (child subreaper) and killed. Then sockets and ledger go;
the folder of a temporary instance goes too if its owner is gone.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import time
from pathlib import Path

from jupyter_sysdesign.environment import ledger, proctitle, removal, supervisor
from jupyter_sysdesign.environment.limits import adopt_orphans, die_with_parent
from jupyter_sysdesign.environment.process import open_pidfd
from jupyter_sysdesign.environment.proctree import LINUX, children

#: How long a supervisor may take to end after its owner died, before it is killed as well.
_PATIENCE_S = 10.0


def main(instance: str, folder: str, sockets: str, *, keep: bool) -> None:
    """Fork the supervisor, wait for its end, leave nothing; keep the folder, or all but that.

    Raises:
        Forked: this process is a service now.
    """
    adopt_orphans()
    guard = os.getpid()
    child = os.fork()
    if child == 0:
        die_with_parent(guard, signal.SIGTERM)
        proctitle.become(["sysdesign-supervisor", instance], dict(os.environ))
        supervisor.main(instance, folder, sockets)
        return
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    # The owner sees the end of our stdout when the supervisor ends, not when we do.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    _wait(child)
    _end_all(folder)
    _remove(folder, sockets, everything=not keep and _owner_is_gone())


def _wait(child: int) -> None:
    """Return when the supervisor has ended, by itself or by us if it does not outlive its owner."""
    ended = open_pidfd(child) if LINUX else None
    if ended is not None:
        poll = select.poll()
        poll.register(ended, select.POLLIN)
        poll.register(0, 0)  # hang-up is always told
        if all(file != ended for file, _ in poll.poll()):
            poll.unregister(0)
            os.kill(child, signal.SIGCONT)
            if not poll.poll(_PATIENCE_S * 1000):
                os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def _owner_is_gone() -> bool:
    poll = select.poll()
    poll.register(0, 0)
    return bool(poll.poll(0))


def _end_all(folder: str) -> None:
    if not LINUX:
        _end_by_ledger(folder)
    while orphans := children(os.getpid()) if LINUX else []:
        for pid in orphans:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.001)


def _end_by_ledger(folder: str) -> None:
    """Kill the sessions of services that a killed supervisor left, where nothing comes to us."""
    noted = ledger.Ledger.read(Path(folder))
    for entry in noted.services.values() if noted else ():
        if entry.alive():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(entry.pid, signal.SIGKILL)


def _remove(folder: str, sockets: str, *, everything: bool) -> None:
    shutil.rmtree(sockets, ignore_errors=True)
    if everything:
        removal.remove(Path(folder))
    else:
        ledger.remove(Path(folder))

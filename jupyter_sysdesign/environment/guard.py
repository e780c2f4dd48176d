"""The parent of a supervisor: does nothing but see to it that nothing survives the supervisor.

Run as ``python -c <boot> <root> <instance> <folder> <sockets> <keep|remove>`` by the embedded
runtime. It forks at once, before anything big is imported, and its child becomes the supervisor.
If that is killed, its services die with it (parent-death signal), and whatever is left of them,
such as frozen database processes, is re-parented here (child subreaper) and killed. Then sockets
and ledger go; the folder of a temporary instance goes too if its owner is gone.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time

from jupyter_sysdesign.environment.limits import adopt_orphans, die_with_parent
from jupyter_sysdesign.environment.proctree import LINUX, children

#: How long a supervisor may take to end after its owner died, before it is killed as well.
_PATIENCE_S = 10.0


def main() -> None:
    """Fork the supervisor, wait for its end, leave nothing."""
    _, _, instance, folder, sockets, keep = sys.argv
    adopt_orphans()
    guard = os.getpid()
    supervisor = os.fork()
    if supervisor == 0:
        die_with_parent(guard, signal.SIGTERM)
        from jupyter_sysdesign.environment import supervisor as loop  # noqa: PLC0415 (not in the guard)

        loop.main(instance, folder, sockets)
        return
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(supervisor, signal.SIGTERM))
    # The owner sees the end of our stdout when the supervisor ends, not when we do.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    _wait(supervisor)
    _end_all(folder)
    _remove(folder, sockets, everything=keep == "remove" and _owner_is_gone())


def _wait(supervisor: int) -> None:
    """Return when the supervisor has ended, by itself or by us if it does not outlive its owner."""
    if LINUX and hasattr(os, "pidfd_open"):
        ended = os.pidfd_open(supervisor)
        poll = select.poll()
        poll.register(ended, select.POLLIN)
        poll.register(0, 0)  # hang-up is always told
        if all(file != ended for file, _ in poll.poll()):
            poll.unregister(0)
            os.kill(supervisor, signal.SIGCONT)
            if not poll.poll(_PATIENCE_S * 1000):
                os.kill(supervisor, signal.SIGKILL)
    os.waitpid(supervisor, 0)


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
    from pathlib import Path  # noqa: PLC0415 (the guard stays small while it waits)

    from jupyter_sysdesign.environment.ledger import Ledger  # noqa: PLC0415

    ledger = Ledger.read(Path(folder))
    for entry in ledger.services.values() if ledger else ():
        if entry.alive():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(entry.pid, signal.SIGKILL)


def _remove(folder: str, sockets: str, *, everything: bool) -> None:
    import shutil  # noqa: PLC0415 (only now: the guard stays small while it waits)
    from pathlib import Path  # noqa: PLC0415

    from jupyter_sysdesign.environment import ledger  # noqa: PLC0415

    shutil.rmtree(sockets, ignore_errors=True)
    if everything:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        ledger.remove(Path(folder))


if __name__ == "__main__":
    main()

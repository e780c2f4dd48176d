"""Ends what a crash left running: by ledger, and by the marks every process of ours carries.

A process is ours if its environment names this home and an instance of it, or if it is a daemon
whose folder lies in an instance's data (PostgreSQL and Valkey write over their environment).
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import time
from typing import TYPE_CHECKING

from jupyter_sysdesign import paths
from jupyter_sysdesign.environment import ledger, proctree, removal
from jupyter_sysdesign.environment.ownership import Ownership
from jupyter_sysdesign.environment.runtimes.docker.labels import SOCKET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

#: What an owner notes about an instance.
RECORD = "instance.json"

# Guard and supervisor of a dead owner are ending everything in order already; only then we kill.
_ENDING_S = 5.0
_KILLING_S = 5.0
#: A control plane starts after it.
_REAPING_S = 3.0


def sweep_all() -> int:
    """End everything of this home that no living program owns; return how many were killed."""
    killed = 0
    folders = sorted(folder for folder in paths.instances().iterdir() if folder.is_dir())
    for folder in folders:
        try:
            ownership = Ownership.take(folder)
        except OSError:
            continue
        if ownership is None:
            continue
        killed += sweep_instance(folder)
        if _purpose(folder) == "check":
            removal.remove(folder)
        ownership.release()
    names = {folder.name for folder in folders}
    killed += _kill(lambda: (pid for pid, name in _marked() if name not in names))
    return killed + reap_unknown()


def reap_unknown() -> int:
    """Remove containers that have no folder: of instances, and of jobs that graded."""
    engine, home = os.environ.get("DOCKER_HOST", f"unix://{SOCKET}"), str(paths.home())
    if not os.access(engine.removeprefix("unix://"), os.W_OK):
        return 0
    # Most machines have no engine, and need not load what talks to one.
    from jupyter_sysdesign.environment.runtimes.docker import reaping  # noqa: PLC0415

    removed = 0
    with contextlib.suppress(OSError):  # there is no engine, or it is not ours to use
        found = reaping.instances(engine, home)
        # After that, as a folder is there before its container is.
        folders = [*paths.instances().iterdir(), *paths.checks().iterdir()]
        for instance in found - {folder.name for folder in folders}:
            with contextlib.suppress(TimeoutError):  # another time
                removed += reaping.reap(engine, home, instance, patience_s=_REAPING_S)
                shutil.rmtree(paths.sockets(instance), ignore_errors=True)
    return removed


def sweep_instance(folder: Path) -> int:
    """End everything of one instance, which the caller owns; return how many were killed."""
    noted = ledger.Ledger.read(folder)
    if noted:
        until = time.monotonic() + _ENDING_S
        while any(entry.alive() for entry in noted.keepers) and time.monotonic() < until:
            time.sleep(0.01)

    def left() -> Iterator[int]:
        if noted:
            for entry in noted.living():
                yield from proctree.members(entry.pid)
        yield from (pid for pid, name in _marked() if name == folder.name)

    killed = _kill(left)
    if noted and noted.engine:
        from jupyter_sysdesign.environment.runtimes.docker.reaping import reap  # noqa: PLC0415

        try:
            home = str(paths.home())
            killed += reap(noted.engine, home, folder.name, patience_s=_REAPING_S)
        except OSError:  # it does not run: its containers do not either, and are found again
            return killed
    if noted and noted.sockets:
        shutil.rmtree(noted.sockets, ignore_errors=True)
    ledger.remove(folder)
    return killed


def _kill(left: Callable[[], Iterable[int]]) -> int:
    killed: set[int] = set()
    until = time.monotonic() + _KILLING_S
    while pids := {pid for pid in left() if pid != os.getpid()}:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
        if time.monotonic() > until:
            break
        time.sleep(0.005)
    return len(killed)


def _marked() -> Iterator[tuple[int, str]]:
    """Yield every living process of this home with the instance it belongs to."""
    if not proctree.LINUX:
        return
    home = os.fsencode(paths.home())
    instances = f"{paths.instances()}/"
    for entry in os.listdir("/proc"):  # noqa: PTH208 (half the cost of Path)
        if not entry.isdigit():
            continue
        pid = int(entry)
        variables = proctree.environment(pid)
        instance = variables.get(b"SYSDESIGN_INSTANCE")
        if instance and variables.get(b"SYSDESIGN_HOME") == home:
            if proctree.started(pid) is not None:
                yield pid, os.fsdecode(instance)
            continue
        where = proctree.folder(pid)
        if where.startswith(instances) and not proctree.has_terminal(pid):
            name, _, below = where.removeprefix(instances).partition("/")
            if below.startswith("data/"):
                yield pid, name


def _purpose(folder: Path) -> str:
    try:
        return str(json.loads((folder / RECORD).read_text()).get("purpose", ""))
    except (OSError, ValueError, AttributeError):
        return ""

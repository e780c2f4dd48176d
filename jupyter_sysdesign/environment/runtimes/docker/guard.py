"""Sees to it that no container outlives whoever owns an instance.

A fork of the fork server, like the guard of processes. Its stdin is held by the owner: when that
dies, the end of it is where the guard begins. The owner that ends in good order says so first.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import time
from pathlib import Path

from jupyter_sysdesign import paths
from jupyter_sysdesign.environment import ledger, removal
from jupyter_sysdesign.environment.runtimes.docker.reaping import reap

#: An engine that restarts is waited for.
_PATIENCE_S = 60.0
_AGAIN_S = 0.5

#: What an owner says that ends in good order.
CLOSE = b"close\n"


def main(engine: str, instance: str, folder: str, sockets: str, *, keep: bool) -> None:
    """Wait for the owner's end, then remove containers, sockets and ledger.

    ``keep`` the folder, or remove it too if the owner died.
    """
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(OSError):  # the owner is gone already
        os.write(1, json.dumps({"guard": os.getpid()}).encode() + b"\n")
    said = b""
    while data := os.read(0, 64):
        said = data
        if said == CLOSE:
            break
    removed = _remove(engine, instance)
    shutil.rmtree(sockets, ignore_errors=True)
    if said != CLOSE and not keep:
        removal.remove(Path(folder))
    elif removed:
        ledger.remove(Path(folder))


def _remove(engine: str, instance: str) -> bool:
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            reap(engine, str(paths.home()), instance)
            return True
        time.sleep(_AGAIN_S)
    return False

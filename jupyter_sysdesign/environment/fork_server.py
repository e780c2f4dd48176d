"""The process that guards, and so supervisors and Python services, are forked from.

One per program that owns instances, started or forked by ``runtimes/forking.py``. Having imported
what they need, it forks a guard for each order: a JSON object on the socket that is its stdin,
which comes with three descriptors: the guard's stdin, stdout and stderr. It ends with its owner;
what it forked does not notice. Forks have its memory in common, which is why four Python processes
fit where one did.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import sys
from typing import Any, NoReturn

from jupyter_sysdesign.environment import guard, preload, proctitle
from jupyter_sysdesign.environment.limits import die_with_parent
from jupyter_sysdesign.environment.proctree import LINUX
from jupyter_sysdesign.environment.program import Forked

#: What of its owner's environment it has; what it forks is told its own.
KEPT = ("PATH", "LC_ALL")

_ORDER_BYTES = 1 << 16
_FILES = 3


def main() -> None:
    """Load, then serve, or be what was forked, until that ends."""
    die_with_parent(int(sys.argv[2]))
    if LINUX:  # elsewhere the system's own libraries do not stand a fork without an exec
        preload.load()
    try:
        serve()
    except Forked as forked:
        program = forked.program
    program.run()


def serve() -> NoReturn:
    """Fork a guard for each order that comes in by stdin, until the owner is gone.

    Raises:
        Forked: this process is a service now.
    """
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    proctitle.become(["sysdesign-fork-server"], kept)
    order = _serve()
    if order is not None:
        own = (order["instance"], order["folder"], order["sockets"])
        if "engine" in order:
            # Only who has one loads what talks to it.
            from jupyter_sysdesign.environment.runtimes.docker import (  # noqa: PLC0415
                guard as container_guard,
            )

            container_guard.main(order["engine"], *own, keep=order["keep"])
        else:
            guard.main(*own, keep=order["keep"])
    os._exit(0)  # taking all that was loaded apart is for the program, which may want it


def _serve() -> dict[str, Any] | None:
    """Fork for each order; return it in the fork, and None once the owner is gone."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody here waits for them
    door = socket.socket(fileno=0)
    while True:
        # One message at a time: the kernel does not join those that come with descriptors.
        message, files, _, _ = socket.recv_fds(door, _ORDER_BYTES, _FILES)
        if not message:
            return None
        if os.fork() == 0:
            break
        for file in files:
            os.close(file)
    door.detach()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    gc.enable()
    order: dict[str, Any] = json.loads(message)
    proctitle.become(["sysdesign-guard", order["instance"]], order["env"])
    return order

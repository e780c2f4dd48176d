"""The process that servers are forked from: it has loaded what they may use, and nothing of theirs.

Started by ``Apart``. Its stdin is a socket: first comes what is to be served, then for each server
one message with two descriptors, the server's own line to the world. What a file of the learner's
does when it is read, it does in a server's process, so servers have nothing in common.

Run as ``python -P -s -m jupyter_sysdesign.simulation.apart.host``.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pkgutil
import signal
import socket
import sys
from typing import Any, NoReturn

from jupyter_sysdesign.simulation import limits, protocols
from jupyter_sysdesign.simulation.apart.served import Served
from jupyter_sysdesign.simulation.apart.server import serve
from jupyter_sysdesign.simulation.apart.wire import Line, Wire
from jupyter_sysdesign.simulation.server_file import compiled


def main() -> NoReturn:
    """Load, then fork a server for each line that comes, until nobody is there to ask."""
    door = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nothing, descriptor)
    line = Line(door.fileno(), door.fileno(), owned=False)
    served = Served(*line.hear())
    wire = Wire(served.modules)
    _keep_away(served.given)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody here waits for them
    line.say("ready")
    with contextlib.suppress(Exception):  # what is wrong with it, each server says for itself
        compiled(served.source, served.file)
    limits.bound(served.memory_bytes)
    # What is made ready here need not be made in each of them, on pages that all of them share.
    limits.ready_to_follow()
    watch = limits.Stopwatch()
    gc.collect()
    gc.freeze()
    host = os.getpid()
    while True:
        _, ends, _, _ = socket.recv_fds(door, 1, 2)
        if not ends:
            os._exit(0)
        if os.fork() == 0:
            limits.follow_parent(host)
            door.close()
            try:
                serve(Line(*ends), wire, served, watch)
            finally:
                os._exit(0)
        for each in ends:
            os.close(each)


def _keep_away(given: list[str]) -> None:
    """Put all protocols but these modules out of reach."""
    prefix = f"{protocols.__name__}."
    modules: dict[str, Any] = sys.modules
    for each in pkgutil.walk_packages(protocols.__path__, prefix):
        if not each.ispkg and each.name.removeprefix(prefix) not in given:
            modules[each.name] = None  # an import of it fails


if __name__ == "__main__":
    main()

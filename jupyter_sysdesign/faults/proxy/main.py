"""Run as ``python -c <boot> <root> <control socket>`` by the runtime that runs the services."""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import socket
import sys

from jupyter_sysdesign.faults.proxy.control import Control
from jupyter_sysdesign.faults.proxy.loop import Loop
from jupyter_sysdesign.load.poller import make_poller


def main() -> None:
    """Serve one owner, until it is gone."""
    path = sys.argv[-1]
    os.umask(0o177)  # nobody else may connect to what it listens on
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(path)
        door.listen(1)
        owner, _ = door.accept()
    loop = Loop(make_poller(precise=True))
    Control(loop, owner)
    gc.collect()
    gc.freeze()
    loop.run()


if __name__ == "__main__":
    main()

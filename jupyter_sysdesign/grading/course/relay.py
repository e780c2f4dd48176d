"""Stands for a container: what this process is told, the container is told, and so back.

``python relay.py DESCRIPTOR``: of a connection to a container's stdin, stdout and stderr, which
nobody else holds. When this process ends, however it does, so does the connection, and with it
what runs in the container (``View.held``). It runs as a plain file and uses the standard library
only: one is there for every job.
"""

from __future__ import annotations

import os
import select
import socket
import sys

_CHUNK = 1 << 16
#: Before each piece of output: which of the two it is, three bytes of nothing, how long it is
#: (big-endian). So the engine's API describes it for containers without a terminal.
_HEADER = 8


def main(descriptor: int) -> None:
    """Pass on until either side hangs up."""
    with socket.socket(fileno=descriptor) as container:
        container.settimeout(None)
        poll = select.poll()
        for each in (0, descriptor):
            poll.register(each, select.POLLIN)
        waiting = b""
        while True:
            ready = {each for each, _ in poll.poll()}
            if descriptor in ready:
                data = container.recv(_CHUNK)
                if not data:
                    return
                waiting = _pass_on(waiting + data)
            if 0 in ready:
                data = os.read(0, _CHUNK)
                if not data:
                    return
                container.sendall(data)


def _pass_on(waiting: bytes) -> bytes:
    """Write what is whole; return the rest."""
    while len(waiting) >= _HEADER:
        end = _HEADER + int.from_bytes(waiting[4:_HEADER], "big")
        if len(waiting) < end:
            break
        piece = waiting[_HEADER:end]
        while piece:
            piece = piece[os.write(waiting[0], piece) :]
        waiting = waiting[end:]
    return waiting


if __name__ == "__main__":
    main(int(sys.argv[1]))

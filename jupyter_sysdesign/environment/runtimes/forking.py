"""The owner's side of the fork server: starts it when it is needed, and again if it was killed."""

from __future__ import annotations

import atexit
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jupyter_sysdesign
from jupyter_sysdesign.environment.proctitle import ENVIRONMENT_BYTES, TITLE_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    class HasFile(Protocol):
        """Anything with a descriptor."""

        def fileno(self) -> int:
            """Return it."""


_BOOT = (
    "import sys; sys.path.append(sys.argv[1]); "
    "from jupyter_sysdesign.environment.fork_server import main; main()"
)
_ROOT = str(Path(jupyter_sysdesign.__file__).parent.parent)


class _ForkServer:
    """The process and the socket to it; the end of the socket is the end of the process."""

    def __init__(self) -> None:
        self.door, theirs = socket.socketpair()
        argv = [sys.executable, "-I", "-u", "-B", "-c", _BOOT, _ROOT, str(os.getpid())]
        kept = {name: os.environ[name] for name in ("PATH",) if name in os.environ}
        with theirs:
            self._process = subprocess.Popen(
                [*argv, "-" * TITLE_BYTES],
                env={**kept, "LC_ALL": "C.UTF-8", "_": "-" * ENVIRONMENT_BYTES},
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
            )
        self.pid = self._process.pid

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def end(self) -> None:
        self.door.close()
        self._process.kill()
        self._process.wait()


_server: _ForkServer | None = None


def prepare() -> int:
    """Have a fork server that has loaded, or is loading; return its process id.

    It ends with the thread that called this first.
    """
    global _server  # noqa: PLW0603 (there is one per process)
    if _server is not None and _server.ended:
        discard()
    if _server is None:
        _server = _ForkServer()
        atexit.register(discard)
    return _server.pid


def discard() -> None:
    """End the fork server, if there is one; what it forked stays."""
    global _server  # noqa: PLW0603 (as above)
    if _server is not None:
        _server.end()
        _server = None


def fork(order: Mapping[str, Any], stdin: HasFile, stdout: HasFile, stderr: HasFile) -> None:
    """Have a guard forked, as soon as the fork server has loaded.

    It is not answered: the guard's own output is the answer, or the end of that.

    Raises:
        OSError: there can be no fork server.
    """
    files = [each.fileno() for each in (stdin, stdout, stderr)]
    message = json.dumps(order).encode()
    prepare()
    try:
        _send(message, files)
    except (BrokenPipeError, ConnectionResetError):  # it was killed just now
        discard()
        prepare()
        _send(message, files)


def _send(message: bytes, files: list[int]) -> None:
    assert _server is not None  # noqa: S101 (prepared by the caller)
    socket.send_fds(_server.door, [message], files)

"""The owner's side of the fork server: starts it when it is needed, and again if it was killed.

An owner that has just begun forks it of itself, and so has the libraries in common with it.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import jupyter_sysdesign
from jupyter_sysdesign.environment import fork_server, preload, proctitle
from jupyter_sysdesign.environment.fork_server import KEPT
from jupyter_sysdesign.environment.limits import die_with_parent

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

    def __init__(self, pid: int, door: socket.socket) -> None:
        self.pid = pid
        self.door = door
        self._reaped = False

    @property
    def ended(self) -> bool:
        return self._reap(os.WNOHANG)

    def end(self) -> None:
        self.door.close()
        if not self.ended:
            os.kill(self.pid, signal.SIGKILL)
            self._reap(0)

    def _reap(self, how: int) -> bool:
        if not self._reaped:
            self._reaped = os.waitpid(self.pid, how)[0] == self.pid
        return self._reaped


_server: _ForkServer | None = None


def prepare() -> int:
    """Have a fork server that has loaded, or is loading; return its process id.

    It ends with the thread that called this first.
    """
    global _server  # noqa: PLW0603 (there is one per process)
    if _server is not None and _server.ended:
        discard()
    if _server is None:
        _server = _start()
        atexit.register(discard)
    return _server.pid


def begin() -> None:
    """Load what the fork server does, then fork it: as ``prepare``, with memory in common.

    For a process that has one thread and nothing open yet, and was started with ``proctitle.ROOM``.

    Raises:
        Forked: this process is a service now.
    """
    global _server  # noqa: PLW0603 (there is one per process)
    preload.load()
    owner = os.getpid()
    door, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        die_with_parent(owner)
        _become_fork_server(theirs)
    theirs.close()
    gc.enable()
    _server = _ForkServer(pid, door)
    atexit.register(discard)


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


def _start() -> _ForkServer:
    door, theirs = socket.socketpair()
    argv = [sys.executable, "-I", "-u", "-B", "-c", _BOOT, _ROOT, str(os.getpid())]
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    title, environment = proctitle.ROOM
    with theirs:
        process = subprocess.Popen(
            [*argv, title],
            env={**kept, "LC_ALL": "C.UTF-8", **environment},
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
    process.returncode = 0  # it is waited for by its id, as one that was forked
    return _ForkServer(process.pid, door)


def _become_fork_server(door: socket.socket) -> NoReturn:
    os.setsid()
    os.chdir("/")
    sys.dont_write_bytecode = True
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(door.fileno(), 0)
    os.dup2(null, 1)
    door.detach()
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 (no Path needed)
        if int(name) > 2:  # noqa: PLR2004 (stdin, stdout, stderr)
            with contextlib.suppress(OSError):
                os.close(int(name))
    fork_server.serve()


def _send(message: bytes, files: list[int]) -> None:
    assert _server is not None  # noqa: S101 (prepared by the caller)
    socket.send_fds(_server.door, [message], files)

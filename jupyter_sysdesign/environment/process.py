"""One spawned service in the supervisor: its process, its output, how it ends."""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import subprocess
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.environment import ports
from jupyter_sysdesign.environment.limits import in_child
from jupyter_sysdesign.environment.logs import Output
from jupyter_sysdesign.environment.proctree import LINUX

if TYPE_CHECKING:
    from pathlib import Path

_READ_BYTES = 1 << 16


class Process:
    """A running service.

    Args:
        order: what the owner wants, the fields of ``Launch`` as JSON.
        log: file for what it prints.
        marks: environment that names the instance, added to the service's own.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self, order: dict[str, Any], log: Path, marks: dict[str, str]) -> None:
        self.name: str = order["name"]
        self.stop_signal = signal.Signals(order["stop_signal"])
        self.stop_timeout_s: float = order["stop_timeout_s"]
        self.memory_bytes: int | None = order["memory_bytes"]
        self.output = Output(log, order["redact"])
        self.told_to_stop = False
        self.kill_at: float | None = None
        self.reason = ""
        listener = ports.listening(order["listen"]) if order["listen"] else None
        try:
            self._popen = _spawn(order, marks, listener.fileno() if listener else None)
        finally:
            if listener:
                listener.close()
        assert self._popen.stdout is not None  # noqa: S101 (asked for as a pipe)
        self.pid = self._popen.pid
        self.pipe = self._popen.stdout.fileno()
        os.set_blocking(self.pipe, False)
        self.pidfd = _open_pidfd(self.pid)

    def read(self) -> bytes | None:
        """Return what it printed since the last call (at most 64 KiB), None once all is closed."""
        try:
            return os.read(self.pipe, _READ_BYTES) or None
        except BlockingIOError:
            return b""
        except OSError:
            return None

    def ended(self) -> int | None:
        """Return the exit code (negative: the signal), None while it runs.

        Kills what is left of its session, and reaps it.
        """
        if LINUX and not os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return None
        # Before it is reaped nobody else can have its pid, hence its group's number.
        if LINUX:
            self._kill_group()
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid == 0:
            return None
        if not LINUX:
            self._kill_group()
        # Popen would wait for the pid again, which may be somebody else's by then.
        self._popen.returncode = os.waitstatus_to_exitcode(status)
        return self._popen.returncode

    def signal(self, number: int) -> None:
        """Send a signal to the main process."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def close(self) -> None:
        """Close everything that is open for it."""
        if self._popen.stdout is not None:
            self._popen.stdout.close()
        if self.pidfd is not None:
            os.close(self.pidfd)
        self.output.close()

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)


def _spawn(
    order: dict[str, Any], marks: dict[str, str], listen_fd: int | None
) -> subprocess.Popen[bytes]:
    argv, env = list(order["argv"]), dict(order["env"])
    if listen_fd is not None:
        argv = [each.replace("{listen_fd}", str(listen_fd)) for each in argv]
        env = {name: value.replace("{listen_fd}", str(listen_fd)) for name, value in env.items()}
    user: dict[str, Any] = {}
    if order["user"] is not None:
        group = _group(order["user"])
        # An empty list of groups does not drop the caller's in some Python releases.
        user = {"user": order["user"], "group": group, "extra_groups": [group]}
    return subprocess.Popen(
        argv,
        env={**env, **marks},
        cwd=order["cwd"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
        start_new_session=True,
        pass_fds=() if listen_fd is None else (listen_fd,),
        # Safe here: the supervisor has one thread.
        preexec_fn=in_child(  # noqa: PLW1509
            memory_bytes=order["memory_bytes"], file_bytes=order["file_bytes"]
        ),
        **user,
    )


def _group(user: int) -> int:
    try:
        return pwd.getpwuid(user).pw_gid
    except KeyError:
        return user


def _open_pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):  # not Linux, or a kernel before 5.3: the loop asks instead
        return None

"""One spawned service in the supervisor: its process, its output, how it ends."""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import subprocess
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.environment import ports, preload
from jupyter_sysdesign.environment.limits import in_child
from jupyter_sysdesign.environment.logs import Output
from jupyter_sysdesign.environment.proctree import LINUX
from jupyter_sysdesign.environment.program import CAUGHT, Forked, Program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
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
        Forked: this process is the service.
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
        self.pipe, output = os.pipe()
        try:
            self.pid = _spawn(order, marks, output, listener.fileno() if listener else None)
        except (OSError, ValueError, subprocess.SubprocessError):
            os.close(self.pipe)
            raise
        finally:
            os.close(output)
            if listener:
                listener.close()
        os.set_blocking(self.pipe, False)
        self.pidfd = open_pidfd(self.pid)

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
        return os.waitstatus_to_exitcode(status)

    def signal(self, number: int) -> None:
        """Send a signal to the main process."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def close(self) -> None:
        """Close everything that is open for it."""
        os.close(self.pipe)
        if self.pidfd is not None:
            os.close(self.pidfd)
        self.output.close()

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)


def _spawn(order: dict[str, Any], marks: dict[str, str], output: int, listen: int | None) -> int:
    # The marks come first: what others can see of a fork's environment is limited.
    env = {**marks, **order["env"], **marks}
    if order["python"] and order["user"] is None and preload.suits(order["cwd"]):
        return _fork(order, env, output, listen)
    argv = _filled(order["argv"], listen)
    user: dict[str, Any] = {}
    if order["user"] is not None:
        group = _group(order["user"])
        # An empty list of groups does not drop the caller's in some Python releases.
        user = {"user": order["user"], "group": group, "extra_groups": [group]}
    process = subprocess.Popen(
        argv,
        env=dict(zip(env, _filled(env.values(), listen), strict=True)),
        cwd=order["cwd"],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        pass_fds=() if listen is None else (listen,),
        # Safe here: the supervisor has one thread.
        preexec_fn=_limit(order),  # noqa: PLW1509
        **user,
    )
    # Popen would wait for the pid as well, which may be somebody else's by then.
    process.returncode = 0
    return process.pid


def _fork(order: dict[str, Any], env: dict[str, str], output: int, listen: int | None) -> int:
    """Run a Python program in a fork of this process, which has loaded what it needs."""
    limit = _limit(order)
    # A signal that comes before the fork has handlers of its own waits until it has.
    signal.pthread_sigmask(signal.SIG_BLOCK, CAUGHT)
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, CAUGHT)
        return pid
    try:  # on its way out the fork closes what the supervisor has open here
        output = os.dup(output)
        listen = None if listen is None else os.dup(listen)
        program = Program(
            words=_filled(order["python"], listen),
            argv=_filled(order["argv"], listen),
            env=dict(zip(env, _filled(env.values(), listen), strict=True)),
            cwd=order["cwd"],
            output=output,
            listen=listen,
            limit=limit,
        )
    except BaseException:  # noqa: BLE001 (nothing may make a second supervisor of it)
        os._exit(1)
    raise Forked(program)


def _filled(words: Iterable[str], listen: int | None) -> list[str]:
    return [each.replace("{listen_fd}", str(listen)) for each in words]


def _limit(order: dict[str, Any]) -> Callable[[], None]:
    return in_child(memory_bytes=order["memory_bytes"], file_bytes=order["file_bytes"])


def _group(user: int) -> int:
    try:
        return pwd.getpwuid(user).pw_gid
    except KeyError:
        return user


def open_pidfd(pid: int) -> int | None:
    """Return a file that tells the end of a process; None: this machine has none of those."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):  # not Linux, or a kernel before 5.3: the loop asks instead
        return None

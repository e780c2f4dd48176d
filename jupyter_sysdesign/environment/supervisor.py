"""The process that owns the services of one instance: spawns, throttles, pauses and ends them.

One per instance, forked by ``guard.py``. Orders come as JSON lines on stdin, replies and events go
as JSON lines to stdout; the end of stdin means that the owner died, and then everything here goes.
It has one thread (a child's parent-death signal follows the thread that forked it), and uses the
standard library only: the libraries it has loaded are for the Python services it forks.

Orders: ``spawn``, ``stop``, ``kill``, ``pause``, ``resume``, ``quota``, ``shutdown``; each has an
``id`` that its reply repeats. Events: ``hello``, ``log``, ``exit``.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import selectors
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.environment import proctree
from jupyter_sysdesign.environment.governor import Governor
from jupyter_sysdesign.environment.ledger import Entry, Ledger, boot_id
from jupyter_sysdesign.environment.limits import adopt_orphans
from jupyter_sysdesign.environment.ports import PortTakenError
from jupyter_sysdesign.environment.process import Process
from jupyter_sysdesign.environment.program import CAUGHT, Forked

if TYPE_CHECKING:
    from collections.abc import Callable

_HOUSEKEEPING_S = 0.5
#: That what was killed with a service may take to be gone, before that is told.
_GONE_S = 5.0
_WITHOUT_PIDFD_S = 0.02
# After the owner died: long enough for PostgreSQL to write its data down, no longer.
_LAST_WILL_S = 2.0
_MIB = 1 << 20
# Nobody reads: rather lose log lines than grow.
_UNREAD_BYTES = 4 * _MIB
# A service that floods its log is read this often (64 KiB each); its own pipe slows it down.
_FLOOD_PAUSE_S = 0.025
_FLOOD_BYTES = 1 << 16


class Supervisor:
    """The loop.

    Args:
        instance: instance id.
        folder: the instance's folder.
        sockets: the instance's socket folder, noted in the ledger.
    """

    def __init__(self, instance: str, folder: Path, sockets: Path) -> None:
        self._folder = folder
        self._selector = selectors.DefaultSelector()
        self._governor = Governor()
        self._processes: dict[str, Process] = {}
        self._muted: dict[str, float] = {}
        self._unparsed = b""
        self._unsent = bytearray()
        self._ending = False
        self._end_by: float | None = None
        self._tidy_at = 0.0
        self._marks = {
            "SYSDESIGN_INSTANCE": instance,
            "SYSDESIGN_HOME": os.environ.get("SYSDESIGN_HOME", ""),
        }
        keepers = (Entry.of(os.getppid()), Entry.of(os.getpid()))
        self._ledger = Ledger(
            instance=instance,
            sockets=str(sockets),
            boot=boot_id(),
            keepers=[entry for entry in keepers if entry],
            services={},
        )
        self._orders: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "spawn": self._spawn,
            "stop": self._stop,
            "kill": self._kill,
            "pause": self._pause,
            "resume": self._resume,
            "quota": self._quota,
            "shutdown": self._shutdown,
        }

    def run(self) -> None:
        """Serve until told to shut down or until the owner is gone; leave nothing running.

        Raises:
            Forked: this process is a service now, and nothing of the supervisor's is its own.
        """
        (self._folder / "logs").mkdir(mode=0o700, exist_ok=True)
        self._write_ledger()
        wake = self._catch_signals()
        os.set_blocking(0, False)
        os.set_blocking(1, False)
        self._selector.register(0, selectors.EVENT_READ, self._read_orders)
        self._selector.register(wake, selectors.EVENT_READ, lambda: self._be_told(wake))
        self._send({"event": "hello", "pid": os.getpid(), "guard": os.getppid()})
        try:
            while not (self._ending and not self._processes):
                self._turn()
        except Forked:
            self._selector.close()
            raise
        except BaseException:
            self._leave_nothing()
            raise
        self._leave_nothing()

    def _leave_nothing(self) -> None:
        for process in list(self._processes.values()):
            self._governor.tree(process.name).kill()
        self._end_orphans(wait_s=1.0)
        self._flush()

    def _turn(self) -> None:
        self._flush()
        now = time.monotonic()
        due = [self._governor.tick(now), *self._deadlines(now)]
        wait_s = min(at for at in due if at is not None) - time.monotonic()
        for key, _ in self._selector.select(max(wait_s, 0.0)):
            if self._selector.get_map().get(key.fd) is key:  # an earlier one may have removed it
                key.data()
        now = time.monotonic()
        for process in list(self._processes.values()):
            if process.kill_at is not None and process.kill_at <= now:
                process.kill_at = None
                self._governor.tree(process.name).kill()
            if process.pidfd is None:
                self._see_whether_ended(process)
            if self._muted.get(process.name, now + 1) <= now:
                del self._muted[process.name]
                self._selector.register(
                    process.pipe, selectors.EVENT_READ, _bind(self._read_output, process)
                )
        if self._tidy_at <= now:
            self._tidy_at = now + _HOUSEKEEPING_S
            self._tidy()

    def _deadlines(self, now: float) -> list[float | None]:
        kills = [process.kill_at for process in self._processes.values()]
        asked = any(process.pidfd is None for process in self._processes.values())
        return [
            self._tidy_at if self._processes or self._ending else now + 60.0,
            now + _WITHOUT_PIDFD_S if asked else None,
            *self._muted.values(),
            *kills,
        ]

    # --- orders -----------------------------------------------------------------------------

    def _read_orders(self) -> None:
        try:
            data = os.read(0, 1 << 20)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._selector.unregister(0)
            self._begin_end(_LAST_WILL_S)
            return
        *lines, self._unparsed = (self._unparsed + data).split(b"\n")
        for line in lines:
            order = json.loads(line)
            try:
                answer = self._orders[order["op"]](order)
            except _RefusedError as error:
                answer = {"error": error.kind, "message": str(error)}
            except OSError as error:
                answer = {"error": _kind(error), "message": error.strerror or str(error)}
            except (ValueError, subprocess.SubprocessError) as error:  # no system can do it
                answer = {"error": "failed", "message": str(error)}
            self._send({"reply": order["id"], **answer})

    def _spawn(self, order: dict[str, Any]) -> dict[str, Any]:
        launch = order["launch"]
        name = launch["name"]
        if name in self._processes or self._ending:
            raise _RefusedError("conflict", f"{name} already runs")
        if not Path(launch["cwd"]).is_dir():
            raise _RefusedError("no_folder", f"the folder {launch['cwd']} does not exist")
        try:
            process = Process(launch, self._folder / "logs" / f"{name}.log", self._marks)
        except PortTakenError as error:
            raise _RefusedError("port_taken", str(error.strerror)) from error
        except FileNotFoundError as error:
            raise _RefusedError("missing_binary", f"{launch['argv'][0]} does not exist") from error
        except PermissionError as error:
            message = f"{launch['argv'][0]} may not be executed, or its folder not entered"
            raise _RefusedError("permission", message) from error
        self._processes[name] = process
        self._governor.add(name, process.pid)
        self._selector.register(
            process.pipe, selectors.EVENT_READ, _bind(self._read_output, process)
        )
        if process.pidfd is not None:
            self._selector.register(
                process.pidfd, selectors.EVENT_READ, _bind(self._see_whether_ended, process)
            )
        self._write_ledger()
        return {"pid": process.pid}

    def _stop(self, order: dict[str, Any]) -> dict[str, Any]:
        self._ask_to_stop(self._find(order), time.monotonic())
        return {}

    def _kill(self, order: dict[str, Any]) -> dict[str, Any]:
        process = self._find(order)
        process.told_to_stop = True
        self._governor.tree(process.name).kill()
        return {}

    def _pause(self, order: dict[str, Any]) -> dict[str, Any]:
        self._governor.pause(self._find(order).name)
        return {}

    def _resume(self, order: dict[str, Any]) -> dict[str, Any]:
        self._governor.resume(self._find(order).name)
        return {}

    def _quota(self, order: dict[str, Any]) -> dict[str, Any]:
        self._governor.set_quota(self._find(order).name, order["cpus"])
        return {}

    def _shutdown(self, order: dict[str, Any]) -> dict[str, Any]:
        self._begin_end(order.get("within_s", _LAST_WILL_S))
        return {}

    def _find(self, order: dict[str, Any]) -> Process:
        try:
            return self._processes[order["name"]]
        except KeyError:
            raise _RefusedError("not_running", f"{order['name']} does not run") from None

    # --- services ---------------------------------------------------------------------------

    def _ask_to_stop(self, process: Process, now: float, within_s: float | None = None) -> None:
        allowed_s = process.stop_timeout_s if within_s is None else within_s
        process.kill_at = min(process.kill_at or now + allowed_s, now + allowed_s)
        # Signal first: a frozen process then wakes up to it, and does no more work in between.
        if not process.told_to_stop:  # many take a second signal for an order to drop everything
            process.told_to_stop = True
            process.signal(process.stop_signal)
        self._governor.release(process.name)

    def _be_told(self, wake: int) -> None:
        os.read(wake, 512)  # else it is told again with every turn
        self._begin_end(_LAST_WILL_S)

    def _begin_end(self, within_s: float) -> None:
        self._ending = True
        now = time.monotonic()
        for process in self._processes.values():
            self._ask_to_stop(process, now, within_s)

    def _read_output(self, process: Process) -> None:
        data = process.read()
        if data is None:
            self._selector.unregister(process.pipe)
            return
        self._pass_on(process, process.output.feed(data))
        if len(data) == _FLOOD_BYTES:
            self._selector.unregister(process.pipe)
            self._muted[process.name] = time.monotonic() + _FLOOD_PAUSE_S

    def _pass_on(self, process: Process, passed: tuple[list[str], int]) -> None:
        lines, skipped = passed
        if (lines or skipped) and len(self._unsent) < _UNREAD_BYTES:
            self._send(
                {
                    "event": "log",
                    "name": process.name,
                    "ts": time.time(),
                    "lines": lines,
                    "skipped": skipped,
                }
            )

    def _see_whether_ended(self, process: Process) -> None:
        code = process.ended()
        if code is None:
            return
        del self._processes[process.name]
        self._governor.remove(process.name)
        self._end_orphans(wait_s=_GONE_S)
        self._muted.pop(process.name, None)
        while data := process.read():
            self._pass_on(process, process.output.feed(data))
        self._pass_on(process, process.output.finish(process.reason or None))
        for file in (process.pipe, process.pidfd):
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(file)  # type: ignore[arg-type]
        process.close()
        self._write_ledger()
        self._send(
            {
                "event": "exit",
                "name": process.name,
                "pid": process.pid,
                "code": code,
                "told": process.told_to_stop,
                "reason": process.reason,
            }
        )

    def _tidy(self) -> None:
        self._end_orphans(wait_s=0.0)
        for process in list(self._processes.values()):
            if process.memory_bytes is None or process.reason:
                continue
            tree = self._governor.tree(process.name)
            tree.scan(thorough=True)
            held = proctree.memory_bytes(list(tree.pids))
            if held > process.memory_bytes:
                process.reason = (
                    f"out of memory: {process.name} held {held // _MIB} MiB "
                    f"of its {process.memory_bytes // _MIB} MiB"
                )
                tree.kill()

    def _end_orphans(self, *, wait_s: float) -> None:
        """Kill and reap what fell to us because its parent died: no service leaves any behind.

        PostgreSQL's backends outlive their postmaster when they are frozen as it dies.
        """
        if not proctree.LINUX:
            return
        known = {process.pid for process in self._processes.values()}
        until = time.monotonic() + wait_s
        while orphans := [pid for pid in proctree.children(os.getpid()) if pid not in known]:
            for pid in orphans:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
            if time.monotonic() >= until:
                return
            time.sleep(0.001)

    def _write_ledger(self) -> None:
        entries = {name: Entry.of(process.pid) for name, process in self._processes.items()}
        services = {name: entry for name, entry in entries.items() if entry}
        with contextlib.suppress(OSError):  # a full disk must not keep us from ending services
            self._ledger._replace(services=services).write(self._folder)

    # --- the owner --------------------------------------------------------------------------

    def _send(self, message: dict[str, Any]) -> None:
        self._unsent += json.dumps(message).encode() + b"\n"

    def _flush(self) -> None:
        """Write what the owner takes; the rest waits for the next turn."""
        try:
            while self._unsent:
                del self._unsent[: os.write(1, self._unsent)]
        except BlockingIOError:
            self._watch_stdout(wanted=True)
        except OSError:  # the owner is gone; the end of stdin says so too
            self._unsent.clear()
        else:
            self._watch_stdout(wanted=False)

    def _watch_stdout(self, *, wanted: bool) -> None:
        watched = 1 in self._selector.get_map()
        if wanted and not watched:
            self._selector.register(1, selectors.EVENT_WRITE, self._flush)
        elif watched and not wanted:
            self._selector.unregister(1)

    def _catch_signals(self) -> int:
        """Make SIGTERM, SIGINT and SIGHUP end everything in order; return what to wait on."""
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in CAUGHT:
            signal.signal(number, lambda *_: None)
        return reader


class _RefusedError(Exception):
    """An order that cannot be carried out.

    Attributes:
        kind: stable name for the owner.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def _kind(error: OSError) -> str:
    no_room = (errno.ENOSPC, errno.EDQUOT, errno.ENOMEM, errno.EAGAIN, errno.EMFILE, errno.ENFILE)
    return "no_room" if error.errno in no_room else "failed"


def _bind(function: Callable[[Process], None], process: Process) -> Callable[[], None]:
    return lambda: function(process)


def main(instance: str, folder: str, sockets: str) -> None:
    """Run a supervisor on stdin and stdout.

    Raises:
        Forked: this process is a service now.
    """
    adopt_orphans()
    Supervisor(instance, Path(folder), Path(sockets)).run()

"""Services as plain processes, behind a supervisor process per instance."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
from typing import TYPE_CHECKING, Any

import psutil

from jupyter_sysdesign import paths
from jupyter_sysdesign.environment import ledger
from jupyter_sysdesign.environment.confinement import confined
from jupyter_sysdesign.environment.proctree import members
from jupyter_sysdesign.environment.runtimes import Exit, forking
from jupyter_sysdesign.environment.sweep import sweep_instance
from jupyter_sysdesign.errors import (
    ConflictError,
    MissingBinaryError,
    ResourceError,
    StartFailedError,
    SysdesignError,
    UnavailableError,
)

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_sysdesign.environment.launch import Launch
    from jupyter_sysdesign.environment.runtimes import Listener

log = logging.getLogger(__name__)

#: What is said of processes that are none any more.
_GONE = frozenset({"", psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD})
_LINE_BYTES = 16 << 20
_OPEN_TIMEOUT_S = 30.0
_CLOSE_TIMEOUT_S = 15.0


class Embedded:
    """The embedded runtime of one instance.

    Args:
        instance: instance id.
        folder: the instance's folder; logs and ledger go there.
        sockets: the instance's socket folder; removed with the processes.
        listener: hears of exits, log lines and the supervisor's death.
        temporary: if the owner dies, the folder goes too.

    Attributes:
        supervisor, guard: process ids, once it is open.
    """

    def __init__(
        self,
        instance: str,
        folder: Path,
        sockets: Path,
        listener: Listener,
        *,
        temporary: bool = False,
    ) -> None:
        self._instance = instance
        self._folder = folder
        self._sockets = sockets
        self._listener = listener
        self._temporary = temporary
        self._orders: asyncio.StreamWriter | None = None
        self._events: asyncio.StreamWriter | None = None
        self._gone: asyncio.Task[None] | None = None
        self._reader: asyncio.Task[None] | None = None
        self._replies: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._running: dict[str, asyncio.Future[Exit]] = {}
        self._pids: dict[str, int] = {}
        self._number = 0
        self._closing = False
        self.supervisor: int | None = None
        self.guard: int | None = None

    async def open(self) -> None:
        """Start guard and supervisor; returns when orders are taken."""
        try:
            await asyncio.wait_for(self._begin(), _OPEN_TIMEOUT_S)
        except (asyncio.TimeoutError, UnavailableError):
            forking.discard()  # it may be frozen: the next start shall have another
            await self.close()
            raise StartFailedError(
                "The supervisor did not come up",
                hint=f"See {self._folder / 'logs' / 'supervisor.log'}.",
            ) from None
        except OSError as error:
            await self.close()
            raise ResourceError(f"The supervisor cannot be started: {error.strerror}") from error
        except asyncio.CancelledError:
            await self.close()
            raise

    async def close(self) -> None:
        """End everything; also after the supervisor was lost. Safe to repeat."""
        self._closing = True
        if self._orders is None:
            return
        self._write({"op": "shutdown", "id": 0})
        await self._clear_up(_CLOSE_TIMEOUT_S)
        if self._reader is not None:
            await self._reader

    async def spawn(self, launch: Launch) -> int:
        """Start one service, without a CPU quota yet; return its main process id."""
        if launch.name in self._running:
            raise ConflictError(f"{launch.name} already runs")
        launch = confined(launch)
        fields: dict[str, Any] = {name: getattr(launch, name) for name in _SENT}
        fields["cwd"] = str(launch.cwd)
        fields["stop_signal"] = int(launch.stop_signal)
        # Made before the order is sent: the exit may be told together with the reply.
        self._running[launch.name] = asyncio.get_running_loop().create_future()
        try:
            answer = await self._order("spawn", launch=fields)
        except SysdesignError:
            self._running.pop(launch.name, None)
            raise
        self._pids[launch.name] = int(answer["pid"])
        return self._pids[launch.name]

    async def stop(self, name: str) -> Exit | None:
        """Ask a service to stop, then kill it; return once all of it is gone (None: it was)."""
        return await self._end("stop", name)

    async def kill(self, name: str) -> Exit | None:
        """Kill a service and everything below it; return once all of it is gone."""
        return await self._end("kill", name)

    async def pause(self, name: str) -> None:
        """Freeze a service; returns once it is frozen."""
        await self._order("pause", name=name)

    async def resume(self, name: str) -> None:
        """Let a paused service go on."""
        await self._order("resume", name=name)

    async def stands_still(self, name: str) -> str:
        """Return, of a service that was paused, what stands still; empty: something still runs."""
        states = [state for state in map(_state, members(self._pids[name])) if state not in _GONE]
        still = bool(states) and all(state == psutil.STATUS_STOPPED for state in states)
        return f"{len(states)} process{'es' if len(states) != 1 else ''}" if still else ""

    async def set_quota(self, name: str, cpus: float | None) -> None:
        """Hold a running service to ``cpus`` cores from now on; None: no quota."""
        await self._order("quota", name=name, cpus=cpus)

    async def wait(self, name: str) -> Exit | None:
        """Return once the service has ended (None: it does not run)."""
        running = self._running.get(name)
        return None if running is None else await asyncio.shield(running)

    async def _end(self, operation: str, name: str) -> Exit | None:
        running = self._running.get(name)
        if running is None:
            return None
        try:
            await self._order(operation, name=name)
        except ConflictError:  # it ended by itself meanwhile, or never began
            if not running.done():
                self._running.pop(name, None)
                return None
        return await asyncio.shield(running)

    async def _order(self, operation: str, **fields: Any) -> dict[str, Any]:
        if self._orders is None or self._closing:
            raise UnavailableError("The environment's supervisor does not run")
        self._number += 1
        number = self._number
        reply: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._replies[number] = reply
        self._write({"op": operation, "id": number, **fields})
        try:
            answer = await reply
        finally:
            del self._replies[number]
        if "error" in answer:
            raise _refusal(answer["error"], answer["message"])
        return answer

    def _write(self, message: dict[str, Any]) -> None:
        if self._orders is not None:
            self._orders.write(json.dumps(message).encode() + b"\n")

    async def _begin(self) -> None:
        """Fork a guard; once more if the fork server was killed just now."""
        hello, events = await self._fork()
        if not hello:
            await self._clear_up()
            hello, events = await self._fork()
        if not hello:
            raise UnavailableError("The supervisor ended at once")
        said = json.loads(hello)
        self.supervisor, self.guard = said["pid"], said["guard"]
        self._reader = asyncio.create_task(self._read(events), name=f"supervisor-{self._instance}")

    async def _fork(self) -> tuple[bytes, asyncio.StreamReader]:
        """Return the supervisor's first line, empty if there is none, and where more come from."""
        logs = self._folder / "logs"
        logs.mkdir(mode=0o700, exist_ok=True)
        order = {
            "instance": self._instance,
            "folder": str(self._folder),
            "sockets": str(self._sockets),
            "keep": not self._temporary,
            "env": self._environment(),
        }
        orders, stdin = socket.socketpair()
        events, stdout = socket.socketpair()
        with stdin, stdout, (logs / "supervisor.log").open("ab") as errors:
            # Its other end is held by the guard and the supervisor: it ends when both are gone.
            ending, self._orders = await asyncio.open_unix_connection(sock=orders)
            self._gone = asyncio.create_task(_until_closed(ending))
            reader, self._events = await asyncio.open_unix_connection(
                sock=events, limit=_LINE_BYTES
            )
            forking.fork(order, stdin, stdout, errors)
        return await reader.readline(), reader

    async def _read(self, events: asyncio.StreamReader) -> None:
        """Hand out replies and events in the order they come, until the supervisor ends."""
        while line := await events.readline():
            try:
                self._handle(json.loads(line))
            except Exception:  # noqa: PERF203 (a listener that fails keeps no reply from anybody)
                log.exception("what %s said was not taken", self._instance)
        lost = not self._closing
        self._closing = True
        for waiting in self._replies.values():
            if not waiting.done():
                waiting.set_exception(UnavailableError("The environment's supervisor died"))
        if lost:
            # The guard ends what is left; only when it is done the next start may begin.
            await self._clear_up()
        for name, running in self._running.items():
            if not running.done():
                running.set_result(Exit(name, 0, -9, told=False, reason="its supervisor died"))
        self._running.clear()
        if lost:
            self._listener.lost("The process that runs its services was killed")

    async def _clear_up(self, within_s: float | None = None) -> None:
        """Wait until guard and supervisor are gone, and do what they could not."""
        if self._gone is None or self._orders is None:
            return
        await asyncio.wait([self._gone], timeout=within_s)
        for each in (self._orders, self._events):
            if each is not None:
                each.close()
        self._orders = self._events = None
        if (self._folder / ledger.NAME).exists():  # the guard was killed
            await asyncio.to_thread(sweep_instance, self._folder)

    def _handle(self, message: dict[str, Any]) -> None:
        if "reply" in message:
            reply = self._replies.get(message["reply"])
            if reply is not None and not reply.done():
                reply.set_result(message)
            return
        event = message["event"]
        if event == "log":
            self._listener.printed(
                message["name"], message["ts"], message["lines"], message["skipped"]
            )
        elif event == "exit":
            how = Exit(
                message["name"],
                message["pid"],
                message["code"],
                told=message["told"],
                reason=message["reason"],
            )
            running = self._running.pop(how.name, None)
            if running is not None and not running.done():
                running.set_result(how)
            self._listener.ended(how)

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "TZ") if name in os.environ}
        return {
            **kept,
            "LC_ALL": "C.UTF-8",
            "SYSDESIGN_HOME": str(paths.home()),
            "SYSDESIGN_INSTANCE": self._instance,
        }


async def _until_closed(reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(ConnectionError):  # it was killed and has not read our last order
        await reader.read()


def _state(pid: int) -> str:
    """Return what a process does, empty if there is none."""
    try:
        return psutil.Process(pid).status()
    except psutil.NoSuchProcess:
        return ""


_SENT = (
    "name",
    "argv",
    "env",
    "user",
    "listen",
    "memory_bytes",
    "file_bytes",
    "python",
    "stop_timeout_s",
    "redact",
)


def _refusal(kind: str, message: str) -> SysdesignError:
    sentence = message[:1].upper() + message[1:]
    if kind == "missing_binary":
        return MissingBinaryError(sentence, hint="`sysdesign doctor` says what to install.")
    if kind == "no_room":
        return ResourceError(sentence, hint="Free memory, disk or processes, then start again.")
    if kind == "port_taken":
        return ResourceError(sentence, hint="Start again: another port will be picked.")
    if kind in ("conflict", "not_running"):
        return ConflictError(sentence)
    return StartFailedError(sentence)

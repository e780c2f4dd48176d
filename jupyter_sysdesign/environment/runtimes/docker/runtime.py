"""The Docker runtime: a container per service, and a guard that outlives us."""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign import paths
from jupyter_sysdesign.environment.logs import Output
from jupyter_sysdesign.environment.proctree import members
from jupyter_sysdesign.environment.runtimes import Exit
from jupyter_sysdesign.environment.runtimes.docker import container, engine, network, strays
from jupyter_sysdesign.environment.runtimes.docker.attachment import Attachment
from jupyter_sysdesign.environment.runtimes.docker.events import Events
from jupyter_sysdesign.environment.runtimes.docker.guarding import Guarding
from jupyter_sysdesign.environment.runtimes.docker.reaping import reap
from jupyter_sysdesign.environment.tasks import end
from jupyter_sysdesign.errors import (
    ConflictError,
    SysdesignError,
    UnavailableError,
)

if TYPE_CHECKING:
    from docker import APIClient

    from jupyter_sysdesign.environment.launch import Launch
    from jupyter_sysdesign.environment.runtimes import Listener
    from jupyter_sysdesign.environment.services import Place

_MIB = 1 << 20
_SIGNALLED, _LAST_SIGNAL = 128, 64
#: A service that floods its log waits for us this long per chunk.
_FLOOD_BYTES, _FLOOD_PAUSE_S = 1 << 14, 0.025
_LOOK_EVERY_S = 1.0


@dataclass
class _Running:
    """A container that was started."""

    id: str
    pid: int
    launch: Launch
    output: Output
    ended: asyncio.Future[Exit]
    share: dict[str, int]
    sharing: threading.Lock = field(default_factory=threading.Lock)
    told: bool = False
    reason: str = ""


class Docker:
    """The Docker runtime of one instance.

    Args:
        place: where its services live.
        listener: hears of exits, log lines and the engine's end.
        temporary: if the owner dies, the folder goes too.

    Attributes:
        supervisor: there is none.
    """

    supervisor = None

    def __init__(self, place: Place, listener: Listener, *, temporary: bool = False) -> None:
        self._place = place
        self._instance = place.instance
        self._listener = listener
        self._guarding = Guarding(place, temporary=temporary)
        self._engine = engine.Engine(place.instance)
        self._events: Events | None = None
        self._running: dict[str, _Running] = {}
        self._starting: set[str] = set()
        self._holder: asyncio.Task[str] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        self._lost = False

    @property
    def guard(self) -> int | None:
        """Return the guard's process id, once there is one."""
        return self._guarding.pid

    async def open(self) -> None:
        """Have a guard, listen to the engine, and make the way to the network."""
        await self._guarding.begin()
        loop = asyncio.get_running_loop()
        self._events = Events(
            self._instance,
            oom=lambda made: loop.call_soon_threadsafe(self._out_of_memory, made),
            lost=lambda why: loop.call_soon_threadsafe(self._went_away, why),
        )
        await self._engine.ask("Its events", self._events.open)
        if self._place.spec.tcp():
            self._holder = asyncio.create_task(self._hold_network())
        self._watch(self._look_at_sockets())

    async def close(self) -> None:
        """Remove every container; safe to repeat."""
        self._closing = True
        await end(*self._tasks)
        if self._holder is not None:
            await end(self._holder)
        if self._events is not None:
            self._events.close()
        removed = False
        with contextlib.suppress(SysdesignError):
            await self._engine.ask("Its end", lambda _: self._reap())
            removed = True
        for running in list(self._running.values()):
            self._over(running, Exit(running.launch.name, running.pid, -9, told=True))
        await self._guarding.close(removed=removed)
        self._engine.close()

    async def spawn(self, launch: Launch) -> int:
        """Start one service, without a CPU quota yet; return its main process id."""
        name = launch.name
        if self._closing:
            raise UnavailableError("The environment's runtime is closed")
        if name in self._running or name in self._starting:
            raise ConflictError(f"{name} already runs")
        self._starting.add(name)
        try:
            where = await self._network_of(launch)
            loop = asyncio.get_running_loop()
            running = await self._engine.ask(
                name, lambda client: self._start(client, launch, where, loop)
            )
        finally:
            self._starting.discard(name)
        return running.pid

    async def stop(self, name: str) -> Exit | None:
        """Ask a service to stop, then kill it; return once all of it is gone (None: it was)."""
        running = self._running.get(name)
        if running is None:
            return None
        running.told = True
        within_s = math.ceil(running.launch.stop_timeout_s)
        free = container.share(container.ceiling(running.launch.cpus))

        def stop(client: APIClient) -> None:
            from docker.errors import APIError  # noqa: PLC0415 (it is there: we have a client)

            with contextlib.suppress(APIError):  # it is ending by itself
                client.update_container(running.id, **free)
            client.stop(running.id, timeout=within_s)

        return await self._end(running, stop)

    async def kill(self, name: str) -> Exit | None:
        """Kill a service and everything below it; return once all of it is gone."""
        running = self._running.get(name)
        if running is None:
            return None
        running.told = True
        return await self._end(running, lambda client: container.kill(client, running.id))

    async def pause(self, name: str) -> None:
        """Freeze a service; returns once it is frozen. Quotas never wake it."""
        running = self._find(name)
        free = container.share(container.ceiling(running.launch.cpus))

        def pause(client: APIClient) -> None:
            with running.sharing:
                container.freeze(client, running.id, free, running.share)

        await self._engine.ask(name, pause)

    async def resume(self, name: str) -> None:
        """Let a paused service go on."""
        running = self._find(name)
        await self._engine.ask(name, lambda client: client.unpause(running.id))

    async def stands_still(self, name: str) -> str:
        """Return, of a service that was paused, what stands still; empty: something still runs."""
        running = self._find(name)
        found = await self._engine.ask(name, lambda client: client.inspect_container(running.id))
        count = len(members(running.pid))
        return f"{count} process{'es' if count != 1 else ''}" if found["State"]["Paused"] else ""

    async def set_quota(self, name: str, cpus: float | None) -> None:
        """Hold a running service to ``cpus`` cores from now on; None: to its ceiling."""
        running = self._find(name)
        wanted = container.share(cpus or container.ceiling(running.launch.cpus))

        def share(client: APIClient) -> None:
            with running.sharing:
                client.update_container(running.id, **wanted)
                running.share = wanted

        await self._engine.ask(name, share)

    async def wait(self, name: str) -> Exit | None:
        """Return once the service has ended (None: it does not run)."""
        running = self._running.get(name)
        return None if running is None else await asyncio.shield(running.ended)

    def _reap(self) -> None:
        reap(engine.url(), str(paths.home()), self._instance, networks=False)

    # --- containers -------------------------------------------------------------------------

    async def _network_of(self, launch: Launch) -> str:
        """Return what a container is given as its network: the instance's, or none at all."""
        if not launch.network:
            return "none"
        if self._holder is None:  # compose.yaml has changed since
            self._holder = asyncio.create_task(self._hold_network())
        return f"container:{await asyncio.shield(self._holder)}"

    async def _hold_network(self) -> str:
        host = self._place.host
        return await self._engine.ask(
            "The private network", lambda client: network.hold(client, self._instance, host)
        )

    def _start(
        self, client: APIClient, launch: Launch, where: str, loop: asyncio.AbstractEventLoop
    ) -> _Running:
        made = container.create(client, self._place, launch, where)
        try:
            printed = Attachment(client, made)
            client.start(made)
            pid = int(client.inspect_container(made)["State"]["Pid"])
        except BaseException:
            with contextlib.suppress(Exception):
                client.remove_container(made, force=True, v=True)
            raise
        log = self._place.folder / "logs" / f"{launch.name}.log"
        running = _Running(
            made,
            pid,
            launch,
            Output(log, launch.redact),
            ended=loop.create_future(),
            share=container.share(container.ceiling(launch.cpus)),
        )
        self._running[launch.name] = running  # before anybody can say that it ended
        threading.Thread(
            target=self._follow,
            args=(running, printed, loop),
            name=f"docker {launch.name}",
            daemon=True,
        ).start()
        return running

    def _follow(
        self, running: _Running, printed: Attachment, loop: asyncio.AbstractEventLoop
    ) -> None:
        """Read what a container prints until it ends, then say how; in a thread of its own."""
        name = running.launch.name

        def tell(passed: tuple[list[str], int]) -> None:
            lines, skipped = passed
            if lines or skipped:
                with contextlib.suppress(RuntimeError):  # the loop has closed
                    loop.call_soon_threadsafe(
                        self._listener.printed, name, time.time(), lines, skipped
                    )

        with contextlib.closing(printed):
            for data in printed:
                tell(running.output.feed(data))
                if len(data) >= _FLOOD_BYTES:
                    time.sleep(_FLOOD_PAUSE_S)
        while True:
            try:
                how = self._how_it_ended(running)
                break
            except ConflictError:  # somebody removed it
                told = running.told or self._closing or self._lost
                reason = running.reason or ("" if told else "its container was removed")
                how = Exit(name, running.pid, -9, told=told, reason=reason)
                break
            except SysdesignError:
                if self._closing or self._lost:
                    return  # the engine is gone, and all has been told
                time.sleep(_LOOK_EVERY_S)
        tell(running.output.finish(how.reason or None))
        running.output.close()
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(self._over, running, how)

    def _how_it_ended(self, running: _Running) -> Exit:
        launch = running.launch
        with contextlib.closing(engine.connect()) as client:
            with engine.asking(launch.name):
                code = int(client.wait(running.id)["StatusCode"])
                state = client.inspect_container(running.id)["State"]
            with contextlib.suppress(SysdesignError), engine.asking(launch.name):
                client.remove_container(running.id, force=True, v=True)  # or the end of us all does
        reason = running.reason
        if state["OOMKilled"] and not running.told:
            reason = _out_of_memory(launch)
        if _SIGNALLED < code <= _SIGNALLED + _LAST_SIGNAL:  # as a shell says that a signal ended it
            code = _SIGNALLED - code
        return Exit(launch.name, running.pid, code, told=running.told, reason=reason)

    def _over(self, running: _Running, how: Exit) -> None:
        if running.ended.done():
            return
        if self._running.get(how.name) is running:
            del self._running[how.name]
        running.ended.set_result(how)
        self._listener.ended(how)

    async def _end(self, running: _Running, how: Any) -> Exit:
        try:
            await self._engine.ask(running.launch.name, how)
        except ConflictError:
            pass  # it ended by itself meanwhile
        except SysdesignError:
            running.told = False
            raise
        return await asyncio.shield(running.ended)

    def _find(self, name: str) -> _Running:
        try:
            return self._running[name]
        except KeyError:
            raise ConflictError(f"{name} does not run") from None

    # --- what happens by itself -------------------------------------------------------------

    def _out_of_memory(self, made: str) -> None:
        """End all of a container of which the kernel ended a part."""
        for running in self._running.values():
            if running.id == made and not running.told:
                self._end_for(running, _out_of_memory(running.launch))

    def _end_for(self, running: _Running, reason: str) -> None:
        running.reason = running.reason or reason
        self._watch(self._kill_quietly(running))

    async def _kill_quietly(self, running: _Running) -> None:
        with contextlib.suppress(SysdesignError):
            await self._engine.ask(
                running.launch.name, lambda client: container.kill(client, running.id)
            )

    async def _look_at_sockets(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            held = await asyncio.to_thread(strays.size, self._place.sockets)
            if held > strays.MOST_BYTES:
                for running in list(self._running.values()):
                    if running.launch.untrusted:
                        self._end_for(
                            running,
                            f"{held // _MIB} MiB of files were written into the sockets' folder",
                        )
                await asyncio.to_thread(strays.remove, self._place.sockets)

    def _went_away(self, why: str) -> None:
        """Give up: the engine is gone, or the holder of the network."""
        if self._closing or self._lost:
            return
        self._lost = True
        for running in list(self._running.values()):
            self._over(running, Exit(running.launch.name, running.pid, -9, told=False, reason=why))
        self._listener.lost(why)

    def _watch(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _out_of_memory(launch: Launch) -> str:
    allowed = (launch.memory_bytes or container.MEMORY_BYTES) // _MIB
    return f"out of memory: {launch.name} wanted more than its {allowed} MiB"

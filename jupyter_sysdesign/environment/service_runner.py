"""One service of a running instance: starts it, waits until it answers, says what became of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import TYPE_CHECKING, Protocol

from jupyter_sysdesign.environment.launch import NotReady
from jupyter_sysdesign.environment.status import ServiceState, ServiceStatus
from jupyter_sysdesign.environment.tasks import end, uninterrupted
from jupyter_sysdesign.environment.threads import in_thread
from jupyter_sysdesign.environment.watch import fingerprint
from jupyter_sysdesign.errors import (
    ConflictError,
    InvalidFileError,
    ResourceError,
    StartFailedError,
    SysdesignError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.environment.launch import Launch
    from jupyter_sysdesign.environment.runtimes import Exit, Runtime
    from jupyter_sysdesign.environment.services import OnProgress, Service
    from jupyter_sysdesign.environment.watch import Fingerprint

#: A service that does not answer within this time has failed.
START_TIMEOUT_S = 30.0

_PROBE_EVERY_S = 0.003
_PROBE_LATER_S = 0.05  # when it takes long, looking more often only slows it down
_LAST_LINES = 12

_UP = frozenset({ServiceState.READY, ServiceState.PAUSED})


class Surroundings(Protocol):
    """What a service needs of the instance it belongs to."""

    @property
    def runtime(self) -> Runtime:
        """What runs it."""

    def changed(self, runner: ServiceRunner) -> None:
        """Hear that its status is another now."""

    def say(self, service: str, line: str) -> None:
        """Put a line of ours among what the service prints."""

    def last_lines(self, service: str, count: int) -> list[str]:
        """Return the last lines the service printed."""

    def give_up(self) -> None:
        """End slow preparations early: all is about to be stopped."""


class ServiceRunner:
    """A service and its state. Operations wait for each other."""

    def __init__(
        self, service: Service, around: Surroundings, *, start_timeout_s: float = START_TIMEOUT_S
    ) -> None:
        self.service = service
        self.name = service.spec.name
        self.state = ServiceState.STOPPED
        self.reason = ""
        self.pid: int | None = None
        self.exit_code: int | None = None
        self.cpus = service.spec.cpus
        self._around = around
        self._start_timeout_s = start_timeout_s
        self._exit: Exit | None = None
        self._lock = asyncio.Lock()
        self._seen: Fingerprint = frozenset()

    @property
    def status(self) -> ServiceStatus:
        """Return the state now."""
        spec, address = self.service.spec, self.service.address
        published = address is not None and spec.published and address.port
        return ServiceStatus(
            name=self.name,
            kind=spec.kind,
            replica_of=spec.replica_of,
            state=self.state,
            reason=self.reason,
            url=f"http://{address}" if published else None,
            cpus=self.cpus,
            memory_bytes=spec.memory_bytes,
            pid=self.pid,
            exit_code=self.exit_code,
        )

    @property
    def is_the_learners(self) -> bool:
        """Tell whether its failures can be mended by editing a file."""
        return bool(self.service.watched)

    async def prepare(
        self,
        progress: OnProgress | None = None,
        give_up: Callable[[], None] | None = None,
    ) -> None:
        """Check the learner's files, write configuration and data.

        Args:
            progress: told, from a thread, how far it is.
            give_up: called when we are cancelled, to make it end early.

        Raises:
            SysdesignError: as ``Service.check`` and ``Service.prepare``.
        """
        self._seen = await in_thread(fingerprint, self.service.watched)
        try:
            await in_thread(self.service.check)
            await uninterrupted(in_thread(self.service.prepare, progress), give_up)
        except SysdesignError as error:
            self.fail(error)
            raise
        except OSError as error:
            self.fail(_no_room(error))
            raise _no_room(error) from error

    async def start(self) -> None:
        """Start it and return when it answers.

        Raises:
            ConflictError: it runs already.
            StartFailedError: it ended, or did not answer in time; with its last lines.
            MissingBinaryError, ResourceError, InvalidFileError, UnavailableError.
        """
        async with self._lock:
            if self.state in _UP:
                raise ConflictError(f"{self.name} runs already")
            await self._start(ServiceState.STARTING, self._around.give_up)

    async def prepare_and_start(self) -> None:
        """Start it again later on, with its files as they are now."""
        async with self._lock:
            if self.state in _UP:
                raise ConflictError(f"{self.name} runs already")
            await self.prepare(give_up=self._around.give_up)
            await self._start(ServiceState.STARTING, self._around.give_up)

    async def stop(self, *, at_once: bool = False) -> None:
        """Stop it, whatever it does; ``at_once``: kill it, nobody needs its data any more."""
        async with self._lock:
            await self._end(at_once=at_once)
            self._become(ServiceState.STOPPED)

    async def stop_running(self) -> None:
        """Stop it alone.

        Raises:
            ConflictError: it is stopped already.
        """
        if self.state is ServiceState.STOPPED:
            raise ConflictError(f"{self.name} is stopped already")
        await self.stop()

    async def kill(self) -> None:
        """Kill it, as a fault would.

        Raises:
            ConflictError: it does not run.
        """
        async with self._lock:
            self._require_up()
            await self._around.runtime.kill(self.name)
            self._become(ServiceState.FAILED, "killed")

    async def pause(self) -> None:
        """Freeze it.

        Raises:
            ConflictError: it does not run, or is paused.
        """
        async with self._lock:
            if self.state is not ServiceState.READY:
                raise ConflictError(f"{self.name} is {self.state.value}, so it cannot be paused")
            await self._around.runtime.pause(self.name)
            self._become(ServiceState.PAUSED)

    async def resume(self) -> None:
        """End a pause.

        Raises:
            ConflictError: it is not paused.
        """
        async with self._lock:
            if self.state is not ServiceState.PAUSED:
                raise ConflictError(f"{self.name} is {self.state.value}, not paused")
            await self._around.runtime.resume(self.name)
            self._become(ServiceState.READY)
        await self.reload()  # files may have been saved meanwhile

    async def set_quota(self, cpus: float | None) -> None:
        """Hold it to ``cpus`` cores from now on, also after restarts.

        Raises:
            ConflictError: it does not run.
        """
        async with self._lock:
            self._require_up()
            await self._around.runtime.set_quota(self.name, cpus)
            self.cpus = cpus
            self._around.changed(self)

    async def is_stale(self) -> bool:
        """Tell whether its files are others than those it was started with."""
        return await in_thread(fingerprint, self.service.watched) != self._seen

    async def reload(self) -> None:
        """Restart it if its files changed and can work; else say what is wrong with them.

        A service that was stopped or is paused stays so.
        """
        async with self._lock:
            if self.state not in (ServiceState.READY, ServiceState.FAILED):
                return
            seen = await in_thread(fingerprint, self.service.watched)
            if seen == self._seen:
                return
            why = self._saved(seen)
            try:
                await in_thread(self.service.check)
                self._become(ServiceState.RESTARTING, why)
                await self._end()
                await self.prepare()
                await self._start(ServiceState.RESTARTING)
            except InvalidFileError as error:
                self._seen = seen
                self._become(ServiceState.RESTARTING, why)
                await self._end()
                self.fail(error)
            except SysdesignError as error:
                self.fail(error)

    def _saved(self, seen: Fingerprint) -> str:
        """Say which files are others now: an app may write into its own folder unawares."""
        changed = sorted({path for path, _ in seen ^ self._seen})
        folders = [each.parent for each in self.service.watched]
        first = min((os.path.relpath(changed[0], each) for each in folders), key=len)
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        why = f"{first}{more} {'were' if more else 'was'} saved"
        self._around.say(self.name, why)
        return why

    def ended(self, how: Exit) -> None:
        """Hear that it ended; what we asked for is told by whoever asked."""
        self.pid = None
        self.exit_code = None if how.told else how.code
        self._exit = how
        if not how.told and self.state in _UP:
            reason = _reason(how)
            last = self._around.last_lines(self.name, 1)
            self._become(ServiceState.FAILED, ": ".join([reason, *last]))

    def fail(self, error: SysdesignError) -> None:
        """Become failed for a reason that is not the process's own."""
        if isinstance(error, InvalidFileError):
            self._around.say(self.name, error.message)
        self._become(ServiceState.FAILED, error.message)

    def lost(self) -> None:
        """Hear that the runtime died: nothing runs any more."""
        self.pid = None
        if self.state is not ServiceState.FAILED:
            self._become(ServiceState.STOPPED)

    async def _start(
        self, meanwhile: ServiceState, give_up: Callable[[], None] | None = None
    ) -> None:
        self.exit_code = self._exit = None
        self._become(meanwhile)
        try:
            launch = await uninterrupted(in_thread(self.service.launch), give_up)
            self.pid = await self._around.runtime.spawn(launch)
            self._around.changed(self)
            await self._until_ready(launch)
            if self.cpus is not None:
                # From here on only: starting is free, so that a small share does not mean minutes.
                with contextlib.suppress(ConflictError):  # it has ended, which is told
                    await self._around.runtime.set_quota(self.name, self.cpus)
            if self._exit is not None:
                raise self._failed(f"{self.name} {_reason(self._exit)} as soon as it had answered")
        except (SysdesignError, OSError) as error:
            with contextlib.suppress(SysdesignError):
                await self._around.runtime.kill(self.name)
            self.pid = None
            refusal = error if isinstance(error, SysdesignError) else _no_room(error)
            self.fail(refusal)
            raise refusal from (None if refusal is error else error)
        self._become(ServiceState.READY)

    async def _until_ready(self, launch: Launch) -> None:
        """Probe until it answers, it ends, or it has had its time."""
        enough = asyncio.Event()
        probing = asyncio.ensure_future(_probe(launch, enough))
        ending = asyncio.ensure_future(self._around.runtime.wait(self.name))
        try:
            await asyncio.wait(
                {probing, ending},
                timeout=self._start_timeout_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if ending.done():
                how = ending.result() or self._exit  # it may have ended before we asked
                reason = _reason(how) if how else "ended"
                raise self._failed(f"{self.name} {reason} before it answered")
            if not probing.done():
                raise self._failed(
                    f"{self.name} did not answer within {self._start_timeout_s:.0f} s"
                )
            probing.result()
        finally:
            enough.set()
            await end(probing, ending)

    def _failed(self, what: str) -> StartFailedError:
        lines = self._around.last_lines(self.name, _LAST_LINES)
        printed = "".join(f"\n  {line}" for line in lines) or "\n  (it printed nothing)"
        return StartFailedError(what + printed)

    async def _end(self, *, at_once: bool = False) -> None:
        runtime = self._around.runtime
        with contextlib.suppress(SysdesignError):  # the runtime is gone, and all with it
            await (runtime.kill(self.name) if at_once else runtime.stop(self.name))
        self.pid = None

    def _require_up(self) -> None:
        if self.state not in _UP:
            raise ConflictError(f"{self.name} is {self.state.value}: it does not run")

    def _become(self, state: ServiceState, reason: str = "") -> None:
        if (state, reason) != (self.state, self.reason):
            self.state, self.reason = state, reason
            self._around.changed(self)


async def _probe(launch: Launch, enough: asyncio.Event) -> None:
    """Probe until it answers; ``enough`` ends it too.

    A cancellation alone may get lost: before Python 3.12 ``wait_for`` swallows one that comes just
    as what it waits for is done.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not enough.is_set():
        try:
            await launch.probe()
        except NotReady:  # noqa: PERF203 (that is what it waits for)
            elapsed_s = loop.time() - began
            await asyncio.sleep(min(_PROBE_EVERY_S + elapsed_s / 20, _PROBE_LATER_S))
        else:
            return


def _no_room(error: OSError) -> ResourceError:
    where = f"{error.filename}: " if error.filename else ""
    return ResourceError(
        f"{where}{error.strerror or error}", hint="`sysdesign doctor` looks at folders and disk."
    )


def _reason(how: Exit) -> str:
    if how.reason:
        return how.reason
    if how.code >= 0:
        return f"ended with code {how.code}"
    try:
        return f"was killed by {signal.Signals(-how.code).name}"
    except ValueError:
        return f"was killed by signal {-how.code}"

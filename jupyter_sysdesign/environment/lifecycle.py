"""The states of an instance and what leads from one to the next.

``preparing → starting → ready ⇄ degraded → stopping → stopped``, or ``failed`` with the reason.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING, Any

import psycopg

from jupyter_sysdesign import file_names, paths
from jupyter_sysdesign.environment import applying, removal
from jupyter_sysdesign.environment.console import Console
from jupyter_sysdesign.environment.ensemble import Ensemble
from jupyter_sysdesign.environment.held_files import HeldFiles
from jupyter_sysdesign.environment.link_proxy import LinkProxy
from jupyter_sysdesign.environment.operations import Operations
from jupyter_sysdesign.environment.ownership import Ownership
from jupyter_sysdesign.environment.premises import Premises
from jupyter_sysdesign.environment.rearrangement import Rearranged, rearrange
from jupyter_sysdesign.environment.runtimes import choice
from jupyter_sysdesign.environment.service_runner import ServiceRunner
from jupyter_sysdesign.environment.services import build
from jupyter_sysdesign.environment.services.postgres import Postgres
from jupyter_sysdesign.environment.spec import load_spec
from jupyter_sysdesign.environment.status import Applied, Migration, Progress, ServiceState, State
from jupyter_sysdesign.environment.tasks import end, uninterrupted
from jupyter_sysdesign.environment.threads import in_thread
from jupyter_sysdesign.environment.watch import saved_files
from jupyter_sysdesign.errors import (
    ConflictError,
    NotFoundError,
    ResourceError,
    SysdesignError,
    UnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
    from pathlib import Path

    from jupyter_sysdesign.environment.held_files import Contents
    from jupyter_sysdesign.environment.runtimes import Exit, Runtime
    from jupyter_sysdesign.environment.source import Source
    from jupyter_sysdesign.environment.spec import Spec

log = logging.getLogger(__name__)

UP = frozenset({State.READY, State.DEGRADED})
AT_REST = frozenset({State.STOPPED, State.FAILED})

#: Quiet time before the spare copy is made: what just started has the machine first.
_RESTOCK_AFTER_S = 1.0


class Lifecycle:
    """What an instance is at the moment, and the operations that change it.

    It is the ``Surroundings`` of its services and the ``Listener`` of its runtime.

    Args:
        runs_on: see ``runtimes.choice``; to be changed at rest only.
        tell: called after every change of the environment's own state.
        emit: hears events of services and log lines.
        leave_data: see ``Instance``.
    """

    def __init__(
        self,
        source: Source,
        tell: Callable[[], None],
        emit: Callable[[str, dict[str, Any]], None],
        leave_data: Callable[[], Awaitable[None]],
        *,
        purpose: str,
        runs_on: str,
        start_timeout_s: float,
    ) -> None:
        self.source = source
        self.spec = load_spec(source)
        self.folder: Path = paths.instances() / source.instance_id
        self.console = Console(self.folder / "logs", emit)
        self.operations = Operations(source.instance_id)
        self.state = State.STOPPED
        self.reason = ""
        self.progress: Progress | None = None
        self.started_at: float | None = None
        self.migrations: list[Migration] = []
        self.pending: list[str] = []
        self.runners: dict[str, ServiceRunner] = {}
        self.runs_on = runs_on
        self._purpose = purpose
        self._tell = tell
        self._emit = emit
        self._leave_data = leave_data
        self._start_timeout_s = start_timeout_s
        self._premises: Premises | None = None
        self._runtime: Runtime | None = None
        self._lost = ""  # why all that the runtime ran is gone
        self.proxy: LinkProxy | None = None
        self._background: set[asyncio.Task[None]] = set()
        self._notes: list[str] = []  # what is worth knowing though all is well
        self._held_files = HeldFiles(source)
        self._rearranging = False
        self.replacing: frozenset[str] = frozenset()

    @property
    def databases(self) -> list[Postgres]:
        """Return the database services, the one migrations go to first."""
        services = [runner.service for runner in self.runners.values()]
        return [service for service in services if isinstance(service, Postgres)]

    # --- Surroundings and Listener ----------------------------------------------------------

    @property
    def runtime(self) -> Runtime:
        """Return what runs the services."""
        if self._runtime is None:
            raise UnavailableError(f"{self.source.instance_id} does not run")
        return self._runtime

    def changed(self, runner: ServiceRunner) -> None:
        """Tell that a service is another now, and the environment with it if that follows."""
        if isinstance(runner.service, Postgres) and runner.service.replaced:
            runner.service.replaced = False
            self._note(
                runner.name,
                f"{runner.name} begins with pristine data: its scripts, its names or PostgreSQL "
                "are others now, or it was damaged, and what it held is gone",
            )
        self._emit("service.state", runner.status.model_dump(mode="json"))
        if self.state in UP and not self._rearranging:
            self._settle()

    def say(self, service: str, line: str) -> None:
        """Put a line of ours among what a service prints."""
        self.console.say(service, line)

    def last_lines(self, service: str, count: int) -> list[str]:
        """Return the last lines a service printed."""
        return self.console.last(service, count)

    def give_up(self) -> None:
        """End slow preparations early: all is about to be stopped."""
        self._held().place.cancelled.set()

    def printed(self, name: str, ts: float, lines: Sequence[str], skipped: int) -> None:
        """Keep and pass on what a service printed."""
        self.console.printed(name, ts, lines, skipped)

    def ended(self, how: Exit) -> None:
        """Hear that a service's process ended."""
        if how.name in self.runners:
            self.runners[how.name].ended(how)
        elif self.proxy is not None and self.proxy.pid == how.pid and not how.told:
            self._spawn(self._mend_links(self.proxy))

    def lost(self, reason: str) -> None:
        """Hear that what runs the services died, and everything with it."""
        was_up = self.state in UP
        self._lost = reason
        if was_up:
            self._become(State.STOPPING, reason)
        for runner in self.runners.values():
            runner.lost()
        if was_up:  # else the operation under way fails, and clears up
            self._spawn(self._clear_after_loss(reason))

    # --- operations -------------------------------------------------------------------------

    async def start(self) -> None:
        """From rest to up; on failure nothing is left running."""
        async with self._or_nothing():
            self._become(State.PREPARING)
            await self._occupy()
            runtime = asyncio.ensure_future(self._open())
            try:
                await self._bring_up(runtime)
            finally:
                await end(runtime)

    async def stop(self) -> None:
        """From anything to rest."""
        try:
            if self._runtime is not None:
                await self._end_background()
                await Ensemble(self.runners).stop()
        finally:
            await self._leave()
            self._become(State.STOPPED)

    async def restore(self) -> None:
        """Run on pristine data, whatever was done to it; from up to up."""
        async with self._or_nothing():
            await self._end_background()
            await self._leave_data()  # last: up to here something could begin to work on them
            self._become(State.PREPARING)
            await Ensemble(self.runners).kill()
            await self._discard()
            if self.proxy is not None:
                await self.proxy.clear(self.runtime)
            opened = asyncio.get_running_loop().create_future()
            opened.set_result(None)
            await self._bring_up(opened)

    async def discard(self) -> None:
        """Forget the data of an instance at rest; the next start begins with pristine data."""
        await self._leave_data()
        try:
            await self._occupy()
            await self._discard()
            for runner in self.runners.values():  # at rest nobody waits for the room they take
                await in_thread(runner.service.restock)
        finally:
            await self._leave()
        self._become(State.STOPPED)

    async def apply(self) -> Applied:
        """Follow ``compose.yaml``, then apply pending migrations.

        On pristine data if an applied one changed.
        """
        known = len(self._notes)
        done = await self._rearrange()
        notes = self._notes[known:]
        if not self.databases:
            if not self._held_files.names(self.spec):
                raise NotFoundError(f"{self.source.lesson} has no database to migrate")
            return applying.applied(done, [], "", notes, nothing=applying.NOTHING)
        reason = await self.databases[0].migrations.must_replay()
        try:
            applied = await (self._replay(reason) if reason else self._migrate())
        finally:
            await self._list_migrations()
        held = self._held_files.names(self.spec)
        nothing = applying.NOTHING if held else applying.NO_MIGRATION
        return applying.applied(done, applied, reason, notes, nothing=nothing)

    async def _replay(self, reason: str) -> list[str]:
        """Apply all migrations to pristine data; a mistake that can be seen before costs no data.

        Raises:
            SysdesignError: as ``Migrations.apply`` and ``restore``; its hint says if data are gone.
        """
        database = self.databases[0]
        await database.drift.rehearse(await in_thread(database.migrations.read))
        try:
            await self.restore()
            return await self._migrate()
        except SysdesignError as error:
            told = f"{reason}, so that the pristine data was restored before this."
            error.hint = f"{error.hint} {told}".strip()
            raise

    async def _migrate(self) -> list[str]:
        try:
            return await self.databases[0].migrations.apply()
        except psycopg.OperationalError as error:  # it went away between two statements
            raise UnavailableError(f"The database went away: {error}") from error

    async def remove(self) -> None:
        """Delete the folder of an instance at rest."""

        def delete() -> None:
            try:
                ownership = Ownership.take(self.folder)
            except FileNotFoundError:
                return
            except OSError as error:
                raise ResourceError(f"{self.folder} cannot be deleted: {error.strerror}") from error
            if ownership is None:
                raise ConflictError(f"Another program of yours runs {self.source.instance_id}")
            removal.remove(self.folder)
            ownership.release()

        await in_thread(delete)
        self.runners = {}
        self.migrations = []

    # --- steps ------------------------------------------------------------------------------

    async def _occupy(self) -> None:
        def take() -> None:  # noted in the thread: a cancelled start must find it to give it back
            self.spec = load_spec(self.source)
            self._held_files.take_effect(self._held_files.read(self.spec))
            self.pending = []
            self._premises = Premises.occupy(self.source, self.spec, self._purpose, self.runs_on)

        await in_thread(take)
        premises = self._held()
        self.runners = {
            name: ServiceRunner(
                build(spec, premises.place), self, start_timeout_s=self._start_timeout_s
            )
            for name, spec in self.spec.services.items()
        }
        self.proxy = LinkProxy(premises.place) if self.spec.routes else None
        self._notes.clear()
        for name, (old, new) in premises.moved.items():
            self._note(name, f"Port {old} was taken meanwhile: {name} listens on {new} now")

    def _note(self, service: str, text: str) -> None:
        self._notes.append(text)
        self.console.say(service, text)

    async def _rearrange(self) -> Rearranged:
        """Run the services that ``compose.yaml`` describes now, and restart only what changed."""
        contents = await in_thread(self._held_files.read, self.spec)
        spec = await in_thread(load_spec, self.source)
        if spec.routes != self.spec.routes:
            raise ConflictError(
                "Other links are marked for faults now", hint="Stop the system, then start it."
            )
        stale = [each for each in self.runners.values() if await self._is_stale(each, spec)]
        if spec == self.spec and not stale:
            self._take_effect(contents)
            return Rearranged(kept=tuple(self.runners))
        place = await in_thread(self._held().refit, spec)
        wanted = {
            name: self.runners[name]
            if name in self.runners and self.runners[name] not in stale
            else ServiceRunner(build(each, place), self, start_timeout_s=self._start_timeout_s)
            for name, each in spec.services.items()
        }
        self._rearranging = True
        self.replacing = frozenset(
            name
            for name in {*self.runners, *wanted}
            if self.runners.get(name) is not wanted.get(name)
        )
        try:
            done = await rearrange(self.runners, wanted)
            self.spec, self.runners = spec, wanted
            self._take_effect(contents)
        finally:
            self._rearranging = False
            self.replacing = frozenset()
            if self.state in UP:
                self._settle()
                self._tell()
        return done

    async def _is_stale(self, runner: ServiceRunner, spec: Spec) -> bool:
        """Tell whether a service runs by another description than ``spec`` and its files."""
        known = spec.services.get(runner.name)
        if known is None or known != runner.service.spec:
            return True
        if known.kind != "haproxy":  # who watches its files itself has followed them already
            return False
        return set(spec.services) != set(self.spec.services) or await runner.is_stale()

    def _take_effect(self, contents: Contents) -> None:
        self._held_files.take_effect(contents)
        self._list_pending()

    def _list_pending(self) -> None:
        pending = self._held_files.pending(self.spec)
        if pending != self.pending:
            self.pending = pending
            if self.state in UP:
                self._tell()

    async def _open(self) -> None:
        place = self._held().place
        temporary = self._purpose == "check"
        self._lost = ""
        self._runtime = runtime = choice.runtime(self.runs_on, place, self, temporary=temporary)
        await runtime.open()
        if self.proxy is not None:
            await self.proxy.open(runtime)

    async def _bring_up(self, runtime: asyncio.Future[None]) -> None:
        loop = asyncio.get_running_loop()
        self._spawn(self._watch())
        await Ensemble(self.runners).start(
            runtime=runtime,
            progress=lambda told: _call(loop, self._show, told),
            prepared=lambda: self._become(State.STARTING),
            give_up=self.give_up,
        )
        await self._list_migrations()
        if self._lost:
            raise UnavailableError(self._lost)
        self.started_at = time.time()
        self._settle()
        self._spawn(self._restock())

    async def _discard(self) -> None:
        for runner in self.runners.values():
            await in_thread(runner.service.discard)

    async def _leave(self) -> None:
        """End whatever runs and give up whatever is held."""

        async def leave() -> None:
            await self._end_background()
            if self.proxy is not None:
                await self.proxy.close()
            if self._runtime is not None:
                await self._runtime.close()
                self._runtime = None
            for runner in self.runners.values():
                runner.lost()
            if self._premises is not None:
                await in_thread(self._premises.vacate)
                self._premises = None
            self.started_at = None

        await uninterrupted(leave())

    @contextlib.asynccontextmanager
    async def _or_nothing(self) -> AsyncIterator[None]:
        """Leave nothing running if the body fails or is cancelled."""
        try:
            yield
        except asyncio.CancelledError:
            await self._leave()
            if self.state is not State.STOPPING:
                self._become(State.STOPPED)
            raise
        except SysdesignError as error:
            await self._leave()
            self._become(State.FAILED, error.message)
            raise
        except Exception:
            await self._leave()
            self._become(State.FAILED, "An internal error; see the control plane's log")
            raise

    async def _clear_after_loss(self, reason: str) -> None:
        # Not one of the background tasks that leaving ends.
        current = asyncio.current_task()
        if current is not None:
            self._background.discard(current)
        with contextlib.suppress(ConflictError):
            await self.operations.interrupt(self._leave())
            self._become(State.FAILED, reason)

    async def _mend_links(self, proxy: LinkProxy) -> None:
        """Start the proxy of the marked links again: nobody asked for its end."""
        await proxy.close()
        if self.state in UP:
            self._settle()
        with contextlib.suppress(SysdesignError):
            await proxy.open(self.runtime)
        if self.state in UP:
            self._settle()

    async def _end_background(self) -> None:
        await end(*self._background)
        self._background.clear()

    async def _restock(self) -> None:
        await asyncio.sleep(_RESTOCK_AFTER_S)
        for runner in self.runners.values():
            await in_thread(runner.service.restock)

    async def _list_migrations(self) -> None:
        if not self.databases:
            return
        with contextlib.suppress(SysdesignError, psycopg.Error):
            listed = await self.databases[0].migrations.list()
            if listed != self.migrations:
                self.migrations = listed
                if self.state in UP:
                    self._tell()

    async def _watch(self) -> None:
        stop = asyncio.Event()
        watched = {path for each in self.runners.values() for path in each.service.watched}
        workspace = self.source.workspace
        elsewhere = [path for path in watched if not path.is_relative_to(workspace)]
        async for paths_saved in saved_files([workspace, *elsewhere], stop, self._say_to_watchers):
            self._saved(paths_saved)

    def _say_to_watchers(self, line: str) -> None:
        log.warning("%s: %s", self.source.instance_id, line)
        for runner in self.runners.values():
            if runner.service.watched:
                self.console.say(runner.name, line)

    def _saved(self, saved: frozenset[Path]) -> None:
        relative = [
            path.relative_to(self.source.workspace).as_posix()
            for path in sorted(saved)
            if path.is_relative_to(self.source.workspace) and file_names.is_text(str(path))
        ]
        for name in relative:
            if self.source.is_editable(name):
                self._emit("file.saved", {"path": name})
        if any(name.startswith("migrations/") for name in relative):
            self._spawn(self._list_migrations())
        held = self._held_files.paths(self.spec)
        if held.intersection(saved):
            self._list_pending()
        for runner in self.runners.values():
            watched = set(runner.service.watched) - held
            if any(path in watched or watched.intersection(path.parents) for path in saved):
                self._spawn(runner.reload())

    def _held(self) -> Premises:
        if self._premises is None:
            raise UnavailableError(f"{self.source.instance_id} does not run")
        return self._premises

    def _show(self, progress: Progress) -> None:
        if self.state is State.PREPARING:
            self.progress = progress
            self._tell()

    def _settle(self) -> None:
        """Be ready if every service is, else degraded by the first that is not."""
        changing = (ServiceState.RESTARTING, ServiceState.STARTING)
        not_ready = [each for each in self.runners.values() if each.state is not ServiceState.READY]
        down = [each for each in not_ready if each.state not in changing]
        if self.proxy is not None and self.proxy.pid is None:
            self._become(State.DEGRADED, "the proxy that marked links go through does not run")
        elif down:
            reason = down[0].reason or down[0].state.value
            self._become(State.DEGRADED, f"{down[0].name}: {reason}")
        elif not not_ready or self.state not in UP:
            self._become(State.READY, self._notes[-1] if self._notes else "")
        # else it stays what it was until those that are changing have become something

    def _become(self, state: State, reason: str = "") -> None:
        if (state, reason) != (self.state, self.reason) or self.progress is not None:
            self.state, self.reason, self.progress = state, reason, None
            self._tell()

    def become_stopping(self) -> None:
        """Say that a stop began, before what it interrupts has ended."""
        self._become(State.STOPPING)

    def _spawn(self, body: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(body)
        self._background.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._background.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("%s", self.source.instance_id, exc_info=task.exception())


def _call(
    loop: asyncio.AbstractEventLoop, show: Callable[[Progress], None], progress: Progress
) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has closed
        loop.call_soon_threadsafe(show, progress)

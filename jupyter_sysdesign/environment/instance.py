"""A running copy of an environment: the door to everything one can do with it and ask of it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Literal

from jupyter_sysdesign.environment import proctree, statement
from jupyter_sysdesign.environment.lifecycle import AT_REST, UP, Lifecycle
from jupyter_sysdesign.environment.runtimes import choice
from jupyter_sysdesign.environment.service_runner import START_TIMEOUT_S
from jupyter_sysdesign.environment.services.haproxy import Haproxy
from jupyter_sysdesign.environment.services.valkey import Valkey
from jupyter_sysdesign.environment.status import (
    Applied,
    Drift,
    EnvironmentStatus,
    Link,
    ProxyStatus,
    ServiceState,
    ServiceStatus,
    State,
)
from jupyter_sysdesign.environment.sweep import sweep_all
from jupyter_sysdesign.environment.tasks import uninterrupted
from jupyter_sysdesign.environment.threads import in_thread
from jupyter_sysdesign.errors import ConflictError, NotFoundError
from jupyter_sysdesign.load.target import Target

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from jupyter_sysdesign.control.models import SqlRequest
    from jupyter_sysdesign.environment.addresses import Address
    from jupyter_sysdesign.environment.link_proxy import LinkProxy
    from jupyter_sysdesign.environment.passwords import Role
    from jupyter_sysdesign.environment.service_runner import ServiceRunner
    from jupyter_sysdesign.environment.services.postgres import Postgres
    from jupyter_sysdesign.environment.source import Source
    from jupyter_sysdesign.environment.status import SqlResult

Action = Literal["start", "stop", "kill", "pause", "resume"]


async def _nothing() -> None:
    """Do nothing."""


class Instance:
    """One environment of one workspace.

    One operation at a time changes it; ``stop`` interrupts any other. Everything runs on the event
    loop of the caller.

    Args:
        source: the lesson's files under the learner's.
        purpose: ``lesson``, or ``check``: then the folder goes with the program that owns it.
        emit: hears every event (its type and data), on the event loop, in order.
        leave_data: awaited once pristine data are about to take the place of those there are: ends
            what works on them. Nothing else is done to the instance meanwhile.
        runs_on: the runtime; by default the configured one.
        start_timeout_s: how long a service may take until it answers.

    Raises:
        InvalidFileError: ``compose.yaml`` is wrong.
    """

    def __init__(
        self,
        source: Source,
        *,
        purpose: str = "lesson",
        emit: Callable[[str, dict[str, Any]], None],
        leave_data: Callable[[], Awaitable[None]] = _nothing,
        runs_on: str | None = None,
        start_timeout_s: float = START_TIMEOUT_S,
    ) -> None:
        self.source = source
        self.purpose = purpose
        self.id = source.instance_id
        self._emit = emit
        self._life = Lifecycle(
            source,
            self._tell,
            emit,
            leave_data,
            purpose=purpose,
            runs_on=runs_on or choice.default(),
            start_timeout_s=start_timeout_s,
        )

    # --- what it is -------------------------------------------------------------------------

    @property
    def status(self) -> EnvironmentStatus:
        """Return the state now."""
        life = self._life
        services = [self._status_of(name) for name in life.spec.services]
        return EnvironmentStatus(
            id=self.id,
            lesson=self.source.lesson,
            workspace=str(self.source.workspace),
            runtime=life.runs_on,
            state=life.state,
            reason=life.reason,
            progress=life.progress,
            services=services,
            links=[
                Link(source=each.source, target=each.target, marked=each.marked)
                for each in life.spec.links
            ],
            proxy=ProxyStatus(pid=life.proxy.pid) if life.proxy else None,
            url=next((each.url for each in services if each.name == life.spec.entry), None),
            migrations=life.migrations,
            pending=life.pending,
            started_at=life.started_at,
        )

    @property
    def target(self) -> Target:
        """Return where load goes.

        Raises:
            NotFoundError: nothing is published.
            ConflictError: it does not run.
        """
        self._require_up()
        entry = self._life.spec.entry
        if entry is None:
            raise NotFoundError(f"{self.source.lesson} publishes no service to put load on")
        address = self.address(entry)
        if address.port is None:
            return Target("localhost", 80, unix_path=str(address.path))
        return Target(address.host, address.port, anywhere=True)  # where the runtime put it

    @property
    def proxy(self) -> LinkProxy:
        """Return what the links that are marked go through.

        Raises:
            ConflictError: it does not run.
            NotFoundError: no link is marked.
        """
        self._require_up()
        if self._life.proxy is None:
            raise NotFoundError(f"{self.source.lesson} marks no link for faults")
        return self._life.proxy

    def address(self, service: str) -> Address:
        """Return where a service is reached.

        Raises:
            NotFoundError: there is none of that name, or it listens nowhere.
            ConflictError: the instance does not run.
        """
        address = self._runner(service).service.address
        if address is None:
            raise NotFoundError(f"{service} listens nowhere")
        return address

    def processes(self) -> dict[str, list[int]]:
        """Return the process ids of every running service's tree, the main one first."""
        runners = self._life.runners.values()
        return {each.name: proctree.members(each.pid) for each in runners if each.pid is not None}

    def dsn(self, role: Role = "app", service: str | None = None) -> str:
        """Return a libpq URL of a database (default: the first), with its password.

        Raises:
            NotFoundError: there is no such database.
            ConflictError: the instance does not run.
        """
        return self._database(service).dsn(role)

    def cache_url(self, service: str) -> str:
        """Return a URL of a cache that redis-py understands, with its password.

        Raises:
            NotFoundError: there is no such cache.
            ConflictError: the instance does not run.
        """
        found = self._runner(service).service
        if not isinstance(found, Valkey):
            raise NotFoundError(f"{service} is no cache")
        return found.url

    def stats_address(self, service: str) -> Address:
        """Return where a load balancer answers runtime commands such as ``show stat``.

        Raises:
            NotFoundError: there is no such load balancer.
            ConflictError: the instance does not run.
        """
        found = self._runner(service).service
        if not isinstance(found, Haproxy):
            raise NotFoundError(f"{service} is no load balancer")
        return found.stats

    def metrics_addresses(self) -> dict[str, Address]:
        """Return where each Python service that listens answers ``GET /metrics``."""
        found = {
            each.name: each.service.address
            for each in self._life.runners.values()
            if each.service.spec.kind == "python" and each.state is ServiceState.READY
        }
        return {name: address for name, address in found.items() if address is not None}

    def logs(self, service: str | None = None, tail: int = 200) -> list[dict[str, Any]]:
        """Return the last lines (ts, service, line) of one service or all, oldest first.

        Thread-safe; may read files.

        Raises:
            NotFoundError: there is no such service.
        """
        if service is not None:
            self._require_known(service)
        names = list(self._life.spec.services) if service is None else [service]
        return self._life.console.tail(names, tail)

    # --- operations -------------------------------------------------------------------------

    async def start(self) -> None:
        """Bring everything up; returns when it is ready, or degraded by the learner's files.

        Raises:
            ConflictError: it runs already, or was stopped meanwhile.
            StartFailedError: a service did not come up; with its last lines.
            MissingBinaryError, ResourceError, InvalidFileError, UnavailableError.
        """
        if self._life.state not in AT_REST:
            raise ConflictError(
                f"{self.id} is {self._life.state.value} already", hint="Stop it first."
            )
        await self._life.operations.run(self._life.start())

    async def stop(self) -> None:
        """End all processes, whatever is going on; data and logs stay.

        Raises:
            ConflictError: it is stopped, or stopping, already.
        """
        if self._life.state in (State.STOPPED, State.STOPPING) and not self._is_starting:
            raise ConflictError(f"{self.id} is {self._life.state.value} already")
        self._life.become_stopping()
        await uninterrupted(self._life.operations.interrupt(self._life.stop()))

    async def reset(self) -> None:
        """Restore the pristine data; an instance that runs is running again afterwards.

        Raises:
            ConflictError: another operation is under way.
            SysdesignError: as ``start``.
        """
        life = self._life
        await life.operations.run(life.restore() if life.state in UP else life.discard())

    async def apply(self) -> Applied:
        """Let an edited ``compose.yaml`` take effect, then apply the pending migrations.

        Services that are described as before go on running. Where an applied migration changed,
        the data is restored first.

        Raises:
            ConflictError: it does not run, or another operation is under way.
            NotFoundError: there is no database.
            InvalidFileError: a file is wrong or a migration is refused; with its line.
            SysdesignError: as ``start``; the services are then as they were before.
        """
        self._require_up()
        return await self._life.operations.run(self._life.apply())

    async def remove(self) -> None:
        """End all processes and delete data and logs; the workspace is not touched.

        Raises:
            ConflictError: another program runs it.
            ResourceError: the folder cannot be used.
        """
        with contextlib.suppress(ConflictError):
            await self.stop()
        await self._life.operations.interrupt(self._life.remove())

    async def service(self, name: str, action: Action) -> ServiceStatus:
        """Act on one service; returns when it is done.

        Raises:
            NotFoundError: there is no such service.
            ConflictError: the state does not allow it.
            SysdesignError: as ``start``.
        """
        self._require_known(name)
        self._require_up()
        if name in self._life.replacing:
            raise ConflictError(
                f"{self.id} is following compose.yaml", hint="Try again in a moment."
            )
        runner = self._runner(name)
        work: dict[Action, Callable[[], Coroutine[Any, Any, None]]] = {
            "start": runner.prepare_and_start,
            "stop": runner.stop_running,
            "kill": runner.kill,
            "pause": runner.pause,
            "resume": runner.resume,
        }
        await uninterrupted(self._life.operations.beside(work[action]()))
        return runner.status

    @property
    def busy(self) -> bool:
        """Tell whether an operation is under way."""
        return self._life.operations.busy

    @property
    def runs_on(self) -> str:
        """Return the runtime it runs on, or will."""
        return self._life.runs_on

    def run_on(self, runtime: str) -> None:
        """Let it run on another runtime from its next start on.

        Raises:
            ConflictError: it runs on another one now.
        """
        if runtime == self._life.runs_on:
            return
        if self._life.state not in AT_REST:
            raise ConflictError(
                f"{self.id} runs on the {self._life.runs_on} runtime", hint="Stop it first."
            )
        self._life.runs_on = runtime

    async def stands_still(self, name: str) -> str:
        """Return what of a paused service stands still; empty: something of it still runs.

        Raises:
            NotFoundError, ConflictError, UnavailableError.
        """
        self._runner(name)
        return await self._life.runtime.stands_still(name)

    async def set_quota(self, name: str, cpus: float | None) -> ServiceStatus:
        """Hold a running service to ``cpus`` cores from now on (None: no quota).

        Raises:
            NotFoundError, ConflictError.
        """
        self._require_known(name)
        self._require_up()
        runner = self._runner(name)
        await uninterrupted(self._life.operations.beside(runner.set_quota(cpus)))
        return runner.status

    def remember_quota(self, name: str, cpus: float | None) -> None:
        """Hold a service that does not run now to ``cpus`` cores from its next start on.

        Raises:
            NotFoundError: there is no such service.
        """
        self._require_known(name)
        if name in self._life.runners:
            self._life.runners[name].cpus = cpus

    async def set_app_password(self, service: str, password: str | None) -> None:
        """Give the application's role of a database another password; None: its own again.

        Only until the database's next start: that always has the password that the application is
        told.

        Raises:
            NotFoundError, ConflictError.
        """
        self._require_up()
        await self._database(service).set_app_password(password)

    async def sql(self, request: SqlRequest) -> SqlResult:
        """Run one statement as the learner's own role, or as the grader's.

        Raises:
            SqlError: PostgreSQL refuses it.
            NotFoundError, ConflictError, UnavailableError, ResourceError.
        """
        self._require_up()
        return await statement.execute(
            self._database(request.service).dsn(request.role),
            request.statement,
            parameters=request.parameters,
            max_rows=request.max_rows,
            explain=request.explain,
        )

    async def drift(self) -> Drift:
        """Return where the live schema differs from pristine plus migrations.

        Raises:
            ConflictError: it does not run.
            UnavailableError: the database does not answer.
        """
        self._require_up()
        primaries = [each for each in self._life.databases if not each.spec.replica_of]
        found = [await each.drift.find() for each in primaries]
        return Drift(
            drifted=any(each.drifted for each in found),
            differences=[line for each in found for line in each.differences],
        )

    # --- within -----------------------------------------------------------------------------

    @property
    def _is_starting(self) -> bool:
        return self._life.state is State.STOPPED and self._life.operations.busy

    def _tell(self) -> None:
        self._emit("environment.state", self.status.model_dump(mode="json"))

    def _status_of(self, name: str) -> ServiceStatus:
        runner = self._life.runners.get(name)
        if runner is not None:
            return runner.status
        spec = self._life.spec.services[name]
        return ServiceStatus(
            name=name,
            kind=spec.kind,
            replica_of=spec.replica_of,
            state=ServiceState.STOPPED,
            reason="",
            url=None,
            cpus=spec.cpus,
            memory_bytes=spec.memory_bytes,
            pid=None,
        )

    def _runner(self, name: str) -> ServiceRunner:
        self._require_known(name)
        self._require_running(name)
        return self._life.runners[name]

    def _database(self, name: str | None) -> Postgres:
        if name is not None:
            self._require_known(name)
        self._require_running(name)
        databases = [each for each in self._life.databases if name in (None, each.spec.name)]
        if not databases:
            raise NotFoundError(f"{name} is no database" if name else "There is no database here")
        return databases[0]

    def _require_known(self, service: str) -> None:
        if service not in self._life.spec.services:
            known = ", ".join(self._life.spec.services)
            raise NotFoundError(f"There is no service {service!r}", hint=f"There are {known}.")

    def _require_running(self, service: str | None) -> None:
        running = {} if self._life.state in AT_REST else self._life.runners
        if not running or service not in (None, *running):
            raise ConflictError(f"{self.id} does not run", hint="Start it first.")

    def _require_up(self) -> None:
        if self._life.state not in UP:
            raise ConflictError(
                f"{self.id} is {self._life.state.value}",
                hint="Start it, and wait until it is ready.",
            )


async def sweep() -> int:
    """End what earlier owners of this home left running; return how many processes that were."""
    return await in_thread(sweep_all)

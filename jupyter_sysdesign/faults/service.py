"""Faults of a service: its process dies, stands still, comes back, or gets little CPU."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import psutil
from pydantic import Field

from jupyter_sysdesign.environment.proctree import LINUX
from jupyter_sysdesign.environment.status import ServiceState
from jupyter_sysdesign.environment.tasks import uninterrupted
from jupyter_sysdesign.errors import ConflictError, SysdesignError, UnavailableError
from jupyter_sysdesign.faults.fault import Arguments, Fault

if TYPE_CHECKING:
    from jupyter_sysdesign.environment.status import EnvironmentStatus, ServiceStatus

_ALL = ("postgres", "valkey", "haproxy", "python")
_ENDED = frozenset({ServiceState.FAILED, ServiceState.STOPPED})
_UP = frozenset({ServiceState.READY, ServiceState.PAUSED})
#: What is said of processes that are none any more.
_GONE = frozenset({"", psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD})
_LOOKS, _LOOK_EVERY_S = 50, 0.02


class _ServiceFault(Fault[Any]):
    """What the faults of services have in common."""

    target = "service"
    kinds = _ALL

    def _status(self, status: EnvironmentStatus | None = None) -> ServiceStatus:
        services = (status or self.spot.system.status).services
        return next(each for each in services if each.name == self.spot.service)

    def _pids(self) -> list[int]:
        return self.spot.system.processes().get(self.spot.service, [])

    def _is_gone(self, status: EnvironmentStatus) -> str:
        service = self._status(status)
        if service.state in _ENDED:
            why = f": {service.reason}" if service.reason else ""
            return f"{service.name} {service.state.value}{why}"
        return ""


class Kill(_ServiceFault):
    """SIGKILL to everything of a service."""

    id = "kill"
    name = "Kill"
    description = "Kills the service's processes at once (SIGKILL). It stays away."
    expect = (
        "Whoever has a connection to it sees that closed or reset, and new ones are refused. "
        "Recovering starts it again."
    )

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._killed: list[int] = []

    async def inject(self) -> None:
        """Kill it."""
        self._killed = self._pids()
        await self.spot.system.service(self.spot.service, "kill")

    async def verify(self) -> str:
        """See that none of its processes is left."""
        left = [pid for pid in self._killed if _state(pid) not in _GONE]
        if left:
            raise UnavailableError(f"Processes {left} of {self.spot.service} still run")
        return f"nothing is left of {_counted(self._killed)}"

    async def recover(self) -> None:
        """Start it again, unless somebody did."""
        if self._killed and self._status().state in _ENDED:
            await self.spot.system.service(self.spot.service, "start")
        self._killed = []

    def over(self, status: EnvironmentStatus) -> str:
        """It is over when the service runs again."""
        if self._status(status).state in _UP:
            return f"{self.spot.service} was started again"
        return ""


class Pause(_ServiceFault):
    """SIGSTOP to everything of a service."""

    id = "pause"
    name = "Pause"
    description = "Freezes the service's processes (SIGSTOP): it is there, and does nothing."
    expect = (
        "Connections to it stay open and new ones are still accepted by the system, but nothing "
        "is answered: callers wait until their timeouts."
    )

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._asked = False

    async def inject(self) -> None:
        """Freeze it."""
        now = self._status()
        if now.state is not ServiceState.READY:  # somebody else's pause is not ours to end
            raise ConflictError(f"{now.name} is {now.state.value}, so it cannot be paused")
        self._asked = True
        await self.spot.system.service(self.spot.service, "pause")

    async def verify(self) -> str:
        """See that all of its processes stand still; one that is just ending may take a moment."""
        for _ in range(_LOOKS):
            still = await self.spot.system.stands_still(self.spot.service)
            if still:
                return f"{still} standing still"
            await asyncio.sleep(_LOOK_EVERY_S)
        raise UnavailableError(f"Processes of {self.spot.service} still run")

    async def recover(self) -> None:
        """Let it go on."""
        if self._asked and self._status().state is ServiceState.PAUSED:
            await self.spot.system.service(self.spot.service, "resume")

    def over(self, status: EnvironmentStatus) -> str:
        """It is over when the service goes on, or is gone."""
        if self._status(status).state is ServiceState.PAUSED:
            return ""
        return self._is_gone(status) or f"{self.spot.service} was resumed"


class Restart(_ServiceFault):
    """An orderly stop, and a start."""

    id = "restart"
    name = "Restart"
    description = "Stops the service in good order (SIGTERM) and starts it again."
    expect = (
        "Its connections end, and it is away for as long as it takes to come back, with empty "
        "memory: pools, caches and prepared statements have to be built up again."
    )
    one_shot = True

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._before: int | None = None

    async def inject(self) -> None:
        """Stop and start it."""
        before = self._status()
        if before.state not in _UP:
            raise ConflictError(f"{before.name} is {before.state.value}: it does not run")
        self._before = before.pid
        await uninterrupted(self._restart())  # or whoever stops the story leaves it stopped

    async def _restart(self) -> None:
        await self.spot.system.service(self.spot.service, "stop")
        await self.spot.system.service(self.spot.service, "start")

    async def verify(self) -> str:
        """See that another process is there."""
        now = self._status().pid
        if now is None or now == self._before:
            raise UnavailableError(f"{self.spot.service} was not restarted")
        return f"process {self._before} ended, process {now} took its place"


class QuotaArguments(Arguments):
    """Arguments of ``cpu-quota``."""

    cpus: float = Field(0.1, ge=0.01, le=64, description="cores that it may use")


class CpuQuota(_ServiceFault):
    """Less CPU than it needs."""

    id = "cpu-quota"
    name = "CPU quota"
    description = "Holds the service to a share of a core, as a small container would."
    expect = (
        "It gets slower as soon as it has more to do than fits: its queue grows, then the waiting "
        "times of its callers."
    )
    takes = QuotaArguments

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._before: tuple[float | None] | None = None

    async def inject(self) -> None:
        """Set the quota; also a restarted service is held to it."""
        if not LINUX:
            raise ConflictError("CPU quotas need Linux")
        before = self._status().cpus
        self._before = (before,)  # first: it takes effect even if we are cancelled
        try:
            await self.spot.system.set_quota(self.spot.service, self.arguments.cpus)
        except SysdesignError:
            self._before = None
            raise

    async def verify(self) -> str:
        """See that its quota is the one asked for."""
        cpus = self._status().cpus
        if cpus != self.arguments.cpus:
            raise UnavailableError(f"{self.spot.service} is held to {cpus} cores")
        usual = self._before[0] if self._before and self._before[0] else None
        return f"held to {cpus:g} cores" + (f" instead of {usual:g}" if usual else "")

    async def recover(self) -> None:
        """Set the quota that was before, for its next start where it does not run now."""
        if self._before is None:
            return
        if self._in_force:
            (cpus,) = self._before
            try:
                await self.spot.system.set_quota(self.spot.service, cpus)
            except ConflictError:
                self.spot.system.remember_quota(self.spot.service, cpus)
        self._before = None

    async def release(self) -> None:
        """Let its next start have the quota that was before."""
        if self._before is not None and self._in_force:
            self.spot.system.remember_quota(self.spot.service, self._before[0])
        self._before = None

    @property
    def _in_force(self) -> bool:
        """Whether nobody has given it another quota since."""
        return self._status().cpus == float(self.arguments.cpus)

    def over(self, status: EnvironmentStatus) -> str:
        """It is over when the service is gone."""
        return self._is_gone(status)


def _counted(processes: list[Any]) -> str:
    return f"{len(processes)} process{'es' if len(processes) != 1 else ''}"


def _state(pid: int) -> str:
    """Return what a process does, empty if there is none."""
    try:
        return psutil.Process(pid).status()
    except psutil.NoSuchProcess:
        return ""

"""The faults of one environment: puts them on, keeps them, notices when they are over."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from jupyter_sysdesign.environment.status import ServiceState, State
from jupyter_sysdesign.environment.tasks import end, uninterrupted
from jupyter_sysdesign.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    SysdesignError,
)
from jupyter_sysdesign.faults.fault import Spot
from jupyter_sysdesign.faults.models import ActiveFault

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from jupyter_sysdesign.environment.instance import Instance
    from jupyter_sysdesign.environment.status import EnvironmentStatus
    from jupyter_sysdesign.faults.fault import Arguments, Fault
    from jupyter_sysdesign.faults.models import FaultRequest

log = logging.getLogger(__name__)

Told = Literal["fault.started", "fault.ended"]

_UP = frozenset({State.READY, State.DEGRADED})
_AGAIN_S = 1.0


class _Held:
    """A fault in force."""

    def __init__(self, fault: Fault[Any], said: ActiveFault) -> None:
        self.fault = fault
        self.said = said
        self.recovering = False
        self.timer: asyncio.TimerHandle | None = None


class Injector:
    """The faults of one environment.

    Two faults on the same spot compose, or the second one is refused: the same fault twice, and
    those that exclude each other.

    Args:
        system: the environment.
        tell: hears of every fault that takes effect and of every one that ends, in order.
    """

    def __init__(self, system: Instance, tell: Callable[[Told, ActiveFault], None]) -> None:
        self._system = system
        self._tell = tell
        self._held: dict[str, _Held] = {}
        self._spots: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._background: set[asyncio.Task[None]] = set()

    @property
    def active(self) -> list[ActiveFault]:
        """Return the faults in force, oldest first."""
        return [held.said for held in self._held.values()]

    def check(self, request: FaultRequest) -> None:
        """Look whether a request makes sense, whatever the state is.

        Raises:
            NotFoundError: no such fault, service or link.
            InvalidRequestError: wrong arguments, or it cannot be put on that.
        """
        self._make(request)

    async def inject(self, request: FaultRequest, *, schedule: str | None = None) -> ActiveFault:
        """Put a fault on; returns once it was seen to have taken effect.

        Raises:
            NotFoundError, InvalidRequestError: as ``check``.
            ConflictError: the state does not allow it, or another fault is in its way.
            UnavailableError: it did not take effect. Nothing is left of it, or else it is active.
            SysdesignError: as ``Instance.start``.
        """
        fault = self._make(request)
        async with self._spots[str(fault.spot)]:
            self._require_possible(fault)
            try:
                await fault.inject()
                evidence = await fault.verify()
            except BaseException as error:
                await uninterrupted(self._undo(fault, request, schedule))
                reason = _at_rest(self._system.status)
                if reason and isinstance(error, SysdesignError):
                    # Whatever it met was the environment on its way down.
                    raise ConflictError(f"{self._system.id}: {reason}") from error
                raise
            held = self._hold(fault, request, schedule, evidence)
            if fault.one_shot:
                self._end(held, "it is over as soon as it is done")
        self.follow()  # what it was put on may have gone meanwhile
        return held.said

    async def recover(self, identity: str, reason: str = "recovered") -> None:
        """Bring back what was before a fault; nothing happens when it has ended already.

        Raises:
            SysdesignError: that is not possible now, and the fault stays in force.
        """
        held = self._held.get(identity)
        if held is None:
            return
        async with self._spots[str(held.fault.spot)]:
            if identity not in self._held:
                return
            held.recovering = True
            try:
                await uninterrupted(held.fault.recover())
            except BaseException:
                held.recovering = False
                self.follow()  # it may be over for the very reason that it cannot be recovered
                raise
            self._end(held, reason)

    def follow(self) -> None:
        """Hear that the environment, or something in it, has changed: end what is over."""
        if not self._held:
            return
        status = self._system.status
        for held in list(self._held.values()):
            if not held.recovering:
                reason = (
                    _at_rest(status)
                    or _taken_out(held.fault.spot.service, status)
                    or held.fault.over(status)
                )
                if reason:
                    self._end(held, reason)
                    self._spawn(_release(held.fault))

    async def close(self) -> None:
        """Let go of everything."""
        for held in list(self._held.values()):
            self._end(held, "the environment was removed")
            await _release(held.fault)
        await end(*self._background)

    # --- within -----------------------------------------------------------------------------

    def _make(self, request: FaultRequest) -> Fault[Any]:
        # Imported late: it brings drivers for databases and caches, which few environments need.
        from jupyter_sysdesign.faults.library import find  # noqa: PLC0415

        kind = find(request.fault)
        identity = uuid.uuid4().hex[:12]
        if kind.target == "link":
            self._require_link(kind, request)
        else:
            self._require_service(kind, request)
        spot = Spot(
            system=self._system,
            service=request.service or "",
            link=request.link,
            gone=lambda reason: self._gone(identity, reason),
        )
        return kind(identity, spot, _arguments(kind, request.arguments))

    def _require_link(self, kind: type[Fault[Any]], request: FaultRequest) -> None:
        if request.link is None or request.service is not None:
            raise InvalidRequestError(f"{kind.id} is put on a link", hint="Name its two ends.")
        links = self._system.status.links
        marked = [f"{each.source} → {each.target}" for each in links if each.marked]
        if str(request.link) not in marked:
            raise NotFoundError(
                f"No fault can be put on a link {str(request.link)!r} here",
                hint=f"The lesson marks {', '.join(marked) or 'no links'} for faults.",
            )

    def _require_service(self, kind: type[Fault[Any]], request: FaultRequest) -> None:
        if request.service is None or request.link is not None:
            raise InvalidRequestError(f"{kind.id} is put on a {kind.target}", hint="Name one.")
        services = self._system.status.services
        fitting = [
            each.name
            for each in services
            if each.kind in kind.kinds and kind.replica in (None, each.replica_of is not None)
        ]
        if request.service in fitting:
            return
        hint = f"It can be put on {', '.join(fitting) or 'nothing here'}."
        if any(each.name == request.service for each in services):
            wanted = {None: f"no {kind.target}", True: "no replica", False: "a replica"}
            is_of_kind = any(
                each.name == request.service and each.kind in kind.kinds for each in services
            )
            what = wanted[kind.replica if is_of_kind else None]
            raise InvalidRequestError(f"{request.service} is {what}", hint=hint)
        raise NotFoundError(f"There is no service {request.service!r}", hint=hint)

    def _require_possible(self, fault: Fault[Any]) -> None:
        status = self._system.status
        if status.state not in _UP:
            raise ConflictError(
                f"{self._system.id} is {status.state.value}",
                hint="Start it, and wait until it is ready.",
            )
        if fault.target in ("database", "cache"):
            server = next(each for each in status.services if each.name == fault.spot.service)
            if server.state is not ServiceState.READY:
                raise ConflictError(
                    f"{server.name} is {server.state.value}: it takes no orders",
                    hint="Recover what was put on it first.",
                )
        for held in self._held.values():
            other = held.fault
            if str(other.spot) != str(fault.spot):
                continue
            if other.id == fault.id or other.id in fault.excludes or fault.id in other.excludes:
                raise ConflictError(
                    f"{other.name} is on {fault.spot} already"
                    + ("" if other.id == fault.id else f", and {fault.name} does not go with it"),
                    hint="Recover that one first.",
                )

    def _hold(
        self, fault: Fault[Any], request: FaultRequest, schedule: str | None, evidence: str
    ) -> _Held:
        """Let a fault be in force until it is recovered, or its time is over."""
        now = time.time()
        for_s = None if fault.one_shot else request.for_s
        said = ActiveFault(
            id=fault.identity,
            fault=fault.id,
            name=fault.name,
            service=request.service,
            link=request.link,
            arguments=fault.arguments.model_dump(mode="json"),
            state="active",
            evidence=evidence,
            started_at=now,
            ends_at=now + for_s if for_s else None,
            schedule=schedule,
        )
        held = self._held[fault.identity] = _Held(fault, said)
        self._tell("fault.started", said)
        if for_s:
            held.timer = asyncio.get_running_loop().call_later(
                for_s, self._time_is_over, fault.identity
            )
        return held

    async def _undo(self, fault: Fault[Any], request: FaultRequest, schedule: str | None) -> None:
        """Undo what a fault may have done that did not come about; hold it where that fails."""
        try:
            await fault.recover()
        except Exception as error:  # noqa: BLE001 (whatever it is, the fault may be in force)
            log.warning("%s on %s could not be undone: %s", fault.id, fault.spot, error)
            if _at_rest(self._system.status):
                await _release(fault)
                return
            self._hold(fault, request, schedule, f"it could not be undone: {error}")
            self.follow()  # it may be over for the very reason that it cannot be undone

    def _gone(self, identity: str, reason: str) -> None:
        held = self._held.get(identity)
        if held is not None and not held.recovering:
            self._end(held, reason)
            self._spawn(_release(held.fault))

    def _time_is_over(self, identity: str) -> None:
        self._spawn(self._recover_in_time(identity))

    async def _recover_in_time(self, identity: str) -> None:
        """Recover it, trying again for as long as it is in force."""
        said = ""
        while identity in self._held:
            try:
                await self.recover(identity, "its time was over")
            except Exception as error:  # noqa: BLE001, PERF203 (a full disk, too; once a second)
                if str(error) != said:
                    said = str(error)
                    log.warning("fault %s could not be recovered: %s", identity, said)
                await asyncio.sleep(_AGAIN_S)

    def _end(self, held: _Held, reason: str) -> None:
        if self._held.pop(held.said.id, None) is None:
            return
        if held.timer is not None:
            held.timer.cancel()
        held.said = held.said.model_copy(
            update={"state": "ended", "ended_at": time.time(), "reason": reason}
        )
        self._tell("fault.ended", held.said)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


def _arguments(kind: type[Fault[Any]], given: dict[str, Any]) -> Arguments:
    try:
        return kind.takes.model_validate(given)
    except ValidationError as error:
        said = [
            ascii(".".join(["arguments", *map(str, each["loc"])]))[1:-1] + f": {each['msg']}"
            for each in error.errors()[:3]
        ]
        raise InvalidRequestError("; ".join(said)) from error


def _at_rest(status: EnvironmentStatus) -> str:
    """Return why nothing can be in force now; empty where something can."""
    if status.state in _UP:
        return ""
    if status.state in (State.PREPARING, State.STARTING):
        return "the environment was reset"
    return f"the environment is {status.state.value}"


def _taken_out(service: str, status: EnvironmentStatus) -> str:
    """Return that a service is no more; empty where it is, or none is meant."""
    if not service or any(each.name == service for each in status.services):
        return ""
    return f"{service} was taken out of the environment"


async def _release(fault: Fault[Any]) -> None:
    with contextlib.suppress(SysdesignError, OSError):
        await fault.release()

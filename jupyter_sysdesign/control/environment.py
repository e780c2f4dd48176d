"""One environment and all that the control plane keeps of it: instance, events, runs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign import paths
from jupyter_sysdesign.control.events import EventStream
from jupyter_sysdesign.control.models import EventType
from jupyter_sysdesign.control.recorder import Recorder
from jupyter_sysdesign.control.runs import Runs
from jupyter_sysdesign.control.sequence import Sequence
from jupyter_sysdesign.control.temporary import temporary
from jupyter_sysdesign.environment.instance import Instance
from jupyter_sysdesign.environment.status import EnvironmentStatus, State
from jupyter_sysdesign.errors import ConflictError, NotFoundError, SysdesignError
from jupyter_sysdesign.faults.injector import Injector
from jupyter_sysdesign.faults.schedules import Schedules

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from jupyter_sysdesign.environment.source import Source
    from jupyter_sysdesign.faults.models import ActiveFault

log = logging.getLogger(__name__)

#: States in which no process of the environment is running.
AT_REST = frozenset({State.STOPPED, State.FAILED})

_POLL_S = 0.01

#: What may end a fault.
_CHANGES = frozenset({EventType.ENVIRONMENT_STATE, EventType.SERVICE_STATE})


class Environment:
    """An instance and its surroundings, by the instance's id.

    Args:
        source: what it is built from.
        purpose: ``lesson``, or ``check``: only there for one, and removed with its lease.
        settle: called when a run has ended.
        failed: called with its id when it has failed, by itself or as it was started.
        after: the number its events go on from.
    """

    def __init__(
        self,
        source: Source,
        purpose: str,
        settle: Callable[[Environment], Awaitable[None]],
        failed: Callable[[str], None],
        after: int = 0,
    ) -> None:
        self.source = source
        self.purpose = purpose
        self.id = source.instance_id
        # First of all: where the files are wrong, nothing is left behind.
        self.instance = Instance(
            source, purpose=purpose, emit=self._emit, leave_data=self._end_runs
        )
        self.folder = paths.instance(self.id) if purpose == "lesson" else temporary(self.id)
        self._sequence = Sequence(self.folder / "events.seq", after)
        self.events = EventStream(self._sequence)
        self.recorder = Recorder(self.instance, self.events)
        self.runs = Runs(
            self.id, self.folder / "runs", self.events, self.recorder, lambda: settle(self)
        )
        self.faults = Injector(self.instance, self._tell_fault)
        self.schedules = Schedules(self.instance, self.faults)
        self._failed = failed
        self._starting: asyncio.Task[None] | None = None
        self._removed = False

    @property
    def status(self) -> EnvironmentStatus:
        """Return the state now, and the newest event that it includes."""
        status: EnvironmentStatus = self.instance.status
        known: dict[str, Any] = {"last_seq": self.events.last_seq}
        if self._is_starting and status.state in AT_REST:  # it was told to, and has yet to begin
            known.update(state=State.PREPARING, reason="")
        return status.model_copy(update=known)

    @property
    def running(self) -> bool:
        """Tell whether processes run, or are about to."""
        return self.status.state not in AT_REST

    def start(self) -> None:
        """Begin to start; the events tell the rest.

        Raises:
            ConflictError: it runs already, or is being reset.
            NotFoundError: it was removed meanwhile.
        """
        self.require_kept()
        if self.instance.busy and not self.running:
            raise ConflictError(f"{self.id} is being reset", hint="Try again in a moment.")
        if self.running:
            raise ConflictError(
                f"{self.id} is {self.status.state.value} already",
                hint="Stop it first, or use it as it is.",
            )
        self._starting = asyncio.create_task(self._start(), name=f"start {self.id}")

    async def stop(self) -> None:
        """Stop all processes; the data stays.

        Raises:
            ConflictError: nothing is running.
        """
        if not self.running:
            raise ConflictError(f"{self.id} is not running", hint="There is nothing to stop.")
        await self.runs.stop_all()
        if self.instance.status.state not in AT_REST:
            await self.instance.stop()
        elif self._starting is not None:  # it was told to start, and has yet to begin
            self._starting.cancel()
            await asyncio.wait([self._starting])

    async def halt(self) -> None:
        """Make sure that nothing runs, whatever state it is in."""
        while self.running:
            with contextlib.suppress(ConflictError):  # somebody else is stopping it
                await self.stop()
            if self.running:  # that it is at rest is told to events, not to us
                await asyncio.sleep(_POLL_S)

    async def reset(self) -> None:
        """Restore the pristine data; a run that is going on ends first.

        Raises:
            ConflictError: something else is being done to it.
            NotFoundError: it was removed meanwhile.
        """
        self.require_kept()
        await self.instance.reset()

    def require_kept(self) -> None:
        """Make sure that it is still there.

        Raises:
            NotFoundError: it was removed meanwhile.
        """
        if self._removed:
            raise NotFoundError(f"{self.id} was removed meanwhile", hint="Start it anew.")

    async def remove(self) -> None:
        """Stop everything and delete the data, for good; the workspace is not touched.

        Raises:
            ConflictError, ResourceError: the data cannot be deleted.
        """
        self._removed = True  # nothing is started any more; what was meanwhile, ends
        try:
            await self.halt()
            await self._end_faults()
            await self.instance.remove()
        finally:
            self.events.close()

    async def close(self) -> None:
        """Stop as the control plane stops; what is only there for a check goes entirely."""
        try:
            await (self.halt() if self.purpose == "lesson" else self.remove())
        except Exception:
            log.exception("%s did not stop", self.id)
        await self._end_faults()
        self._sequence.save()
        self.events.close()

    @property
    def _is_starting(self) -> bool:
        return self._starting is not None and not self._starting.done()

    async def _start(self) -> None:
        try:
            await self.instance.start()
        except SysdesignError as error:
            log.warning("%s did not start: %s", self.id, error)  # the instance's state says it too
        except Exception:
            log.exception("%s did not start", self.id)

    async def _end_runs(self) -> None:
        """End what would be kept as one run, though half of its answers are of other data."""
        await self.runs.stop_all()

    async def _end_faults(self) -> None:
        await self.schedules.close()
        await self.faults.close()

    def _tell_fault(self, kind: str, fault: ActiveFault) -> None:
        self.events.emit(kind, fault.model_dump(mode="json"))

    def _emit(self, kind: EventType | str, data: dict[str, Any]) -> None:
        if kind == EventType.ENVIRONMENT_STATE:
            data = {**data, "last_seq": self.events.last_seq + 1}
        self.events.emit(kind, data)
        if kind == EventType.ENVIRONMENT_STATE:
            state = self.status.state
            self.recorder.follow(state)
            if state in AT_REST:
                self.events.forget_droppable()
                self.runs.give_up()  # nothing answers it any more
            if state is State.FAILED:
                self._failed(self.id)
        if kind in _CHANGES:
            self.schedules.follow()
            self.faults.follow()

"""Failure stories: faults at given moments, played again exactly from the same document."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.environment.status import State
from jupyter_sysdesign.environment.tasks import end
from jupyter_sysdesign.errors import ConflictError
from jupyter_sysdesign.faults.models import FaultRequest, PlayedSchedule, StepOutcome

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from jupyter_sysdesign.environment.instance import Instance
    from jupyter_sysdesign.faults.injector import Injector
    from jupyter_sysdesign.faults.models import FaultSchedule, FaultStep

_UP = frozenset({State.READY, State.DEGRADED})
_MOST_KEPT = 30


class Schedules:
    """The schedules of one environment; one is played at a time."""

    def __init__(self, system: Instance, injector: Injector) -> None:
        self._system = system
        self._injector = injector
        self._known: dict[str, PlayedSchedule] = {}
        self._playing: tuple[str, asyncio.Task[None]] | None = None

    def list(self) -> list[PlayedSchedule]:
        """Return what was played, oldest first."""
        return list(self._known.values())

    def play(self, schedule: FaultSchedule) -> PlayedSchedule:
        """Begin to play a schedule and return at once.

        Raises:
            NotFoundError, InvalidRequestError: a step makes no sense; then none is played.
            ConflictError: the environment does not run, or another one is being played.
        """
        for step in schedule.steps:
            self._injector.check(_request(step, schedule.seed, 0))
        if self._system.status.state not in _UP:
            raise ConflictError(
                f"{self._system.id} does not run", hint="Start it, and wait until it is ready."
            )
        if self._playing is not None:
            raise ConflictError(
                f"Schedule {self._playing[0]} is still being played", hint="Stop it, or wait."
            )
        played = PlayedSchedule(
            id=uuid.uuid4().hex[:12],
            name=schedule.name,
            seed=schedule.seed,
            state="playing",
            started_at=time.time(),
            steps=[StepOutcome(at_s=each.at_s, fault=each.fault) for each in schedule.steps],
        )
        self._known[played.id] = played
        for old in list(self._known)[:-_MOST_KEPT]:
            del self._known[old]
        task = asyncio.create_task(self._play(schedule, played), name=f"schedule {played.id}")
        task.add_done_callback(lambda _: self._over(played))
        self._playing = played.id, task
        return played

    async def stop(self, identity: str) -> None:
        """End a schedule and recover its faults; nothing happens when there is none of that id.

        Raises:
            SysdesignError, OSError: one of them cannot be recovered now; all others are.
        """
        if self._playing is not None and self._playing[0] == identity:
            await self._end()
        failed: list[Exception] = []
        for fault in reversed(self._injector.active):
            if fault.schedule == identity:
                try:
                    await self._injector.recover(fault.id, "its schedule was stopped")
                except Exception as error:  # noqa: BLE001 (whatever it is, raised below)
                    failed.append(error)
        if failed:
            raise failed[0]

    def follow(self) -> None:
        """Hear that the environment has changed: one that goes down has no failures any more."""
        if self._playing is not None and self._system.status.state not in _UP:
            self._playing[1].cancel()

    async def close(self) -> None:
        """Stop playing."""
        await self._end()

    async def _end(self) -> None:
        if self._playing is not None:
            await end(self._playing[1])

    async def _play(self, schedule: FaultSchedule, played: PlayedSchedule) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        order = sorted(range(len(schedule.steps)), key=lambda index: schedule.steps[index].at_s)
        steps: list[asyncio.Task[None]] = []
        try:
            for index in order:
                step = schedule.steps[index]
                await asyncio.sleep(max(began + step.at_s - loop.time(), 0))
                request = _request(step, schedule.seed, index)
                # On its own: one that takes long does not delay the next.
                steps.append(_task(self._step(request, played, played.steps[index])))
            await asyncio.wait(steps)
            played.state = "done"
        finally:
            await end(*steps)

    def _over(self, played: PlayedSchedule) -> None:
        if played.state == "playing":  # it was not let come to its end, or not even begin
            played.state = "stopped"
        self._playing = None

    async def _step(
        self, request: FaultRequest, played: PlayedSchedule, outcome: StepOutcome
    ) -> None:
        try:
            said = await self._injector.inject(request, schedule=played.id)
        except Exception as error:  # noqa: BLE001 (nobody else would hear of it)
            outcome.state, outcome.message = "refused", str(error)
        else:
            outcome.state, outcome.id = "injected", said.id


def _request(step: FaultStep, seed: int, index: int) -> FaultRequest:
    """Return what a step asks for; its draws follow from the schedule's seed and its place."""
    from jupyter_sysdesign.faults.library import find  # noqa: PLC0415 (as in the injector)

    arguments: dict[str, Any] = dict(step.arguments)
    if "seed" in find(step.fault).takes.model_fields and "seed" not in arguments:
        arguments["seed"] = random.Random(f"{seed}:{index}").getrandbits(32)  # noqa: S311 (no secret)
    return FaultRequest(
        fault=step.fault,
        service=step.service,
        link=step.link,
        arguments=arguments,
        for_s=step.for_s,
    )


def _task(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    return asyncio.create_task(work)

"""``/v1/faults`` and ``…/faults``: failures that can be put on an environment, and taken back."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, status

from jupyter_sysdesign.control.caller import Asking
from jupyter_sysdesign.control.problems import documented
from jupyter_sysdesign.faults.models import (
    ActiveFault,
    ActiveFaults,
    FaultLibrary,
    FaultRequest,
    FaultSchedule,
    PlayedSchedule,
    PlayedSchedules,
)

router = APIRouter(prefix="/v1", tags=["faults"])

_NAMED = (403, 404, 409, 422)
_CHANGING = (400, 413, *_NAMED, 424, 503, 507)
_OF = "/environments/{environment}"


@router.get("/faults", operation_id="faults")
async def faults() -> FaultLibrary:
    """List all faults there are, with what to expect of them and a JSON schema of arguments."""
    return await asyncio.to_thread(_describe)


@router.get(f"{_OF}/faults", operation_id="active_faults", responses=documented(*_NAMED))
async def active_faults(environment: str, asking: Asking) -> ActiveFaults:
    """List the faults in force, oldest first."""
    found = await asking.environment(environment)
    return ActiveFaults(faults=found.faults.active)


@router.post(
    f"{_OF}/faults",
    operation_id="inject_fault",
    status_code=status.HTTP_201_CREATED,
    responses=documented(*_CHANGING),
)
async def inject_fault(environment: str, request: FaultRequest, asking: Asking) -> ActiveFault:
    """Put a fault on; answers once it was seen to have taken effect."""
    found = await asking.held(environment)
    return await found.faults.inject(request)


@router.delete(
    f"{_OF}/faults/{{fault}}",
    operation_id="recover_fault",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=documented(*_NAMED, 424, 503, 507),
)
async def recover_fault(environment: str, fault: str, asking: Asking) -> None:
    """Bring back what was before a fault; one that has ended already is none the worse for it."""
    found = await asking.environment(environment)
    await found.faults.recover(fault)


@router.get(f"{_OF}/fault-schedules", operation_id="fault_schedules", responses=documented(*_NAMED))
async def fault_schedules(environment: str, asking: Asking) -> PlayedSchedules:
    """List the schedules that were played, oldest first."""
    found = await asking.environment(environment)
    return PlayedSchedules(schedules=found.schedules.list())


@router.post(
    f"{_OF}/fault-schedules",
    operation_id="play_faults",
    status_code=status.HTTP_201_CREATED,
    responses=documented(400, 413, *_NAMED),
)
async def play_faults(environment: str, request: FaultSchedule, asking: Asking) -> PlayedSchedule:
    """Begin to play a schedule; the events tell which faults come and go."""
    found = await asking.held(environment)
    return found.schedules.play(request)


@router.delete(
    f"{_OF}/fault-schedules/{{schedule}}",
    operation_id="stop_faults",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=documented(*_NAMED, 424, 503, 507),
)
async def stop_faults(environment: str, schedule: str, asking: Asking) -> None:
    """Stop playing a schedule and recover its faults."""
    found = await asking.environment(environment)
    await found.schedules.stop(schedule)


def _describe() -> FaultLibrary:
    from jupyter_sysdesign.faults.library import describe  # noqa: PLC0415 (it imports drivers)

    return describe()

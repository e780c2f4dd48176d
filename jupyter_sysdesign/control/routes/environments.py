"""``/v1/environments``: start, stop, reset, and the services one by one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

from fastapi import APIRouter, Response, status

from jupyter_sysdesign.control.caller import Asking
from jupyter_sysdesign.control.models import (
    Applied,
    DetachRequest,
    EnvironmentRequest,
    EnvironmentStatus,
    ServiceStatus,
)
from jupyter_sysdesign.control.problems import documented
from jupyter_sysdesign.control.startable import check_startable

if TYPE_CHECKING:
    from jupyter_sysdesign.control.caller import Caller
    from jupyter_sysdesign.control.environment import Environment

router = APIRouter(prefix="/v1/environments", tags=["environments"])

_NAMED = (403, 404, 409, 422)
_STARTING = (*_NAMED, 424, 507)


@router.get("", operation_id="environments", responses=documented(409))
async def environments(asking: Asking) -> list[EnvironmentStatus]:
    """List the environments there are, running or not."""
    found = await asking.plane.environments.list()
    return [each.status for each in found if asking.sees(each.source.workspace)]


@router.post(
    "",
    operation_id="create_environment",
    status_code=status.HTTP_201_CREATED,
    responses={
        200: {"model": EnvironmentStatus, "description": "It was there already."},
        **documented(400, 413, *_STARTING),
    },
)
async def create(
    request: EnvironmentRequest, asking: Asking, response: Response
) -> EnvironmentStatus:
    """Prepare and start the environment of a workspace; its events tell how far it is."""
    workspace = await asking.workspace(request.workspace)
    plane = asking.plane
    source = await asyncio.to_thread(workspace.source, plane.catalogue)
    runtime = request.runtime or plane.environments.runtime_of(source.instance_id)
    if request.start:
        await asyncio.to_thread(check_startable, source, runtime)
    if request.purpose == "lesson":  # first, as it may fail: there is nothing to take back yet
        await asyncio.to_thread(plane.workspaces.remember, workspace)
    await plane.settled(source.instance_id)
    environment, new = await plane.environments.make(source, request.purpose)
    if request.start or not environment.running:
        environment.instance.run_on(runtime)
    if request.sample_interval_s is not None:
        environment.recorder.interval_s = request.sample_interval_s
    if request.start and not (request.reuse and environment.running):
        _start(asking, environment)
    asking.hold(environment)
    if not new:
        response.status_code = status.HTTP_200_OK
    return environment.status


@router.get("/{environment}", operation_id="environment", responses=documented(*_NAMED))
async def environment(environment: str, asking: Asking) -> EnvironmentStatus:
    """Describe an environment."""
    return (await asking.environment(environment)).status


@router.delete(
    "/{environment}",
    operation_id="delete",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=documented(*_NAMED),
)
async def delete(environment: str, asking: Asking) -> None:
    """Stop it and delete its data; the workspace stays as it is."""
    found = await asking.environment(environment)
    await asking.plane.checks.end(found.id)
    await asking.plane.environments.remove(found)


@router.post("/{environment}/start", operation_id="start", responses=documented(*_STARTING))
async def start(environment: str, asking: Asking) -> EnvironmentStatus:
    """Begin to start it; its events tell how far it is."""
    found = await asking.environment(environment)
    await asyncio.to_thread(check_startable, found.source, found.instance.runs_on)
    _start(asking, found)
    asking.hold(found)
    return found.status


@router.post("/{environment}/stop", operation_id="stop", responses=documented(*_NAMED))
async def stop(environment: str, asking: Asking) -> EnvironmentStatus:
    """Stop it; its data stays, and a detached lease ends."""
    found = await asking.environment(environment)
    if found.running:  # before it is at rest: from then on it may be started and held anew
        asking.plane.leases.forget_detached(found.id)
    await found.stop()
    return found.status


@router.post("/{environment}/reset", operation_id="reset", responses=documented(*_STARTING))
async def reset(environment: str, asking: Asking) -> EnvironmentStatus:
    """Restore the pristine data; files in the workspace stay."""
    found = await asking.held(environment)
    await found.reset()
    return found.status


@router.post("/{environment}/apply", operation_id="apply", responses=documented(*_STARTING, 503))
async def apply(environment: str, asking: Asking) -> Applied:
    """Let an edited ``compose.yaml`` take effect, then apply the files of ``migrations/``."""
    found = await asking.held(environment)
    return await found.instance.apply()


@router.post(
    "/{environment}/services/{name}/{action}",
    operation_id="service",
    responses=documented(*_STARTING),
)
async def service(
    environment: str,
    name: str,
    action: Literal["start", "stop", "kill", "pause", "resume"],
    asking: Asking,
) -> ServiceStatus:
    """Act on one service."""
    found = await asking.held(environment)
    return await found.instance.service(name, action)


@router.post(
    "/{environment}/leases",
    operation_id="detach",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=documented(400, 413, *_NAMED),
)
async def detach(environment: str, request: DetachRequest, asking: Asking) -> None:
    """Keep it for a while without any connection."""
    found = await asking.environment(environment)
    asking.plane.leases.detach(found.id, request.ttl_s)


@router.delete(
    "/{environment}/leases",
    operation_id="end_detached",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=documented(*_NAMED),
)
async def end_detached(environment: str, asking: Asking) -> None:
    """End its detached lease; it stops at once unless somebody else holds it."""
    found = await asking.environment(environment)
    asking.plane.leases.end_detached(found.id)


def _start(asking: Caller, environment: Environment) -> None:
    environment.start()
    if asking.lease is None:
        # Somebody has to take it over (or detach it), or it would never end.
        asking.plane.leases.wait_for_holder(environment.id)

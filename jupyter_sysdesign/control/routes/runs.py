"""``…/runs``: load on an environment."""

from __future__ import annotations

from fastapi import APIRouter, status

from jupyter_sysdesign.control.caller import Asking
from jupyter_sysdesign.control.models import Run, RunRequest
from jupyter_sysdesign.control.problems import documented

router = APIRouter(prefix="/v1/environments/{environment}/runs", tags=["runs"])

_NAMED = (403, 404, 409, 422)


@router.get("", operation_id="runs", responses=documented(*_NAMED))
async def runs(environment: str, asking: Asking) -> list[Run]:
    """List the runs, oldest first, without ticks."""
    return (await asking.environment(environment)).runs.list()


@router.post(
    "",
    operation_id="start_run",
    status_code=status.HTTP_201_CREATED,
    responses=documented(400, 413, *_NAMED),
)
async def start_run(environment: str, request: RunRequest, asking: Asking) -> Run:
    """Begin a run of a profile of ``load.yaml``, or of one given in full."""
    from jupyter_sysdesign.control.loading import choose_profile  # noqa: PLC0415 (only for runs)

    found = await asking.held(environment)
    name, profile = await choose_profile(found, request)
    return found.runs.start(
        name,
        profile,
        found.instance.target,
        request.seed,
        request.scale,
        keep=request.keep or 0,
    )


@router.get("/{run}", operation_id="run", responses=documented(*_NAMED))
async def run(environment: str, run: str, asking: Asking) -> Run:
    """Return one run with its ticks, the metrics sampled meanwhile, and the answers kept."""
    found = await asking.environment(environment)
    return await found.runs.get(run)


@router.delete("/{run}", operation_id="stop_run", responses=documented(*_NAMED))
async def stop_run(environment: str, run: str, asking: Asking) -> Run:
    """End a run early."""
    found = await asking.environment(environment)
    return await found.runs.stop(run)

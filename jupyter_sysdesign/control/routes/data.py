"""What an environment shows of itself: logs, metrics, its database."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query

from jupyter_sysdesign.control.caller import Asking
from jupyter_sysdesign.control.models import (
    Drift,
    LogPage,
    MetricSeries,
    ProfilePage,
    SqlRequest,
    SqlResult,
)
from jupyter_sysdesign.control.problems import documented

router = APIRouter(prefix="/v1/environments/{environment}", tags=["data"])

_NAMED = (403, 404, 409, 422)


@router.get("/logs", operation_id="logs", responses=documented(*_NAMED))
async def logs(
    environment: str,
    asking: Asking,
    service: str | None = None,
    tail: Annotated[int, Query(ge=1, le=10_000, description="how many lines")] = 200,
) -> LogPage:
    """Return the last log lines of one or all services, oldest first."""
    found = await asking.environment(environment)
    return LogPage(lines=await asyncio.to_thread(found.instance.logs, service, tail))


@router.get("/metrics", operation_id="metrics", responses=documented(*_NAMED))
async def metrics(
    environment: str,
    asking: Asking,
    since: Annotated[float, Query(ge=0, description="seconds since the epoch")] = 0.0,
) -> MetricSeries:
    """Return the samples kept of the last minutes."""
    return (await asking.environment(environment)).recorder.series(since)


@router.get("/profiles", operation_id="profiles", responses=documented(*_NAMED))
async def profiles(environment: str, asking: Asking) -> ProfilePage:
    """Return the traffic shapes of ``load.yaml`` in full, to run them or to shape one's own."""
    from jupyter_sysdesign.control.loading import shapes  # noqa: PLC0415 (as in runs.py)

    found = await asking.environment(environment)
    return ProfilePage(profiles=await asyncio.to_thread(shapes, found.source))


@router.get("/schema-drift", operation_id="drift", responses=documented(*_NAMED, 424, 503))
async def drift(environment: str, asking: Asking) -> Drift:
    """Compare the live schema with the pristine one plus migrations."""
    return await (await asking.held(environment)).instance.drift()


@router.post("/sql", operation_id="sql", responses=documented(400, *_NAMED, 413, 503))
async def sql(environment: str, request: SqlRequest, asking: Asking) -> SqlResult:
    """Run one statement."""
    return await (await asking.held(environment)).instance.sql(request)

"""Who answers, and what a Prometheus server scrapes."""

from __future__ import annotations

import os

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

from jupyter_sysdesign import __version__
from jupyter_sysdesign.control.caller import Plane
from jupyter_sysdesign.control.models import ControlPlaneInfo

router = APIRouter(tags=["control plane"])


@router.get("/v1", operation_id="info")
async def info(plane: Plane) -> ControlPlaneInfo:
    """Say who answers."""
    return ControlPlaneInfo(version=__version__, pid=os.getpid(), started_at=plane.started_at)


@router.get(
    "/metrics",
    operation_id="prometheus",
    response_class=PlainTextResponse,
    responses={200: {"description": "Prometheus text exposition of the latest samples."}},
)
async def prometheus(plane: Plane) -> PlainTextResponse:
    """Serve the latest sample of every running environment."""
    return PlainTextResponse(
        plane.environments.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8"
    )

"""Who answers, and what a Prometheus server scrapes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

from jupyter_sysdesign import __version__
from jupyter_sysdesign.control.caller import Asking, Plane
from jupyter_sysdesign.control.models import ControlPlaneInfo, Machine
from jupyter_sysdesign.control.problems import documented
from jupyter_sysdesign.metrics import machine

router = APIRouter(tags=["control plane"])


@router.get("/v1", operation_id="info")
async def info(plane: Plane) -> ControlPlaneInfo:
    """Say who answers."""
    script = Path(sys.executable).with_name("sysdesign")
    command = [str(script)] if script.exists() else [sys.executable, "-m", "jupyter_sysdesign"]
    return ControlPlaneInfo(
        version=__version__, pid=os.getpid(), started_at=plane.started_at, command=command
    )


@router.get("/v1/machine", operation_id="machine", responses=documented(409))
async def of_machine(asking: Asking) -> Machine:
    """Say how much memory there is, and what running environments take of it."""
    memory = machine.memory()
    return Machine(
        cpus=os.cpu_count() or 1,
        memory_bytes=memory.total_bytes,
        available_bytes=memory.available_bytes,
        environments={
            each.id: each.recorder.memory_bytes()
            for each in asking.plane.environments.in_use()
            if asking.sees(each.source.workspace)
        },
    )


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

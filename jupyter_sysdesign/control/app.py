"""The application: routes, errors, and the life of what they work on."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI

from jupyter_sysdesign import __version__
from jupyter_sysdesign.control import openapi, problems
from jupyter_sysdesign.control.activity import Counted
from jupyter_sysdesign.control.bodies import Limited
from jupyter_sysdesign.control.plane import ControlPlane
from jupyter_sysdesign.control.routes import (
    checks,
    consoles,
    data,
    environments,
    events,
    faults,
    leases,
    lessons,
    plane,
    runs,
    work,
    workspaces,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_GRACE_S = 30.0
_THREADS = 8


def create_app() -> FastAPI:
    """Return the application; its ``state.plane`` appears when it starts."""
    app = FastAPI(
        title="jupyter-sysdesign control plane",
        version=__version__,
        description=(
            "Owns the environments of one user. Served on a unix socket, and by the Jupyter server "
            "under `<base_url>sysdesign/`. `WS /v1/environments/{environment}/events?after=<seq>` "
            "sends every `Event` later than `after`; `WS /v1/leases?holder=<key>&parent=<key>` "
            "(not through Jupyter) keeps alive what is started under it; `/v1/consoles` is not for "
            "browsers either."
        ),
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    problems.install(app)
    app.add_middleware(Limited)
    app.add_middleware(Counted)
    for module in (
        plane,
        lessons,
        workspaces,
        work,
        environments,
        data,
        runs,
        checks,
        consoles,
        faults,
        events,
        leases,
    ):
        app.include_router(module.router)
    app.openapi = lambda: openapi.describe(app)  # type: ignore[method-assign]
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="sysdesign")
    asyncio.get_running_loop().set_default_executor(threads)
    grace_s = float(os.environ.get("SYSDESIGN_GRACE_S", _GRACE_S))
    control = app.state.plane = ControlPlane(grace_s=grace_s)
    await control.open()
    try:
        yield
    finally:
        await control.close()

"""What Python services import, imported once: a fork begins where they are half a second later.

Nothing of a learner's is ever imported here, and nothing that starts a thread or opens a file.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import os
import sys
from http import HTTPStatus
from typing import Any

_LIBRARIES = (
    "anyio._backends._asyncio",
    "anyio.to_thread",
    "fastapi",
    "fastapi.responses",
    "logging.config",
    "prometheus_client",
    "psycopg",
    "psycopg.rows",
    "psycopg_pool",
    "redis",
    "uvicorn",
    "uvicorn.lifespan.on",
    "uvicorn.loops.auto",
    "uvicorn.main",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto",
)

#: The interpreter and these libraries read such variables once, when they are loaded.
READ_ONCE = ("LD_", "MALLOC_", "OPENSSL_", "PROMETHEUS_", "PSYCOPG_", "PYDANTIC_", "PYTHON", "SSL_")

_loaded = False


def load() -> None:
    """Import everything that is installed, and leave it so that forks share its memory."""
    global _loaded  # noqa: PLW0603 (a process is preloaded or it is not)
    gc.disable()  # what it frees would be holes, filled in each fork anew
    # One that is missing or broken is told by the services that want it, not by all others.
    for name in _LIBRARIES:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    with contextlib.suppress(Exception):
        asyncio.run(_rehearse())
    gc.freeze()
    gc.collect()  # finds nothing, but empties the free lists, which would be each fork's to do
    _loaded = True


def suits(folder: str) -> bool:
    """Tell whether a program in ``folder`` may begin here.

    Not where a file of its own goes by the name of something that is loaded: it would get that.
    """
    if not _loaded:
        return False
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        return not any(
            entry.name.partition(".")[0] in sys.modules
            for entry in entries
            if entry.name.endswith(".py") or entry.is_dir()
        )
    return False


async def _rehearse() -> None:
    """Answer two requests: the first ones import more and fill caches, which forks then share."""
    from fastapi import FastAPI  # noqa: PLC0415 (not in every process that imports this file)
    from prometheus_client import CollectorRegistry, Histogram, generate_latest  # noqa: PLC0415
    from pydantic import BaseModel, Field  # noqa: PLC0415

    registry = CollectorRegistry()
    histogram = Histogram("rehearsal_seconds", "Time to answer", ["path"], registry=registry)

    class Item(BaseModel):
        number: int = Field(ge=1)

    app = FastAPI()

    async def get(number: int, text: str = "") -> dict[str, object]:
        with histogram.labels("/items").time():
            return {"number": number, "text": text}

    async def add(item: Item) -> dict[str, int]:
        return {"number": item.number, "bytes": len(generate_latest(registry))}

    add.__annotations__ = {"item": Item, "return": dict[str, int]}  # it is no global to be found
    app.get("/items/{number}")(get)
    app.post("/items", status_code=201)(add)
    await _ask(app, "GET", "/items/1", b"")
    await _ask(app, "POST", "/items", b'{"number": 1}')


async def _ask(app: Any, method: str, path: str, body: bytes) -> None:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message.get("status", HTTPStatus.OK) >= HTTPStatus.BAD_REQUEST:
            raise RuntimeError(f"{method} {path}: {message['status']}")

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"content-type", b"application/json")],
        "client": None,
        "server": None,
    }
    await app(scope, receive, send)

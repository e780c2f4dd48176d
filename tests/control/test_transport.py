"""What clients make of a control plane that is on its way out."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from websockets.asyncio.client import unix_connect

from jupyter_sysdesign.control import transport

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


async def test_a_handshake_cut_short_by_the_end_is_tried_again(home: Path) -> None:
    path = str(home.parent / "socket")
    asked = asyncio.Event()

    async def never_answers(scope: Any, receive: Any, send: Any) -> None:
        asked.set()
        await asyncio.Event().wait()

    config = uvicorn.Config(
        never_answers,
        ws="websockets-sansio",
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)

    async def connect() -> None:
        with transport.connecting():
            await unix_connect(path, "ws://control/v1/leases")

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        connecting = asyncio.create_task(connect())
        await asyncio.wait_for(asked.wait(), 30)
        server.should_exit = True
        with pytest.raises(transport.GoneError):
            await connecting
        await serving

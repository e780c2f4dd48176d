"""``WS …/events``: the ordered event stream of one environment."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from jupyter_sysdesign.control.caller import Asking
from jupyter_sysdesign.control.events import TooSlowError
from jupyter_sysdesign.errors import InvalidRequestError

if TYPE_CHECKING:
    from jupyter_sysdesign.control.events import Subscription

router = APIRouter(prefix="/v1/environments/{environment}")

_TRY_AGAIN_LATER = 1013


@router.websocket("/events")
async def events(socket: WebSocket, environment: str, asking: Asking) -> None:
    """Send every event later than ``after``; what the client sends is ignored."""
    after = _after(socket)
    found = await asking.held(environment)
    reader = found.events.subscribe(after)
    try:
        await socket.accept()
        sending = asyncio.create_task(_send(socket, reader))
        gone = asyncio.create_task(_gone(socket))
        done, pending = await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*done, *pending, return_exceptions=True)
    finally:
        reader.close()


async def _send(socket: WebSocket, reader: Subscription) -> None:
    with contextlib.suppress(WebSocketDisconnect):
        try:
            async for text in reader:
                await socket.send_text(text)
        except TooSlowError:
            await socket.close(_TRY_AGAIN_LATER, "too far behind, resume with the last seq")
        else:
            await socket.close(1000, "the environment was removed")


async def _gone(socket: WebSocket) -> None:
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


def _after(socket: WebSocket) -> int:
    text = socket.query_params.get("after", "0")
    try:
        return int(text)
    except ValueError:
        raise InvalidRequestError(
            f"after={text!r} is not a number", hint="Use the seq of the last event you have, or 0."
        ) from None

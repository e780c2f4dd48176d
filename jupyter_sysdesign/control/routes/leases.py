"""``WS /v1/leases``: a client says by an open connection that it is there."""

from __future__ import annotations

import asyncio
import json

from fastapi import APIRouter, WebSocket, WebSocketDisconnect, status

from jupyter_sysdesign.control.caller import Plane
from jupyter_sysdesign.control.problems import documented
from jupyter_sysdesign.errors import InvalidRequestError

router = APIRouter(prefix="/v1/leases", tags=["leases"])

_LONGEST_KEY = 5000  # it contains a path


@router.websocket("")
async def hold(socket: WebSocket, plane: Plane) -> None:
    """Send ``{"lease": id}``, then keep the lease until the connection ends.

    ``{"end": true}`` from the client ends it cleanly; anything else that ends the connection is a
    client that vanished.
    """
    holder = socket.query_params.get("holder", "")
    if not 0 < len(holder) <= _LONGEST_KEY:
        raise InvalidRequestError("A lease needs a holder", hint="Add ?holder=<key>.")
    await socket.accept()
    lease = plane.leases.open(holder, socket.query_params.get("parent") or None)
    listening = asyncio.create_task(_ends_cleanly(socket))
    ended = asyncio.create_task(lease.ended.wait())
    try:
        await socket.send_json({"lease": lease.id})
        await asyncio.wait({listening, ended}, return_when=asyncio.FIRST_COMPLETED)
        if ended.done() or listening.result():
            plane.leases.end(lease)
            await socket.close(1000)
    except (WebSocketDisconnect, RuntimeError):
        pass  # it vanished while being told
    finally:
        listening.cancel()
        ended.cancel()
        plane.leases.lost(lease)


@router.delete(
    "/{lease}",
    operation_id="end_lease",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=documented(422),
)
async def end(lease: str, plane: Plane) -> None:
    """End a lease cleanly without its connection; an unknown one has ended already."""
    plane.leases.end_by_id(lease)


async def _ends_cleanly(socket: WebSocket) -> bool:
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return False
        try:
            said = json.loads(message.get("text") or "null")
        except ValueError:
            continue
        if isinstance(said, dict) and said.get("end") is True:
            return True

"""Counts what the control plane is doing for others, so that it knows when it is idle."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class Activity:
    """Requests and open sockets, as ASGI middleware.

    Attributes:
        active: requests in progress and open WebSockets.
        last: loop time when ``active`` last fell to zero.
    """

    def __init__(self) -> None:
        self.active = 0
        self.last = asyncio.get_running_loop().time()

    def enter(self) -> None:
        """Something begins."""
        self.active += 1

    def leave(self) -> None:
        """It ended."""
        self.active -= 1
        self.last = asyncio.get_running_loop().time()

    @property
    def idle_s(self) -> float:
        """Return for how long nothing has been going on."""
        return 0.0 if self.active else asyncio.get_running_loop().time() - self.last


class Counted:
    """Middleware that counts each request and socket into the plane's ``Activity``."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or socket."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        activity: Activity = scope["app"].state.plane.activity
        activity.enter()
        try:
            await self.app(scope, receive, send)
        finally:
            activity.leave()

"""Event streams: the browser's WebSocket on one side, the control plane's on the other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from jupyter_server.auth.decorator import authorized, ws_authenticated
from jupyter_server.base.websocket import WebSocketMixin
from tornado import web
from tornado.websocket import WebSocketClosedError, WebSocketHandler
from websockets.exceptions import ConnectionClosed

from jupyter_sysdesign.errors import SysdesignError
from jupyter_sysdesign.server.handler import ControlHandler

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

#: What a browser is told when the control plane is gone: come back and resume.
_SERVICE_RESTART = 1012
#: Close codes that stand for "no code was sent" and must not be sent.
_NOT_SENDABLE = frozenset({None, 1005, 1006, 1015})


class EventsHandler(WebSocketMixin, WebSocketHandler, ControlHandler):
    """One stream."""

    upstream: ClientConnection | None = None
    _pumping: asyncio.Task[None] | None = None

    @ws_authenticated
    @authorized(action="read")  # type: ignore[untyped-decorator]
    async def get(self) -> None:  # type: ignore[override]
        """Connect to the control plane first: what it refuses, the browser is refused."""
        if not self.check_origin():
            raise web.HTTPError(403, "Cross origin websockets are not allowed")
        if self.request.headers.get("Upgrade", "").lower() == "websocket":
            try:
                self.upstream = await self.link.connect(self.target, self.user)
            except SysdesignError as error:
                self.refuse(error)
                return
        try:
            await super().get()  # returns when the browser's socket is closed
        finally:
            await self._end()

    def open(self, *args: Any, **kwargs: Any) -> None:
        """Begin to pass on."""
        super().open(*args, **kwargs)
        self._pumping = asyncio.create_task(self._pump())

    async def on_message(self, message: str | bytes) -> None:
        """Pass on what the browser says; the next is not read before this is taken."""
        if self.upstream is not None:
            try:
                await self.upstream.send(message)
            except ConnectionClosed:
                self.log.debug("the control plane's side is closed already")

    async def _pump(self) -> None:
        upstream = self.upstream
        if upstream is None:
            return
        try:
            while True:
                # Waits until it is on its way: a slow browser is felt by the control plane, which
                # decides what to leave out.
                await self.write_message(await upstream.recv())
        except ConnectionClosed:
            code, reason = upstream.close_code, upstream.close_reason
            self.close(_SERVICE_RESTART if code in _NOT_SENDABLE else code, reason or None)
        except WebSocketClosedError:
            self.log.debug("the browser's socket is gone")

    async def _end(self) -> None:
        if self._pumping is not None:
            self._pumping.cancel()
        if self.upstream is not None:
            await self.upstream.close()

"""REST requests: passed on to the control plane, and its answers back."""

from __future__ import annotations

from http import HTTPStatus

import httpx
from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import iostream, web

from jupyter_sysdesign.control.transport import GoneError
from jupyter_sysdesign.errors import ResourceError, SysdesignError
from jupyter_sysdesign.server.handler import ControlHandler

MOST_BODY_BYTES = 2 << 20


@web.stream_request_body
class ForwardHandler(ControlHandler, APIHandler):
    """Everything but event streams."""

    async def prepare(self) -> None:  # type: ignore[override]
        """Check who asks before any of the body is taken in."""
        self._body = bytearray()
        announced = self.request.headers.get("Content-Length", "0")
        if announced.isdigit() and int(announced) > MOST_BODY_BYTES:
            self._refuse_size()
        await super().prepare()

    def data_received(self, chunk: bytes) -> None:
        """Take in a part of the body; of one that is too long no more than shows that it is."""
        if len(self._body) <= MOST_BODY_BYTES:
            self._body += chunk

    @web.authenticated
    @authorized(action="read")  # type: ignore[untyped-decorator]
    async def get(self) -> None:
        """Forward; with ``?if_alive=1``, a control plane is not started only to be asked this."""
        try:
            wanted = not self.get_query_argument("if_alive", "") or self.link.alive
        except ResourceError as error:
            self.refuse(error)
            return
        if not wanted:
            self.set_status(HTTPStatus.NO_CONTENT)
            self.finish()
            return
        await self._forward()

    @web.authenticated
    @authorized(action="write")  # type: ignore[untyped-decorator]
    async def post(self) -> None:
        """Forward."""
        await self._forward()

    @web.authenticated
    @authorized(action="write")  # type: ignore[untyped-decorator]
    async def put(self) -> None:
        """Forward."""
        await self._forward()

    @web.authenticated
    @authorized(action="write")  # type: ignore[untyped-decorator]
    async def delete(self) -> None:
        """Forward."""
        await self._forward()

    async def _forward(self) -> None:
        if len(self._body) > MOST_BODY_BYTES:
            self._refuse_size()
        try:
            response = await self.link.request(
                self.request.method,
                self.target,
                self.user,
                self.request.headers,
                bytes(self._body),
            )
        except SysdesignError as error:
            self.refuse(error)
            return
        try:
            await self._pass_back(response)
        except iostream.StreamClosedError:
            self.log.debug("the browser left before it had the answer")
        except httpx.TransportError as error:
            self.log.warning("the control plane ended in the middle of an answer: %s", error)
            if self._headers_written:  # an orderly end would say that this was all
                self.detach().close()
            else:
                self.refuse(GoneError(asked=True).final)
        finally:
            await response.aclose()

    async def _pass_back(self, response: httpx.Response) -> None:
        self.set_status(response.status_code)
        kind = response.headers.get("Content-Type", "application/json")
        self.set_header("Content-Type", kind)
        async for chunk in response.aiter_bytes():
            self.write(chunk)
            await self.flush()  # waits for a slow reader
        self.finish(set_content_type=kind)

    def _refuse_size(self) -> None:
        raise web.HTTPError(413, f"A request may have {MOST_BODY_BYTES} bytes at most")

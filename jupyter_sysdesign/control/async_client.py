"""The async client: the same operations for programs with an event loop."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, TypeVar

import httpx
from websockets.asyncio.client import ClientConnection, unix_connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.protocol import State as SocketState

from jupyter_sysdesign import paths
from jupyter_sysdesign.control import headers, transport
from jupyter_sysdesign.control.launch import answers, ensure_running
from jupyter_sysdesign.control.models import Event
from jupyter_sysdesign.control.operations import Operations
from jupyter_sysdesign.control.waiting import Waiting
from jupyter_sysdesign.errors import LeaseEndedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from types import TracebackType

    from typing_extensions import Self

    from jupyter_sysdesign.control.calls import Call
    from jupyter_sysdesign.environment.status import EnvironmentStatus

T = TypeVar("T")


class AsyncControlClient(Operations):
    """``ControlClient`` with coroutine methods, for one event loop; arguments and errors alike.

    Attributes:
        http: sends to the control plane's socket, for requests that are only passed on.
    """

    def __init__(
        self, *, holder: str | None = None, parent: str | None = None, start: bool = True
    ) -> None:
        self._holder = holder
        self._parent = parent
        self._may_start = start
        self._socket = paths.control_socket()
        self.http = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=str(self._socket)), base_url=transport.BASE_URL
        )
        self._lease: tuple[ClientConnection, str] | None = None
        self._leasing = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the lease, if there is one."""
        async with self._leasing:
            if self._lease is not None:
                connection, _ = self._lease
                self._lease = None
                with contextlib.suppress(WebSocketException, OSError, asyncio.TimeoutError):
                    await connection.send(json.dumps({"end": True}))
                    await asyncio.wait_for(connection.recv(), transport.OPEN_S)
                await connection.close()
        await self.http.aclose()

    async def send(self, call: Call[T]) -> T:
        """Send one request and return its answer."""
        try:
            return await self._send(call)
        except LeaseEndedError:
            await self._drop_lease()
            return await self._send(call)

    async def wait(
        self, environment_id: str, states: Iterable[str] = ("ready",), timeout_s: float = 60.0
    ) -> EnvironmentStatus:
        """Return the environment's status once it is in one of ``states``."""
        waiting = Waiting(environment_id, states, timeout_s)
        while not waiting.is_over(  # noqa: ASYNC110 (another process changes it)
            status := await self.environment(environment_id)
        ):
            await asyncio.sleep(transport.POLL_S)
        return status

    async def events(self, environment_id: str, after: int = 0) -> AsyncIterator[Event]:
        """Yield events as they come, resuming after a broken connection, until it is removed."""
        while True:
            path = transport.events_path(environment_id, after)
            connection = await self.connect(path, await self.lease_headers())
            try:
                async for text in connection:
                    event = Event.model_validate_json(text)
                    after = event.seq
                    yield event
            except ConnectionClosed:
                continue
            finally:
                await connection.close()
            return

    async def reach(self) -> None:
        """Make sure that a control plane answers; start one if that is allowed.

        Raises:
            UnavailableError: there is none.
        """
        if answers(self._socket):
            return
        if not self._may_start:
            raise transport.nobody()
        await asyncio.to_thread(ensure_running)

    @property
    def lease(self) -> str | None:
        """Return the id of the lease, None before the first request."""
        return self._lease[1] if self._lease is not None else None

    async def _send(self, call: Call[T]) -> T:
        await self.reach()
        with transport.translated(call):
            headers = await self.lease_headers()
            response = await self.http.request(**transport.request(call, headers))
        return transport.read(call, response)

    async def lease_headers(self) -> dict[str, str]:
        """Return the header that names the lease; opens one when there is none (any more)."""
        if self._holder is None:
            return {}
        async with self._leasing:
            if self._lease is None or self._lease[0].state is not SocketState.OPEN:
                path = transport.lease_path(self._holder, self._parent)
                connection = await self.connect(path, {})
                first = await asyncio.wait_for(connection.recv(), transport.OPEN_S)
                self._lease = connection, json.loads(first)["lease"]
            return {headers.LEASE: self._lease[1]}

    async def _drop_lease(self) -> None:
        async with self._leasing:
            if self._lease is not None:
                await self._lease[0].close()
                self._lease = None

    async def connect(self, path: str, extra_headers: dict[str, str]) -> ClientConnection:
        """Open a WebSocket; what a refused handshake says is raised."""
        await self.reach()
        with transport.connecting():
            return await unix_connect(
                str(self._socket), f"ws://control{path}", **transport.socket_options(extra_headers)
            )

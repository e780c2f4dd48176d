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
from jupyter_sysdesign.control.transport import GoneError
from jupyter_sysdesign.control.waiting import Waiting
from jupyter_sysdesign.errors import LeaseEndedError
from jupyter_sysdesign.unencrypted import NO_CERTIFICATES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
    from types import TracebackType

    from typing_extensions import Self

    from jupyter_sysdesign.control.calls import Call
    from jupyter_sysdesign.environment.status import EnvironmentStatus

T = TypeVar("T")
R = TypeVar("R")


class AsyncControlClient(Operations):
    """``ControlClient`` with coroutine methods, for one event loop; arguments and errors alike."""

    def __init__(
        self, *, holder: str | None = None, parent: str | None = None, start: bool = True
    ) -> None:
        self._holder = holder
        self._parent = parent
        self._may_start = start
        self._socket = paths.control_socket()
        self._http = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=str(self._socket), verify=NO_CERTIFICATES),
            base_url=transport.BASE_URL,
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
        await self._http.aclose()

    async def send(self, call: Call[T]) -> T:
        """Send one request and return its answer."""
        return await self._twice(lambda: self._send(call), repeatable=call.method == "GET")

    async def forward(
        self, method: str, target: str, extra_headers: Mapping[str, str], body: bytes
    ) -> httpx.Response:
        """Pass a request on as it is, under the lease; the answer's body is still to be read.

        Waits for the answer as long as it takes: whoever asked decides.

        Raises:
            UnavailableError: nobody answers.
        """
        return await self._twice(
            lambda: self._forward(method, target, extra_headers, body), repeatable=method == "GET"
        )

    async def connect(
        self, path: str, extra_headers: Mapping[str, str] | None = None
    ) -> ClientConnection:
        """Open a WebSocket under the lease.

        Raises:
            SysdesignError: what the control plane refused the handshake with; UnavailableError
                when it cannot be reached.
        """

        async def work() -> ClientConnection:
            return await self._open(path, {**await self.lease_headers(), **(extra_headers or {})})

        return await self._twice(work, repeatable=True)

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
            connection = await self.connect(transport.events_path(environment_id, after))
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

    async def lease_headers(self) -> dict[str, str]:
        """Return the header that names the lease; opens one when there is none (any more)."""
        if self._holder is None:
            return {}
        async with self._leasing:
            if self._lease is None or self._lease[0].state is not SocketState.OPEN:
                path = transport.lease_path(self._holder, self._parent)
                connection = await self._open(path, {})
                with transport.connecting():
                    first = await asyncio.wait_for(connection.recv(), transport.OPEN_S)
                self._lease = connection, json.loads(first)["lease"]
            return {headers.LEASE: self._lease[1]}

    async def _twice(self, work: Callable[[], Awaitable[R]], *, repeatable: bool) -> R:
        """Do it again where the control plane or the lease was gone and nothing was done yet."""
        try:
            return await work()
        except LeaseEndedError:  # with its parent, say
            pass
        except GoneError as problem:
            if problem.asked and not repeatable:
                raise problem.final from problem
        await self._drop_lease()
        try:
            return await work()
        except GoneError as problem:
            raise problem.final from problem

    async def _send(self, call: Call[T]) -> T:
        await self.reach()
        with transport.asking(call.timeout_s):
            request = transport.request(call, await self.lease_headers())
            response = await self._http.request(**request)
        return transport.read(call, response)

    async def _forward(
        self, method: str, target: str, extra_headers: Mapping[str, str], body: bytes
    ) -> httpx.Response:
        await self.reach()
        request = self._http.build_request(
            method,
            "/",
            headers={**await self.lease_headers(), **extra_headers},
            content=body or None,
            timeout=None,
            # As it was written, percent signs and all.
            extensions={"target": target.encode("ascii")},
        )
        with transport.asking():
            response = await self._http.send(request, stream=True)
            if response.status_code == LeaseEndedError.status:
                refused = transport.failure(response.status_code, await response.aread())
                if isinstance(refused, LeaseEndedError):
                    raise refused
        return response

    async def _open(self, path: str, extra_headers: Mapping[str, str]) -> ClientConnection:
        await self.reach()
        with transport.connecting():
            return await unix_connect(
                str(self._socket),
                f"ws://control{path}",
                **transport.socket_options(extra_headers),
            )

    async def _drop_lease(self) -> None:
        async with self._leasing:
            if self._lease is not None:
                await self._lease[0].close()
                self._lease = None

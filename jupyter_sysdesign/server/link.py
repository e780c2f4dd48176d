"""One Jupyter server's link to the control plane: its lease, and a way to send requests there."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, unquote, urlencode

from jupyter_sysdesign import file_names, paths
from jupyter_sysdesign.control import headers, transport
from jupyter_sysdesign.control.async_client import AsyncControlClient
from jupyter_sysdesign.control.client import ControlClient
from jupyter_sysdesign.control.launch import answers
from jupyter_sysdesign.errors import InvalidRequestError, NotFoundError, SysdesignError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx
    from websockets.asyncio.client import ClientConnection

log = logging.getLogger(__name__)

#: Of a browser's headers, these mean something to the control plane; no cookie, no token does.
_PASSED_ON = ("Accept", "Content-Type")
#: Query parameters that are between the browser and the Jupyter server.
_KEPT_HERE = frozenset({"token", "_xsrf", "no_track_activity", "if_alive"})
#: Leases are held by processes of this machine, and passwords are for them: neither for pages.
_NOT_FORWARDED = ("/v1/leases", "/v1/consoles")


class ControlLink:
    """Belongs to one Jupyter server; created before its event loop runs.

    Args:
        root: real path of the server's root folder; workspaces must lie in it.
    """

    def __init__(self, root: str) -> None:
        self.holder = f"jupyter:{root}"
        self._root = root
        self._made: AsyncControlClient | None = None

    @property
    def alive(self) -> bool:
        """Tell whether a control plane answers; none is started.

        Raises:
            ResourceError: the folder it would be in cannot be used.
        """
        return answers(paths.control_socket())

    async def adopt(self) -> None:
        """Hold a lease if a control plane is alive; do not start one."""
        with contextlib.suppress(SysdesignError, transport.GoneError):
            if self.alive:
                await self._client.lease_headers()

    async def request(
        self, method: str, target: str, user: str, browser: Mapping[str, str], body: bytes
    ) -> httpx.Response:
        """Forward one request; return the response with its body still to be read.

        Raises:
            NotFoundError: the target is not forwarded.
            InvalidRequestError: the name of the server's root cannot be said.
            UnavailableError: there is no control plane, and none can be started.
            ResourceError: nor is there a folder for one.
        """
        passed_on = {name: browser[name] for name in _PASSED_ON if name in browser}
        return await self._client.forward(
            method, clean(target), {**passed_on, **self._identity(user)}, body
        )

    async def connect(self, target: str, user: str) -> ClientConnection:
        """Open a WebSocket to the control plane.

        Raises:
            SysdesignError: what the control plane refused the handshake with.
        """
        return await self._client.connect(clean(target), self._identity(user))

    async def close(self) -> None:
        """End the lease cleanly."""
        if self._made is not None:
            await self._made.close()

    def end_now(self) -> None:
        """End the lease cleanly without an event loop, as this process ends."""
        lease = self._made.lease if self._made is not None else None
        with contextlib.suppress(SysdesignError):
            if lease is not None and self.alive:
                with ControlClient(start=False) as client:
                    client.end_lease(lease)

    @property
    def _client(self) -> AsyncControlClient:
        """Return the client; a server whose user has no folder to use begins without it.

        Raises:
            InvalidRequestError: the name of its root cannot be said.
        """
        if not file_names.is_text(self._root):
            raise InvalidRequestError(
                f"The name of JupyterLab's folder {file_names.shown(self._root)} is not UTF-8 text",
                hint="Start JupyterLab in another folder.",
            )
        if self._made is None:
            self._made = AsyncControlClient(holder=self.holder)
        return self._made

    def _identity(self, user: str) -> dict[str, str]:
        return {headers.ROOT: quote(self._root), headers.USER: quote(user)}


def clean(target: str) -> str:
    """Return a request's path and query without what is none of the control plane's business.

    Raises:
        NotFoundError: the path is not served to browsers.
    """
    path, _, query = target.partition("?")
    if unquote(path).startswith(_NOT_FORWARDED) or not target.isascii():
        raise NotFoundError(f"There is nothing at {path}")
    kept = [
        (name, value)
        for name, value in parse_qsl(query, keep_blank_values=True)
        if name not in _KEPT_HERE
    ]
    return f"{path}?{urlencode(kept)}" if kept else path

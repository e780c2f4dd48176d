"""Readiness over a unix socket or a local port: one exchange, then the answer's first line."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from jupyter_sysdesign.environment.launch import NotReady

if TYPE_CHECKING:
    from jupyter_sysdesign.environment.addresses import Address

_TIMEOUT_S = 2.0


async def ask(address: Address, request: bytes, lines: int = 1) -> list[bytes]:
    """Send ``request`` and return the first ``lines`` lines of the answer.

    Raises:
        NotReady: nobody answers within two seconds.
    """
    try:
        return await asyncio.wait_for(_exchange(address, request, lines), _TIMEOUT_S)
    except (OSError, asyncio.TimeoutError) as error:
        raise NotReady(str(error) or "no answer within two seconds") from error


async def _exchange(address: Address, request: bytes, lines: int) -> list[bytes]:
    if address.path is not None:
        reader, writer = await asyncio.open_unix_connection(address.path)
    else:
        reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        writer.write(request)
        return [(await reader.readline()).rstrip() for _ in range(lines)]
    finally:
        writer.close()

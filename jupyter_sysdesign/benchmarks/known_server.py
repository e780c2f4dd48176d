"""A server whose every answer takes a known time, and which says how long it really took.

``python -m jupyter_sysdesign.benchmarks.known_server MS`` prints its port; at the end of its
standard input it prints its own p50 and p99 in ms, from request read to answer written.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"


class _Connection(asyncio.Protocol):
    def __init__(self, delay_s: float, took_ms: list[float]) -> None:
        self._delay_s = delay_s
        self._took_ms = took_ms
        self._head = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 (a TCP server's)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._head += data
        while b"\r\n\r\n" in self._head:
            _, self._head = self._head.split(b"\r\n\r\n", 1)
            loop = asyncio.get_running_loop()
            loop.call_later(self._delay_s, self._answer, time.perf_counter())

    def _answer(self, began: float) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(_ANSWER)
            self._took_ms.append((time.perf_counter() - began) * 1000)


class Known:
    """A running server; ``quantiles`` ends it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._input: IO[str] = _pipe(process.stdin)
        self._output: IO[str] = _pipe(process.stdout)
        self.port = int(self._output.readline())

    def quantiles(self) -> dict[str, float]:
        """Return ``p50_ms`` and ``p99_ms`` as the server itself measured them."""
        self._input.close()
        found: dict[str, float] = json.loads(self._output.readline())
        return found


@contextlib.contextmanager
def known_server(delay_ms: float) -> Iterator[Known]:
    """Run a server in a process of its own."""
    argv = [sys.executable, "-m", __name__, str(delay_ms)]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Known(process)
        finally:
            process.kill()


def _pipe(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise TypeError("not a pipe")
    return pipe


async def _serve(delay_s: float) -> None:
    took_ms: list[float] = []
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: _Connection(delay_s, took_ms), "127.0.0.1", 0, backlog=1024
    )
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    took_ms.sort()
    quantiles = {
        f"p{share}_ms": round(took_ms[len(took_ms) * share // 100], 3) if took_ms else None
        for share in (50, 99)
    }
    sys.stdout.write(json.dumps(quantiles) + "\n")
    sys.stdout.flush()
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1]) / 1000))

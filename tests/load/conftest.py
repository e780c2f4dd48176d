"""A real HTTP server that behaves as well or as badly as a path asks it to."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from jupyter_sysdesign.load.profile import parse_profile
from jupyter_sysdesign.load.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from jupyter_sysdesign.load.profile import Profile

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

Query = dict[str, list[str]]

#: Answers that are complete by themselves.
RAW = {
    "/ok": OK,
    "/missing": b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno",
    "/broken": b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
    "/moved": b"HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n",
    "/empty": b"HTTP/1.1 204 No Content\r\n\r\n",
    "/headonly": b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n",
    "/chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nTrailer: yes\r\n\r\n",
    "/interim": b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + OK,
    "/garbage": b"SSH-2.0-OpenSSH_9.7\r\n",
    "/liar": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhello",
}


class Server:
    """The server, in a thread of the test process.

    Attributes:
        seen: ``(method, path, headers, body, time)`` of each request, in order of arrival.
        opened: how many connections were accepted.
        open_now, most_open: how many are open, and were at once.
        stall: clear it and every request waits until it is set again.
        durations_ms: what each ``/sleep`` took, from request read to response written.
    """

    def __init__(self, *, port: int = 0, unix_path: Path | None = None) -> None:
        self.seen: list[tuple[str, str, dict[str, str], bytes, float]] = []
        self.opened = self.open_now = self.most_open = 0
        self.durations_ms: list[float] = []
        self._unix_path = unix_path
        self._loop = asyncio.new_event_loop()
        self.stall = asyncio.Event()
        self.stall.set()
        self._socket = self._bind(port)
        self.port = self._socket.getsockname()[1] if unix_path is None else 80
        self._thread = threading.Thread(target=self._run, name="test-server", daemon=True)
        self._started = threading.Event()
        self._thread.start()
        assert self._started.wait(10)

    @property
    def target(self) -> Target:
        path = str(self._unix_path) if self._unix_path else None
        return Target("127.0.0.1", self.port, path)

    def call(self, action: Callable[[], Any]) -> None:
        self._loop.call_soon_threadsafe(action)

    def hang_up(self) -> None:
        """Close every connection (call it in the server's own thread)."""
        for task in self._tasks:
            task.cancel()

    def close(self) -> None:
        if self._thread.is_alive():
            self.call(self._end.set)
            self._thread.join(10)
            assert not self._thread.is_alive()

    def _bind(self, port: int) -> socket.socket:
        if self._unix_path is not None:
            listening = socket.socket(socket.AF_UNIX)
            listening.bind(str(self._unix_path))
            return listening
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        return listening

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._end = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        if self._unix_path is not None:
            server = await asyncio.start_unix_server(self._accept, sock=self._socket, backlog=8)
        else:
            server = await asyncio.start_server(self._accept, sock=self._socket, backlog=1024)
        self._started.set()
        await self._end.wait()
        server.close()
        await asyncio.sleep(0)  # connections accepted a moment ago become tasks now
        me = asyncio.current_task()
        while left := [task for task in asyncio.all_tasks() if task is not me]:
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.opened += 1
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        try:
            while await self._answer(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self.open_now -= 1
            self._tasks.discard(task)
            writer.transport.abort() if self._end.is_set() else writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        began = time.perf_counter()
        lines = head.decode("latin-1").split("\r\n")
        method, path, _ = lines[0].split(" ")
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:-2])}
        if path == "/slow-reader":
            await asyncio.sleep(0.3)
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.seen.append((method, path, headers, body, began))
        await self.stall.wait()
        url = urlsplit(path)
        behave = getattr(self, "_" + url.path.strip("/").replace("-", "_"), None)
        if behave is not None:
            if not await behave(writer, parse_qs(url.query)):
                return False
            self.durations_ms.append((time.perf_counter() - began) * 1000)
        else:
            writer.write(RAW.get(url.path, OK))
        await writer.drain()
        return headers.get("connection") != "close"

    # Each path that is not in RAW has its method; it tells whether the connection goes on.

    async def _sleep(self, writer: asyncio.StreamWriter, query: Query) -> bool:
        await asyncio.sleep(float(query["ms"][0]) / 1000)
        writer.write(OK)
        return True

    async def _pieces(self, writer: asyncio.StreamWriter, _: Query) -> bool:
        for at in range(0, len(OK), 7):
            writer.write(OK[at : at + 7])
            await writer.drain()
            await asyncio.sleep(0.001)
        return True

    async def _never(self, _writer: asyncio.StreamWriter, _: Query) -> bool:
        await asyncio.sleep(3600)
        return False

    async def _close(self, _writer: asyncio.StreamWriter, _: Query) -> bool:
        return False

    async def _half(self, writer: asyncio.StreamWriter, _: Query) -> bool:
        writer.write(OK[:-2])
        await writer.drain()
        return False

    async def _reset(self, writer: asyncio.StreamWriter, _: Query) -> bool:
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False

    async def _reset_idle(self, writer: asyncio.StreamWriter, _: Query) -> bool:
        writer.write(OK)
        await asyncio.sleep(0.001)
        return await self._reset(writer, _)

    async def _until_close(self, writer: asyncio.StreamWriter, _: Query) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nthe end is the end")
        await writer.drain()
        return False

    async def _last(self, writer: asyncio.StreamWriter, _: Query) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()
        return False


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@pytest.fixture
def unix_server(tmp_path: Path) -> Iterator[Server]:
    running = Server(unix_path=tmp_path / "s")
    yield running
    running.close()


@pytest.fixture
def start_server() -> Iterator[Callable[..., Server]]:
    """Start servers at a moment of the test's choice."""
    with contextlib.ExitStack() as stack:

        def start(**arguments: Any) -> Server:
            running = Server(**arguments)
            stack.callback(running.close)
            return running

        yield start


@pytest.fixture
def profile() -> Callable[..., Profile]:
    """Return a profile of one path, or of a mix; everything can be overridden."""

    def make(path: str = "/ok", **changes: Any) -> Profile:
        document: dict[str, Any] = {"mode": "closed", "duration_s": 0.5, "timeout_s": 5.0}
        document["mix"] = [{"name": path.split("?", maxsplit=1)[0].strip("/"), "path": path}]
        document |= changes
        if document["mode"] == "closed" and "stages" not in document:
            document.setdefault("connections", 2)
        if "stages" in document:
            del document["duration_s"]
        return parse_profile(document)

    return make

"""The link proxy by itself: bytes arrive as they were sent, on both kinds of sockets."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import stat
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from jupyter_sysdesign.environment import link_proxy, ports
from jupyter_sysdesign.environment.proctree import LINUX

if TYPE_CHECKING:
    from collections.abc import Iterator

LINK = ["source", "target"]


class Proxy:
    """A proxy in front of an echo server, and the orders to it."""

    def __init__(self, folder: Path, *, tcp: bool, stands_still: bool = False) -> None:
        self.tcp = tcp
        self.server = socket.socket(socket.AF_INET if tcp else socket.AF_UNIX)
        self.server.bind(("127.0.0.1", 0) if tcp else str(folder / "to"))
        self.server.listen(4 if stands_still else 100)
        self.accepted: list[socket.socket] = []
        self._reservation = ports.Reservation() if tcp else None
        self.where: Any = self._reservation.port if self._reservation else str(folder / "listen")
        control = folder / "control"
        self.process = subprocess.Popen(link_proxy.proxy_command(control))
        self.owner = socket.socket(socket.AF_UNIX)
        while True:
            with contextlib.suppress(OSError):
                self.owner.connect(str(control))
                break
        self._file = self.owner.makefile("rwb")
        to = self.server.getsockname()
        listen = {"link": LINK, "listen": self.where, "to": to[1] if tcp else to}
        assert self.order("listen", routes=[listen]) == {}
        if not stands_still:
            self.go_on()

    def go_on(self) -> None:
        threading.Thread(target=self._accept, daemon=True).start()

    def order(self, operation: str, **fields: Any) -> dict[str, Any]:
        self._file.write(json.dumps({"op": operation, "id": 7, **fields}).encode() + b"\n")
        self._file.flush()
        answer = json.loads(self._file.readline())
        assert answer.pop("reply") == 7
        return answer

    def put(self, kind: str, fault: str = "f", **arguments: Any) -> dict[str, Any]:
        return self.order("put", link=LINK, fault=fault, kind=kind, arguments=arguments)

    def take_back(self, fault: str = "f") -> dict[str, Any]:
        return self.order("take_back", link=LINK, fault=fault)

    def connect(self) -> socket.socket:
        client = socket.socket(self.server.family)
        client.settimeout(20)
        try:
            client.connect(("127.0.0.1", self.where) if self.tcp else self.where)
        except OSError:
            client.close()
            raise
        return client

    def open_files(self) -> int:
        return psutil.Process(self.process.pid).num_fds()

    def cpu_s(self) -> float:
        times = psutil.Process(self.process.pid).cpu_times()
        return times.user + times.system

    def close(self) -> None:
        self._file.close()
        self.owner.close()
        self.process.wait(20)
        self.away()
        if self._reservation:
            self._reservation.close()

    def away(self) -> None:
        """Let the target be gone."""
        with contextlib.suppress(OSError):  # closing alone leaves it to the thread that accepts
            self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                accepted, _ = self.server.accept()
                self.accepted.append(accepted)
                threading.Thread(target=echo, args=(accepted,), daemon=True).start()


def echo(accepted: socket.socket) -> None:
    """Send back what comes; say goodbye after the other side has."""
    with contextlib.suppress(OSError), accepted:
        while data := accepted.recv(1 << 16):
            accepted.sendall(data)


@pytest.fixture(params=[False, True], ids=["unix", "tcp"])
def proxy(request: pytest.FixtureRequest) -> Iterator[Proxy]:
    with tempfile.TemporaryDirectory(prefix="sdp-", dir="/tmp") as folder:
        proxy = Proxy(Path(folder), tcp=request.param)
        yield proxy
        proxy.close()


@pytest.fixture
def still() -> Iterator[Proxy]:
    """Return a proxy whose target accepts nothing, and whose backlog is full."""
    with tempfile.TemporaryDirectory(prefix="sdp-", dir="/tmp") as folder:
        proxy = Proxy(Path(folder), tcp=False, stands_still=True)
        waiting = [proxy.connect() for _ in range(10)]
        yield proxy
        for client in waiting:
            client.close()
        proxy.close()


def exchange(client: socket.socket, data: bytes) -> bytes:
    """Send all of ``data`` while reading, say goodbye, read to the end and close."""

    def send() -> None:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)

    sending = threading.Thread(target=send)
    sending.start()
    got = bytearray()
    with client:
        while more := client.recv(1 << 16):
            got += more
        sending.join()
    return bytes(got)


def test_bytes_arrive_as_they_were_sent_whatever_is_put_on_meanwhile(proxy: Proxy) -> None:
    data = random.Random(1).randbytes(20 << 20)
    results: list[bytes] = []
    client = proxy.connect()
    thread = threading.Thread(target=lambda: results.append(exchange(client, data)))
    thread.start()
    for number in range(20):
        proxy.put("jitter", f"j{number}", jitter_ms=2, seed=number)
        proxy.put("bandwidth", "b", kib_per_s=1e5)
        proxy.put("partition", "p", direction=random.Random(number).choice(["both", "to_source"]))
        proxy.take_back("p")
        proxy.put("latency", "l", latency_ms=1)
        proxy.take_back("l")
        proxy.take_back("b")
        proxy.take_back(f"j{number}")
    thread.join(60)
    assert results == [data]


def test_one_side_may_say_goodbye_before_the_other(proxy: Proxy) -> None:
    for kind in ("", "latency"):
        if kind:
            proxy.put(kind, latency_ms=20)
        client = proxy.connect()
        client.sendall(b"last words")
        client.shutdown(socket.SHUT_WR)
        assert client.recv(100) == b"last words"
        assert client.recv(100) == b""
        client.close()


def test_who_does_not_read_is_not_sent_more_than_fits(proxy: Proxy) -> None:
    client = proxy.connect()
    client.setblocking(False)  # noqa: FBT003
    sent = 0
    with contextlib.suppress(BlockingIOError):
        while sent < 200 << 20:
            sent += client.send(b"x" * 65536)
    # It stops: nobody keeps what is not read.
    memory = psutil.Process(proxy.process.pid).memory_info().rss
    assert memory < 60 << 20
    assert sent < 100 << 20
    client.close()


def test_a_target_that_is_away_ends_the_connection(proxy: Proxy) -> None:
    proxy.away()
    with contextlib.suppress(ConnectionError), contextlib.closing(proxy.connect()) as client:
        client.sendall(b"hello")
        assert client.recv(10) == b""


def test_a_target_that_breaks_off_breaks_the_sources_connection_off(proxy: Proxy) -> None:
    client = proxy.connect()
    client.sendall(b"1")
    assert client.recv(10) == b"1"
    proxy.accepted[0].shutdown(socket.SHUT_RDWR)
    proxy.accepted[0].close()
    with contextlib.suppress(ConnectionError):
        assert client.recv(10) == b""
        for _ in range(100):  # at the latest when it says more
            client.sendall(b"x")
    client.close()


def test_a_reset_is_a_reset(proxy: Proxy) -> None:
    proxy.put("reset", share=1, seed=1, of="requests")
    client = proxy.connect()
    client.sendall(b"hello")
    with pytest.raises(ConnectionResetError):
        client.recv(10)
    client.close()
    # Saying goodbye is no request.
    polite = proxy.connect()
    polite.shutdown(socket.SHUT_WR)
    assert polite.recv(10) == b""
    polite.close()


def test_a_connection_that_was_to_be_reset_lives_when_that_fault_is_over(proxy: Proxy) -> None:
    proxy.put("reset", share=1, seed=1, of="connections")
    proxy.put("latency", "another", latency_ms=1)
    client = proxy.connect()
    proxy.order("echo", link=LINK, bytes=1, patience_ms=1000)  # it is taken by now
    proxy.take_back()
    assert exchange(client, b"hello") == b"hello"


def test_nothing_is_left_of_connections_that_ended(proxy: Proxy) -> None:
    exchange(proxy.connect(), b"x")
    before = proxy.open_files()
    for fault in ("", "latency", "blackhole", "reset", "partition"):
        arguments = {
            "latency": {"latency_ms": 1},
            "reset": {"share": 0.5, "seed": 1, "of": "connections"},
            "partition": {"direction": "to_target"},
        }
        if fault:
            proxy.put(fault, **arguments.get(fault, {}))
        clients = [proxy.connect() for _ in range(50)]
        for client in clients:
            with contextlib.suppress(OSError):
                client.sendall(b"x")
        for client in clients:
            client.close()
        proxy.take_back()
    while proxy.open_files() > before + 1:
        pass


@pytest.mark.skipif(not LINUX, reason="only Linux says that a backlog is full")
def test_who_waits_for_a_full_backlog_costs_little_and_is_let_go_when_gone(still: Proxy) -> None:
    stayed = still.connect()
    clients = [still.connect() for _ in range(200)]
    for client in clients:
        client.sendall(b"x")
    spent = still.cpu_s()
    time.sleep(2)
    assert still.cpu_s() - spent < 0.4
    assert still.open_files() > len(clients)
    for client in clients:
        client.close()
    deadline = time.monotonic() + 20
    while still.open_files() > len(clients):
        assert time.monotonic() < deadline, still.open_files()
    still.go_on()
    assert exchange(stayed, b"hello") == b"hello"


@pytest.mark.skipif(not LINUX, reason="only Linux says that a backlog is full")
def test_who_waits_for_a_full_backlog_outlives_what_is_put_on_meanwhile(still: Proxy) -> None:
    client = still.connect()
    still.put("latency", latency_ms=1)
    still.take_back()
    still.go_on()
    assert exchange(client, b"hello") == b"hello"


def test_orders_that_make_no_sense_are_refused_and_change_nothing(proxy: Proxy) -> None:
    nonsense: list[dict[str, Any]] = [
        {"operation": "dance"},
        {"operation": "put", "link": ["no", "such"], "fault": "f", "kind": "latency"},
        {"operation": "put", "link": LINK, "fault": "f", "kind": "gravity", "arguments": {}},
        {"operation": "put", "link": LINK, "fault": "f", "kind": "latency", "arguments": {}},
        {"operation": "in_force", "link": 3},
        {"operation": "listen", "routes": [{"link": LINK, "listen": "/no/such/x", "to": "/y"}]},
    ]
    for order in nonsense:
        assert "error" in proxy.order(**order)
    assert proxy.order("in_force", link=LINK) == {"faults": []}
    assert exchange(proxy.connect(), b"still here") == b"still here"


def test_nobody_else_may_connect(proxy: Proxy) -> None:
    control = proxy.owner.getpeername()
    for path in [control, *([] if proxy.tcp else [proxy.where])]:
        assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600


def test_it_ends_with_its_owner(proxy: Proxy) -> None:
    client = proxy.connect()
    proxy._file.close()
    proxy.owner.close()
    assert proxy.process.wait(20) == 0
    with contextlib.suppress(ConnectionError):
        assert client.recv(10) == b""
    client.close()

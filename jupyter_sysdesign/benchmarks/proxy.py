"""What a marked link costs while no fault is on it, and how true its faults are.

The load engine asks one nginx, directly and through the link proxy by turns.
"""

from __future__ import annotations

import contextlib
import json
import socket
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from jupyter_sysdesign.benchmarks.generators import ours
from jupyter_sysdesign.benchmarks.nginx import nginx
from jupyter_sysdesign.environment.link_proxy import proxy_command
from jupyter_sysdesign.environment.ports import Reservation

if TYPE_CHECKING:
    from collections.abc import Iterator

CONNECTIONS = 20
SECONDS = 2
ROUNDS = 3
LATENCIES_MS = (1, 10, 200)
_LINK = ("source", "target")


class _Proxy:
    """A running proxy with one link.

    Attributes:
        port: where the link's source connects to.
    """

    def __init__(self, process: subprocess.Popen[bytes], owner: socket.socket, port: int) -> None:
        self.port = port
        self._process = psutil.Process(process.pid)
        self._orders = owner.makefile("rwb")

    def order(self, operation: str, **fields: Any) -> dict[str, Any]:
        """Give it an order and return its answer."""
        self._orders.write(json.dumps({"op": operation, "id": 0, **fields}).encode() + b"\n")
        self._orders.flush()
        answer: dict[str, Any] = json.loads(self._orders.readline())
        return answer

    def cpu_s(self) -> float:
        """Return the CPU time it has used."""
        times = self._process.cpu_times()
        return float(times.user + times.system)


def measure(*, seconds: int = SECONDS, rounds: int = ROUNDS) -> dict[str, Any]:
    """Return throughput, CPU and added latency of one link, and latencies as put on and measured.

    ``per_core`` is how many requests per second one core of the proxy could carry.
    """
    busy: dict[str, list[float]] = {"direct": [], "proxied": []}
    quiet: dict[str, list[float]] = {"direct": [], "proxied": []}
    cpu_us = []
    with nginx() as server, _proxy(server.port) as proxy:
        ports = {"direct": server.port, "proxied": proxy.port}
        for _ in range(rounds):
            for name, port in ports.items():
                before = proxy.cpu_s()
                done = ours(port, CONNECTIONS, seconds)
                busy[name].append(done.requests_per_s)
                if name == "proxied":
                    cpu_us.append((proxy.cpu_s() - before) / done.requests * 1e6)
                quiet[name].append(ours(port, 1, seconds).p50_ms)
        added = [one - other for one, other in zip(quiet["proxied"], quiet["direct"], strict=True)]
        faults = {f"{each}_ms": _latency(proxy, each) for each in LATENCIES_MS}
    rates = {name: round(statistics.median(values)) for name, values in busy.items()}
    per_request = statistics.median(cpu_us)
    return {
        "requests_per_s": rates,
        "ratio": round(rates["proxied"] / rates["direct"], 3),
        "cpu_us_per_request": round(per_request, 2),
        "per_core": round(1e6 / per_request),
        "p50_ms": {name: round(statistics.median(values), 4) for name, values in quiet.items()},
        "p50_added_ms": round(statistics.median(added), 4),
        "latency": faults,
        "connections": CONNECTIONS,
        "seconds": seconds,
        "rounds": rounds,
    }


def _latency(proxy: _Proxy, latency_ms: float) -> dict[str, float]:
    """Return what a latency measures as, over an exchange with nginx, less what it takes anyway."""
    before = _exchange_ms(proxy.port)
    fault = {"link": _LINK, "fault": "latency"}
    proxy.order("put", **fault, kind="latency", arguments={"latency_ms": latency_ms})
    with_it = _exchange_ms(proxy.port)
    proxy.order("take_back", **fault)
    return {"measured_ms": round(with_it - before, 3)}


def _exchange_ms(port: int, times: int = 20) -> float:
    """Return the median time of a request and its answer on an open connection."""
    took = []
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(times):
            began = time.perf_counter()
            client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            client.recv(65536)
            took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


@contextlib.contextmanager
def _proxy(to: int) -> Iterator[_Proxy]:
    """Run a proxy with one link that leads to the port ``to``."""
    reservation = Reservation()
    with tempfile.TemporaryDirectory(prefix="sd-bench-proxy-") as folder:
        control = Path(folder) / "control"
        with subprocess.Popen(proxy_command(control)) as process:
            owner = socket.socket(socket.AF_UNIX)
            try:
                _connect(owner, control, process)
                proxy = _Proxy(process, owner, reservation.port)
                route = {"link": _LINK, "listen": reservation.port, "to": to}
                proxy.order("listen", routes=[route])
                yield proxy
            finally:
                owner.close()
                process.kill()
                reservation.close()


def _connect(owner: socket.socket, control: Path, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        with contextlib.suppress(OSError):
            owner.connect(str(control))
            return
        time.sleep(0.01)

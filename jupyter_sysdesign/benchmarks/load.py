"""The load engine beside its peers on one nginx, and against a server of a known service time."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.benchmarks.generators import GENERATORS
from jupyter_sysdesign.benchmarks.known_server import known_server
from jupyter_sysdesign.benchmarks.nginx import nginx

if TYPE_CHECKING:
    from jupyter_sysdesign.benchmarks.generators import Figures

CONNECTIONS = 50
SECONDS = 3
#: Everybody takes a turn in each round, so that a busy moment of the machine hits all alike.
ROUNDS = 3
KNOWN_MS = 20.0
KNOWN_CONNECTIONS = 10


def measure(*, seconds: int = SECONDS, rounds: int = ROUNDS) -> dict[str, Any]:
    """Return CPU per request, throughput, and latencies against the known server.

    CPU is that of the whole process, its start included; of the rounds the median counts.
    A generator that is not installed is None.
    """
    taken: dict[str, list[Figures]] = {name: [] for name in GENERATORS}
    with nginx() as server:
        for _ in range(rounds):
            for name, generator in GENERATORS.items():
                figures = generator(server.port, CONNECTIONS, seconds)
                if figures is not None:
                    taken[name].append(figures)
    cpu = {name: _median([each.cpu_us_per_request for each in taken[name]]) for name in taken}
    return {
        "cpu_us_per_request": cpu,
        "cpu_ratio": {
            name: round(cpu["ours"] / value, 3) if cpu["ours"] and value else None
            for name, value in cpu.items()
            if name != "ours"
        },
        "requests_per_s": {
            name: _median([each.requests_per_s for each in taken[name]]) for name in taken
        },
        "known_20_ms": {name: _known(name, seconds) for name in GENERATORS},
        "connections": CONNECTIONS,
        "seconds": seconds,
        "rounds": rounds,
    }


def _known(name: str, seconds: int) -> dict[str, float] | None:
    """Return what a generator measured, and what the server itself says it took."""
    with known_server(KNOWN_MS) as server:
        figures = GENERATORS[name](server.port, KNOWN_CONNECTIONS, seconds)
        if figures is None:
            return None
        own = server.quantiles()
    return {
        "p50_ms": round(figures.p50_ms, 3),
        "p99_ms": round(figures.p99_ms, 3),
        "server_p50_ms": own["p50_ms"],
        "server_p99_ms": own["p99_ms"],
    }


def _median(values: list[float]) -> float | None:
    return round(statistics.median(values), 3) if values else None

"""How well the open loop keeps its rate: by its own account, and by nginx's log."""

from __future__ import annotations

import asyncio
import statistics
from typing import Any

from jupyter_sysdesign.benchmarks.nginx import nginx
from jupyter_sysdesign.load.profile import parse_profile
from jupyter_sysdesign.load.run import run
from jupyter_sysdesign.load.target import Target

RATES = (500, 2000, 5000)
SECONDS = 3


def measure(*, seconds: float = SECONDS) -> dict[str, Any]:
    """Return, for each rate, the achieved one (as the server saw it) and the lag in ms."""
    return {str(rate): _pace(rate, seconds) for rate in RATES}


def _pace(rate: int, seconds: float) -> dict[str, Any]:
    document = {
        "mode": "open",
        "rate": float(rate),
        "duration_s": float(seconds),
        "mix": [{"name": "page", "path": "/logged"}],
    }
    with nginx() as server:
        target = Target("127.0.0.1", server.port)
        summary = asyncio.run(run(parse_profile(document), target))
        moments = server.moments()
    # The slope over all of them: one that is late says nothing about the rate.
    achieved = 1 / statistics.linear_regression(range(len(moments)), moments).slope
    return {
        "achieved": round(achieved, 2),
        "share": round(achieved / rate, 5),
        "lag_p99_ms": round(summary.lag_p99_ms, 4),
        "p50_ms": summary.p50_ms,
        "p99_ms": summary.p99_ms,
        "generator_cpu": summary.generator_cpu,
        "errors": summary.errors,
    }

"""A lesson's environment on each runtime, side by side: start, reset, memory, time of an answer."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

import httpx
import psutil

from jupyter_sysdesign.benchmarks.place import fresh_home
from jupyter_sysdesign.environment.proctree import members
from jupyter_sysdesign.environment.runtimes.choice import NAMES
from jupyter_sysdesign.errors import SysdesignError

if TYPE_CHECKING:
    from jupyter_sysdesign.control.client import ControlClient

_LESSON = "t1-02-indexes"
_ROUNDS = 5
_REQUESTS = 300
_SETTLE_S = 3.0
_MIB = 1 << 20


def measure() -> dict[str, Any]:
    """Return medians in seconds and PSS in MiB; None for a runtime that is not there."""
    with fresh_home() as home:
        from jupyter_sysdesign.control.client import ControlClient

        with ControlClient(holder="bench") as client:
            folder = str(home / "work")
            client.create_workspace(_LESSON, folder=folder)
            found: dict[str, Any] = {}
            for runtime in NAMES:
                try:
                    found[runtime] = _one(client, folder, runtime)
                except SysdesignError as error:  # noqa: PERF203 (there are two)
                    found[runtime] = None
                    found[f"{runtime}_missing"] = error.message
    return {"lesson": _LESSON, "rounds": _ROUNDS, **found}


def _one(client: ControlClient, folder: str, runtime: str) -> dict[str, float]:
    environment = client.create_environment(folder, runtime=runtime).id  # its data are built
    client.wait(environment, ("ready",), timeout_s=120)
    start: list[float] = []
    reset: list[float] = []
    for _ in range(_ROUNDS):
        time.sleep(_SETTLE_S)
        began = time.perf_counter()
        client.reset(environment)
        client.wait(environment, ("ready",), timeout_s=60)
        reset.append(time.perf_counter() - began)
        client.stop(environment)
        client.wait(environment, ("stopped",), timeout_s=60)
        began = time.perf_counter()
        client.start(environment)
        client.wait(environment, ("ready",), timeout_s=60)
        start.append(time.perf_counter() - began)
    time.sleep(_SETTLE_S)
    status = client.environment(environment)
    trees = {each.name: members(each.pid or 0) for each in status.services}
    figures = {f"{name}_pss_mib": round(_pss(pids), 1) for name, pids in trees.items()}
    figures["control_plane_pss_mib"] = round(_pss([client.info().pid]), 1)
    figures["answer_ms"] = _answer_ms(f"{status.url}/health")
    client.stop(environment)
    client.wait(environment, ("stopped",), timeout_s=60)
    return {
        "start_s": round(statistics.median(start), 3),
        "reset_s": round(statistics.median(reset), 3),
        **figures,
    }


def _answer_ms(url: str) -> float:
    """Return the median of answers of a service that has nothing to do."""
    took = []
    with httpx.Client() as http:
        for _ in range(_REQUESTS):
            began = time.perf_counter()
            http.get(url)
            took.append((time.perf_counter() - began) * 1000)
    return round(statistics.median(took), 3)


def _pss(pids: list[int]) -> float:
    return sum(float(psutil.Process(pid).memory_full_info().pss) for pid in pids) / _MIB

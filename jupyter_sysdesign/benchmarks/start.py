"""How long until a system is up: cold (templates built), warm (spare copy ready), reset."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.benchmarks.place import FOUR_SERVICES, fresh_home

if TYPE_CHECKING:
    from jupyter_sysdesign.control.client import ControlClient

_ROUNDS = 7
_SPARE_S = 1.5  # longer than copying any template of ours takes


def measure(lessons: tuple[str, ...] = (FOUR_SERVICES, "t1-02-indexes")) -> dict[str, Any]:
    """Return seconds from the POST to ``ready``; the headline figures are the 4-service one's."""
    with fresh_home() as home:
        from jupyter_sysdesign.control.client import ControlClient

        with ControlClient(holder="bench") as client:
            each = {lesson: _one(client, lesson, str(home / "work" / lesson)) for lesson in lessons}
    return {**each[lessons[0]], "lessons": each}


def _one(client: ControlClient, lesson: str, folder: str) -> dict[str, Any]:
    client.create_workspace(lesson, folder=folder)
    began = time.perf_counter()
    environment = client.create_environment(folder).id
    client.wait(environment, ("ready",), timeout_s=120)
    cold_s = time.perf_counter() - began
    warm: list[float] = []
    reset: list[float] = []
    for _ in range(_ROUNDS):
        time.sleep(_SPARE_S)
        client.stop(environment)
        client.wait(environment, ("stopped",), timeout_s=30)
        began = time.perf_counter()
        client.start(environment)
        client.wait(environment, ("ready",), timeout_s=30)
        warm.append(time.perf_counter() - began)
        time.sleep(_SPARE_S)
        began = time.perf_counter()
        client.reset(environment)
        client.wait(environment, ("ready",), timeout_s=30)
        reset.append(time.perf_counter() - began)
    fresh: list[float] = []
    for round_ in range(_ROUNDS):  # a new workspace: its data directory is taken from the spare
        time.sleep(_SPARE_S)
        other = f"{folder}-{round_}"
        client.create_workspace(lesson, folder=other)
        began = time.perf_counter()
        new = client.create_environment(other).id
        client.wait(new, ("ready",), timeout_s=30)
        fresh.append(time.perf_counter() - began)
        client.stop(new)
        client.wait(new, ("stopped",), timeout_s=30)
        client.delete(new)
    client.delete(environment)
    return {
        "cold_s": round(cold_s, 3),
        "warm_s": round(statistics.median(fresh), 3),
        "restart_s": round(statistics.median(warm), 3),
        "reset_s": round(statistics.median(reset), 3),
        "rounds": _ROUNDS,
    }

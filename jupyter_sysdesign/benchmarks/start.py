"""How long until a system is up: cold (templates built), warm (spare copy ready), reset."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign import paths
from jupyter_sysdesign.benchmarks.place import FOUR_SERVICES, fresh_home

if TYPE_CHECKING:
    from jupyter_sysdesign.control.client import ControlClient

_ROUNDS = 7
_SPARE_TIMEOUT_S = 30.0
_QUIET_S = 0.5  # what was busy with the spare copy has the machine no more


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
        _await_spare(lesson)
        client.stop(environment)
        client.wait(environment, ("stopped",), timeout_s=30)
        began = time.perf_counter()
        client.start(environment)
        client.wait(environment, ("ready",), timeout_s=30)
        warm.append(time.perf_counter() - began)
        _await_spare(lesson)
        began = time.perf_counter()
        client.reset(environment)
        client.wait(environment, ("ready",), timeout_s=30)
        reset.append(time.perf_counter() - began)
    fresh: list[float] = []
    for round_ in range(_ROUNDS):  # a new workspace: its data directory is taken from the spare
        other = f"{folder}-{round_}"
        client.create_workspace(lesson, folder=other)
        _await_spare(lesson)
        began = time.perf_counter()
        new = client.create_environment(other).id
        client.wait(new, ("ready",), timeout_s=30)
        fresh.append(time.perf_counter() - began)
        _await_spare(lesson)  # it makes the next one
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


def _await_spare(lesson: str) -> None:
    """Wait until the copy lies ready that a start or reset takes."""
    until = time.monotonic() + _SPARE_TIMEOUT_S
    while not any(paths.templates().glob(f"{lesson}-*/spare")) and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(_QUIET_S)

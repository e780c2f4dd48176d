"""Both loops on every kind of readiness queue that Python has here."""

from __future__ import annotations

import selectors
import sys
from typing import TYPE_CHECKING, Any

import pytest

from jupyter_sysdesign.load.closed import ClosedLoop
from jupyter_sysdesign.load.open import OpenLoop
from jupyter_sysdesign.load.plan import Plan
from jupyter_sysdesign.load.poller import Poller, SelectorPoller, make_poller
from jupyter_sysdesign.load.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Server

    from jupyter_sysdesign.load.profile import Profile

POLLERS: dict[str, Callable[[], Poller]] = {
    "here": lambda: make_poller(precise=False),
    "precise": lambda: make_poller(precise=True),
    "select": lambda: SelectorPoller(selectors.SelectSelector()),
    "poll": lambda: SelectorPoller(selectors.PollSelector()),
}
if sys.platform != "linux":
    POLLERS["kqueue"] = SelectorPoller


def _run(profile: Profile, server: Server, poller: Poller) -> dict[str, Any]:
    plan = Plan.read(profile.plan(server.target, seed=1))
    recorder = Recorder(plan)
    loop: Any = None

    def on_tick(elapsed_ns: int) -> None:
        recorder.tick(loop, elapsed_ns)

    loop = (OpenLoop if plan.open_loop else ClosedLoop)(plan, poller, on_tick)
    loop.run()
    recorder.tick(loop, loop.elapsed_ns())
    loop.close()
    poller.close()
    return recorder.summary()


@pytest.mark.parametrize("name", POLLERS)
@pytest.mark.parametrize("path", ["/ok", "/reset", "/until-close"])
def test_a_closed_loop(server: Server, profile: Callable[..., Profile], name: str, path: str):
    summary = _run(profile(path, connections=3, duration_s=0.2), server, POLLERS[name]())
    assert summary["requests"] == len(server.seen) > 5
    assert set(summary["errors"]) <= {"reset"}


@pytest.mark.parametrize("name", POLLERS)
def test_an_open_loop(server: Server, profile: Callable[..., Profile], name: str):
    summary = _run(profile(mode="open", rate=200, duration_s=0.3), server, POLLERS[name]())
    assert summary["requests"] == summary["ok"] == len(server.seen) == 60


@pytest.mark.parametrize("name", POLLERS)
def test_a_big_body_and_a_refusing_port(server: Server, profile: Callable[..., Profile], name: str):
    mix = [{"name": "big", "method": "POST", "path": "/slow-reader", "body": "x" * 900_000}]
    summary = _run(profile(mix=mix, duration_s=0.2), server, POLLERS[name]())
    assert summary["errors"] == {}
    server.close()
    summary = _run(profile(duration_s=0.1), server, POLLERS[name]())
    assert set(summary["errors"]) == {"refused"}

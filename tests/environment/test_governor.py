"""CPU quotas, measured in CPU time used (never in latencies), with generous tolerance."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jupyter_sysdesign.environment import proctree
from jupyter_sysdesign.environment.proctree import Tree

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from jupyter_sysdesign.environment.launch import Launch
    from jupyter_sysdesign.environment.runtimes.embedded import Embedded

    Until = Callable[..., Awaitable[None]]

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.measures,
    pytest.mark.skipif(sys.platform != "linux", reason="quotas are Linux only"),
]

SPIN = "while True: pass"
FORKS = """
import os
for _ in range(3):
    if os.fork() == 0:
        os.setsid()  # as PostgreSQL's backends do: no signal to a group reaches them
        break
while True: pass
"""
SHORT_LIVED = """
import os
while True:
    if os.fork() == 0:
        for _ in range(20_000): pass
        os._exit(0)
    os.wait()
"""
THREADS = """
import hashlib, threading
def work():
    while True: hashlib.sha256(b'x' * 1_000_000)
for _ in range(3): threading.Thread(target=work).start()
"""


async def cores_used(*pids: int, seconds: float = 2.0) -> list[float]:
    """Return the CPU each tree uses, in cores, over a while."""
    trees = [Tree(pid) for pid in pids]
    for tree in trees:
        tree.scan(thorough=True)
    before, started = [tree.cpu_s() for tree in trees], time.monotonic()
    await asyncio.sleep(seconds)
    for tree in trees:
        tree.scan(thorough=True)
    after, ended = [tree.cpu_s() for tree in trees], time.monotonic()
    for tree in trees:
        tree.close()
    return [(b - a) / (ended - started) for a, b in zip(before, after, strict=True)]


def stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


async def test_three_spinning_services_get_their_share_each(
    runtime: Embedded, python: Callable[..., Launch]
) -> None:
    pids = [await runtime.spawn(python(name, SPIN)) for name in ("a", "b", "c")]
    for name in ("a", "b", "c"):
        await runtime.set_quota(name, 0.2)
    used = await cores_used(*pids)
    assert all(0.12 < cores < 0.28 for cores in used), used


@pytest.mark.parametrize("code", [FORKS, SHORT_LIVED, THREADS])
async def test_a_tree_is_held_as_a_whole(
    runtime: Embedded, python: Callable[..., Launch], code: str
) -> None:
    pid = await runtime.spawn(python("tree", code))
    await asyncio.sleep(0.3)
    await runtime.set_quota("tree", 0.3)
    await asyncio.sleep(0.3)
    (used,) = await cores_used(pid)
    assert 0.15 < used < 0.45


async def test_a_quota_can_be_changed_while_the_service_runs(
    runtime: Embedded, python: Callable[..., Launch]
) -> None:
    pid = await runtime.spawn(python("app", SPIN))
    await runtime.set_quota("app", 0.05)
    (little,) = await cores_used(pid, seconds=1.5)
    await runtime.set_quota("app", 0.2)
    (more,) = await cores_used(pid, seconds=1.5)
    await runtime.set_quota("app", None)
    (all_of_it,) = await cores_used(pid, seconds=1.0)
    assert more > 2 * little
    assert all_of_it > more


async def test_a_quota_never_wakes_what_is_paused(
    runtime: Embedded, python: Callable[..., Launch], until: Until
) -> None:
    pid = await runtime.spawn(python("app", FORKS))
    await runtime.set_quota("app", 0.2)
    await until(lambda: len(proctree.members(pid)) == 4)
    await runtime.pause("app")
    tree = Tree(pid)
    tree.scan(thorough=True)
    assert len(tree.pids) == 4
    # Who waits for a CPU is only seen to be stopped when its turn comes.
    await until(lambda: all(stopped(each) for each in tree.pids))
    await runtime.set_quota("app", 0.5)
    for _ in range(50):
        assert all(stopped(each) for each in tree.pids)
        await asyncio.sleep(0.01)
    assert (await cores_used(pid, seconds=0.3)) == [0.0]
    await runtime.resume("app")
    (used,) = await cores_used(pid)
    assert 0.25 < used < 0.75
    tree.close()


async def test_a_service_told_to_stop_is_not_held_back(
    runtime: Embedded, python: Callable[..., Launch], heard: Any, until: Until
) -> None:
    tidy_up = (
        "import signal, sys\n"
        "def end(*_):\n"
        "    for _ in range(3_000_000): pass\n"  # far more than its quota would give in time
        "    sys.exit(7)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "print('ready')\n"
        "while True: pass"
    )
    for freeze in (False, True):
        heard.lines.clear()
        await runtime.spawn(python("app", tidy_up, stop_timeout_s=30.0))
        await until(lambda: heard.lines == [("app", "ready")])
        await runtime.set_quota("app", 0.01)
        if freeze:
            await runtime.pause("app")
        how = await runtime.stop("app")
        assert how is not None
        assert how.code == 7


async def test_watching_an_idle_environment_costs_next_to_nothing(
    runtime: Embedded, python: Callable[..., Launch]
) -> None:
    pids = []
    for name in ("db", "cache", "lb", "app1", "app2"):
        launch = python(name, "import time; time.sleep(600)", memory_bytes=1 << 28)
        pids.append(await runtime.spawn(launch))
        await runtime.set_quota(name, 0.3)
    supervisor = runtime.supervisor
    assert supervisor is not None
    await asyncio.sleep(1)
    woken, used_s, began = switches(supervisor), cpu_s(supervisor), time.monotonic()
    await asyncio.sleep(2)
    elapsed_s = time.monotonic() - began
    woken, used_s = switches(supervisor) - woken, cpu_s(supervisor) - used_s
    looked_s = woken * cpu_s_of_a_look(pids)
    assert woken <= 30 * elapsed_s  # 20 times a second, and to keep house
    assert used_s < 6 * looked_s  # that nobody could do without


def cpu_s(pid: int) -> float:
    """Return the CPU time of one process and none of its children, to the nanosecond."""
    return time.clock_gettime((~pid << 3) | 2)


def cpu_s_of_a_look(pids: list[int]) -> float:
    """Return the CPU time it takes to read of each process what it has used."""
    began = time.process_time()
    for _ in range(50):
        for pid in pids:
            Path(f"/proc/{pid}/stat").read_bytes()
    return (time.process_time() - began) / 50


def switches(pid: int) -> int:
    """Return how often a process has given up its core by itself."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(each.split()[1]) for each in lines if each.startswith("voluntary"))


async def test_nothing_stays_frozen_when_the_quota_goes(
    runtime: Embedded, python: Callable[..., Launch]
) -> None:
    pid = await runtime.spawn(python("app", FORKS))
    await asyncio.sleep(0.2)
    for _ in range(20):
        await runtime.set_quota("app", 0.02)
        await asyncio.sleep(0.02)
        await runtime.set_quota("app", None)
        tree = Tree(pid)
        tree.scan(thorough=True)
        assert not any(stopped(each) for each in tree.pids)
        tree.close()

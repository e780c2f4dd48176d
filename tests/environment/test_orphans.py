"""Whatever is killed, however, nothing outlives it: no process, no socket, no port, no folder.

The ``home`` fixture looks again after each test, by other means than the program itself.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from owners import Owner

from jupyter_sysdesign import paths
from jupyter_sysdesign.environment import proctree
from jupyter_sysdesign.environment.sweep import sweep_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jupyter_sysdesign.environment.source import Source

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")

BURN = "SELECT count(*) FROM items a, items b, items c"


@pytest.fixture
def own(home: Path) -> Iterator[Callable[..., Owner]]:
    """Return a maker of owners."""
    made: list[Owner] = []

    def make(*arguments: Any) -> Owner:
        made.append(Owner(*arguments))
        return made[-1]

    yield make
    for each in made:
        each.end()


def kill(*pids: int) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def all_gone(pids: list[int], timeout_s: float = 30.0) -> bool:
    until = time.monotonic() + timeout_s
    while any(proctree.started(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.01)
    return not any(proctree.started(pid) for pid in pids)


def assert_no_trace(owner: Owner) -> None:
    owner.process.wait(timeout=30) if owner.process.pid not in owner.family else None
    keepers = [owner.facts[name] for name in ("fork_server", "guard", "supervisor")]
    assert all_gone([*keepers, *owner.family])
    assert not list(paths.runtime().iterdir())
    assert not (Path(owner.facts["folder"]) / "ledger.json").exists()
    port = int(owner.facts["url"].rpartition(":")[2])
    with socket.socket() as anybody:
        anybody.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        anybody.bind(("127.0.0.1", port))


def selects(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0 ").endswith(b"SELECT")
    except OSError:
        return False


def frozen_backends(owner: Owner) -> list[int]:
    """Put load on the database and hold it so tightly that its processes are frozen mostly."""
    code = f"import psycopg; psycopg.connect({owner.facts['dsn']!r}).execute({BURN!r})"
    clients = [
        subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL) for _ in range(3)
    ]
    postmaster = owner.facts["services"]["db"][0]
    until = time.monotonic() + 60
    while (busy := sum(map(selects, proctree.members(postmaster)))) < 3:
        assert time.monotonic() < until, f"{busy} of 3 backends are busy"
        time.sleep(0.01)
    family = proctree.members(postmaster)
    owner.family += family
    owner.ask("db quota=0.01")
    owner.family += [client.pid for client in clients]
    owner.clients = clients
    time.sleep(0.2)
    return family


def reap(owner: Owner) -> None:
    for client in owner.clients:
        client.wait(timeout=60)


def test_a_killed_owner(own: Callable[..., Owner], tiny_full_lesson: Source) -> None:
    owner = own(tiny_full_lesson)
    kill(owner.process.pid)
    assert_no_trace(owner)


def test_an_owner_killed_while_services_are_paused(
    own: Callable[..., Owner], tiny_lesson: Source
) -> None:
    owner = own(tiny_lesson)
    owner.ask("db pause")
    owner.ask("app pause")
    kill(owner.process.pid)
    assert_no_trace(owner)


def test_an_owner_killed_while_the_database_is_throttled(
    own: Callable[..., Owner], tiny_lesson: Source
) -> None:
    owner = own(tiny_lesson)
    frozen_backends(owner)
    kill(owner.process.pid)
    reap(owner)
    assert_no_trace(owner)


def test_a_killed_supervisor_is_noticed_and_the_next_start_works(
    own: Callable[..., Owner], tiny_lesson: Source
) -> None:
    owner = own(tiny_lesson)
    frozen_backends(owner)
    kill(owner.facts["supervisor"])
    reap(owner)
    assert all_gone([owner.facts["guard"], *owner.family])
    assert not list(paths.runtime().iterdir())
    assert owner.ask("instance rest")["status"]["state"] == "failed"
    again = owner.ask("instance start")
    assert again["status"]["state"] == "ready"
    assert again["status"]["url"] == owner.facts["url"]
    owner.ask("instance stop")
    assert_no_trace_left_of(owner)


def assert_no_trace_left_of(owner: Owner) -> None:
    assert all_gone(owner.family)
    assert not list(paths.runtime().iterdir())


@pytest.mark.parametrize("who", ["guard", "guard and supervisor"])
def test_a_killed_guard(own: Callable[..., Owner], tiny_lesson: Source, who: str) -> None:
    owner = own(tiny_lesson)
    frozen_backends(owner)
    kill(*(owner.facts[name] for name in who.split(" and ")))
    reap(owner)
    assert all_gone([owner.facts["guard"], owner.facts["supervisor"], *owner.family])
    owner.ask("instance rest")
    assert owner.ask("instance start")["status"]["state"] == "ready"
    owner.ask("instance stop")
    assert_no_trace_left_of(owner)


def test_owner_and_supervisor_killed_at_once(
    own: Callable[..., Owner], tiny_lesson: Source
) -> None:
    owner = own(tiny_lesson)
    frozen_backends(owner)
    kill(owner.process.pid, owner.facts["supervisor"])
    reap(owner)
    assert_no_trace(owner)


def test_all_three_killed_at_once_are_swept_by_the_next(
    own: Callable[..., Owner], tiny_lesson: Source
) -> None:
    owner = own(tiny_lesson)
    backends = frozen_backends(owner)
    owner.ask("db pause")
    kill(owner.process.pid, owner.facts["guard"], owner.facts["supervisor"])
    owner.process.wait()
    # The kernel ends each service's main process; what was frozen below it stays for the sweep.
    assert all_gone([tree[0] for tree in owner.facts["services"].values()])
    sweep_all()
    reap(owner)
    assert all_gone(backends)
    assert_no_trace(owner)


def test_a_killed_postmaster(own: Callable[..., Owner], tiny_lesson: Source) -> None:
    owner = own(tiny_lesson)
    backends = frozen_backends(owner)
    kill(backends[0])
    reap(owner)
    assert all_gone(backends)
    owner.ask("db rest")
    status = owner.ask("db start")["status"]
    assert status["state"] == "ready"
    with psycopg.connect(owner.facts["dsn"]) as connection:
        assert connection.execute("SELECT count(*) FROM items").fetchone() == (1000,)
    owner.ask("instance stop")
    assert_no_trace_left_of(owner)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_supervisor_that_is_told_to_end_takes_everything_along(
    own: Callable[..., Owner], tiny_lesson: Source, number: signal.Signals
) -> None:
    owner = own(tiny_lesson)
    os.kill(owner.facts["supervisor"], number)
    assert all_gone([owner.facts["guard"], *owner.family])
    assert not list(paths.runtime().iterdir())


def test_a_frozen_supervisor_does_not_outlive_its_owner(
    own: Callable[..., Owner], tiny_lesson: Source
) -> None:
    owner = own(tiny_lesson)
    os.kill(owner.facts["supervisor"], signal.SIGSTOP)
    kill(owner.process.pid)
    assert_no_trace(owner)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_fork_server_killed_or_frozen_before_its_owner(
    own: Callable[..., Owner], tiny_lesson: Source, how: signal.Signals
) -> None:
    owner = own(tiny_lesson)
    os.kill(owner.facts["fork_server"], how)
    assert all(proctree.started(tree[0]) for tree in owner.facts["services"].values())
    kill(owner.process.pid)
    assert_no_trace(owner)


def test_fork_server_guard_and_supervisor_killed_at_once(
    own: Callable[..., Owner], tiny_lesson: Source
) -> None:
    owner = own(tiny_lesson)
    frozen_backends(owner)
    kill(*(owner.facts[name] for name in ("fork_server", "guard", "supervisor")))
    reap(owner)
    assert all_gone([owner.facts["guard"], owner.facts["supervisor"], *owner.family])
    assert owner.ask("instance start")["status"]["state"] == "ready"
    owner.ask("instance stop")
    assert_no_trace_left_of(owner)


def test_a_temporary_instance_goes_with_its_owner(
    own: Callable[..., Owner], tiny_lesson: Source
) -> None:
    owner = own(tiny_lesson, "check")
    kill(owner.process.pid)
    assert all_gone([owner.facts["guard"], *owner.family])
    assert not Path(owner.facts["folder"]).exists()


def test_starts_and_stops_again_and_again_leave_nothing(
    own: Callable[..., Owner], tiny_lesson: Source
) -> None:
    owner = own(tiny_lesson)
    files = len(list(Path(f"/proc/{owner.process.pid}/fd").iterdir()))
    for _ in range(5):
        owner.ask("instance stop")
        assert_no_trace_left_of(owner)
        assert owner.ask("instance start")["status"]["state"] == "ready"
    assert len(list(Path(f"/proc/{owner.process.pid}/fd").iterdir())) <= files + 2

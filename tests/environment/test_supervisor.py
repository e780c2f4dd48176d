from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import pytest

from jupyter_sysdesign.environment import proctree
from jupyter_sysdesign.errors import (
    ConflictError,
    MissingBinaryError,
    StartFailedError,
    UnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from jupyter_sysdesign.environment.launch import Launch
    from jupyter_sysdesign.environment.runtimes.embedded import Embedded

    Until = Callable[..., Awaitable[None]]

pytestmark = pytest.mark.anyio

SLEEP = "import time; time.sleep(600)"
#: A daemon: its parent is gone and it sits in a session of its own.
DAEMON = """
import os, time
if os.fork() == 0:
    os.setsid()
    daemon = os.fork()
    if daemon == 0:
        time.sleep(600)
    print('daemon', daemon)  # not itself: it may be ended before it gets to speak
    os._exit(0)
time.sleep(600)
"""
CHILDREN = """
import os, time
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        time.sleep(600)
print('forked')
time.sleep(600)
"""


async def test_a_service_says_how_it_ended(
    runtime: Embedded, python: Callable[..., Launch], heard
) -> None:
    await runtime.spawn(python("app", "print('hello'); raise SystemExit(3)"))
    await runtime.wait("app")  # it may have ended before we ask
    (how,) = heard.exits
    assert (how.code, how.told) == (3, False)
    assert heard.lines == [("app", "hello")]
    pid = await runtime.spawn(python("app", SLEEP))
    os.kill(pid, signal.SIGKILL)
    how = await runtime.wait("app")
    assert (how.code, how.told) == (-9, False)
    await runtime.spawn(python("app", SLEEP))
    assert (await runtime.stop("app")).told
    assert await runtime.stop("app") is None
    assert await runtime.wait("app") is None


async def test_who_stops_what_was_refused_meanwhile_does_not_wait(
    runtime: Embedded, python: Callable[..., Launch]
) -> None:
    made = python("app", SLEEP)
    assert runtime.supervisor is not None
    os.kill(runtime.supervisor, signal.SIGSTOP)
    try:
        gone = type(made)(**{**made.__dict__, "argv": ("/no/such/program",)})
        starting = asyncio.ensure_future(runtime.spawn(gone))
        await asyncio.sleep(0.1)
        starting.cancel()
        await asyncio.wait([starting])
        stopping = asyncio.ensure_future(runtime.stop("app"))
        await asyncio.sleep(0.1)
    finally:
        os.kill(runtime.supervisor, signal.SIGCONT)
    assert await asyncio.wait_for(stopping, 60) is None
    assert proctree.started(await runtime.spawn(made))


async def test_what_cannot_be_spawned_is_refused_in_words(
    runtime: Embedded, python: Callable[..., Launch], tmp_path: Path
) -> None:
    def launch(argv: tuple[str, ...], cwd: Path = Path("/")) -> Launch:
        made = python("app", SLEEP)
        return type(made)(**{**made.__dict__, "argv": argv, "cwd": cwd})

    with pytest.raises(MissingBinaryError, match="/no/such/program does not exist"):
        await runtime.spawn(launch(("/no/such/program",)))
    plain = tmp_path / "plain"
    plain.write_text("no program")
    with pytest.raises(StartFailedError, match="may not be executed"):
        await runtime.spawn(launch((str(plain),)))
    with pytest.raises(StartFailedError, match=r"folder .*gone does not exist"):
        await runtime.spawn(launch((sys.executable,), tmp_path / "gone"))
    with pytest.raises(StartFailedError, match="null byte"):
        await runtime.spawn(launch((sys.executable, "a\0b")))
    pid = await runtime.spawn(python("app", SLEEP))
    with pytest.raises(ConflictError):
        await runtime.spawn(python("app", SLEEP))
    assert proctree.started(pid)
    with pytest.raises(ConflictError, match="does not run"):
        await runtime.pause("other")


async def test_services_carry_the_instance_and_inherit_nothing_else(
    runtime: Embedded, python: Callable[..., Launch], heard, home: Path
) -> None:
    code = "import os; print(dict(os.environ)); print(os.listdir('/proc/self/fd'))"
    await runtime.spawn(python("app", code))
    await runtime.wait("app")
    environment = eval(heard.lines[0][1])
    environment.pop("LC_CTYPE", None)
    assert environment == {
        "PATH": "/usr/bin:/bin",
        "SYSDESIGN_HOME": str(home),
        "SYSDESIGN_INSTANCE": "test-1",
    }
    assert eval(heard.lines[1][1]) == ["0", "1", "2", "3"]  # 3 is the listing itself


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
@pytest.mark.parametrize("end", ["stop", "kill", "die"])
async def test_nothing_below_a_service_survives_it(
    runtime: Embedded, python: Callable[..., Launch], heard, end: str, until: Until
) -> None:
    pid = await runtime.spawn(python("app", CHILDREN))
    await until(lambda: ("app", "forked") in heard.lines)
    family = proctree.members(pid)
    assert len(family) == 4
    for child in family[1:3]:
        os.kill(child, signal.SIGSTOP)  # as the governor does: frozen ones must die too
    if end == "die":
        os.kill(pid, signal.SIGKILL)
        await runtime.wait("app")
    else:
        await (runtime.stop("app") if end == "stop" else runtime.kill("app"))
    assert [each for each in family if proctree.started(each)] == []


@pytest.mark.skipif(sys.platform != "linux", reason="needs a child subreaper")
async def test_a_service_cannot_leave_a_daemon_behind(
    runtime: Embedded, python: Callable[..., Launch], heard, until: Until
) -> None:
    await runtime.spawn(python("app", DAEMON))
    await until(lambda: heard.lines)
    daemon = int(heard.lines[0][1].split()[1])
    await until(lambda: proctree.started(daemon) is None)


async def test_a_service_that_ignores_being_told_is_killed(
    runtime: Embedded, python: Callable[..., Launch], heard, until: Until
) -> None:
    stubborn = "import signal; signal.signal(15, signal.SIG_IGN); print('up'); " + SLEEP
    await runtime.spawn(python("app", stubborn, stop_timeout_s=0.3))
    await until(lambda: heard.lines)
    assert (await runtime.stop("app")).code == -9
    await runtime.spawn(python("app", stubborn, stop_timeout_s=600.0))
    await until(lambda: len(heard.lines) == 2)
    await runtime.close()  # does not wait for ten minutes
    assert heard.exits[-1].code == -9
    assert heard.losses == 0
    with pytest.raises(UnavailableError):
        await runtime.spawn(python("app", SLEEP))


async def test_a_supervisor_that_is_told_to_end_tells_each_service_once(
    runtime: Embedded, python: Callable[..., Launch], heard, until: Until
) -> None:
    code = """
import signal, time
told = []
signal.signal(signal.SIGTERM, lambda *_: told.append(print("told")))
print("up")
while not told:
    time.sleep(0.01)
time.sleep(0.3)
"""
    await runtime.spawn(python("app", code))
    await until(lambda: heard.lines)
    for number in (signal.SIGTERM, signal.SIGHUP):
        os.kill(runtime.supervisor, number)
    await until(lambda: heard.losses)
    assert [line for _, line in heard.lines] == ["up", "told"]


async def test_closing_ends_everything_also_what_is_paused(
    runtime: Embedded, python: Callable[..., Launch]
) -> None:
    pids = [await runtime.spawn(python(name, SLEEP)) for name in ("a", "b", "c")]
    await runtime.pause("a")
    await runtime.set_quota("b", 0.01)
    await runtime.close()
    assert [pid for pid in pids if proctree.started(pid)] == []
    assert not runtime._sockets.exists()
    await runtime.close()


async def test_a_listener_that_fails_keeps_no_service_from_being_stopped(
    runtime: Embedded,
    python: Callable[..., Launch],
    heard,
    until: Until,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = []

    def fail(*what: object) -> None:
        told.append(what)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(heard, "printed", fail)
    monkeypatch.setattr(heard, "ended", fail)
    await runtime.spawn(python("app", "print('hello'); " + SLEEP))
    await until(lambda: told)
    with anyio.fail_after(60):  # only ends a hung test
        assert (await runtime.stop("app")).told
        await runtime.close()
    assert len(told) == 2


async def test_a_file_may_not_grow_beyond_its_limit(
    runtime: Embedded, python: Callable[..., Launch], tmp_path: Path, heard
) -> None:
    file = tmp_path / "big"
    code = f"f = open({str(file)!r}, 'wb')\nwhile True: f.write(b'x' * 65536)"
    await runtime.spawn(python("app", code, file_bytes=1 << 20))
    how = await heard.end_of("app", runtime)
    assert how.code != 0
    assert file.stat().st_size == 1 << 20


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
async def test_a_tree_that_holds_more_memory_than_it_may_is_ended_with_the_reason(
    runtime: Embedded, python: Callable[..., Launch], heard
) -> None:
    code = """
import os, time
blocks = []
for _ in range(3):  # each process stays below the limit, together they do not
    if os.fork() == 0:
        blocks.append(bytearray(60 << 20))
        time.sleep(600)
time.sleep(600)
"""
    await runtime.spawn(python("app", code, memory_bytes=100 << 20))
    how = await heard.end_of("app", runtime)
    held = re.fullmatch(r"out of memory: app held (\d+) MiB of its 100 MiB", how.reason)
    assert held
    assert int(held[1]) >= 100
    assert heard.lines[-1] == ("app", how.reason)


@pytest.mark.skipif(sys.platform != "linux", reason="macOS has no such limit")
async def test_one_process_cannot_grow_past_all_bounds_in_one_go(
    runtime: Embedded, python: Callable[..., Launch], heard
) -> None:
    code = "x = bytearray(3 << 30)"
    await runtime.spawn(python("app", code, memory_bytes=100 << 20))
    assert (await heard.end_of("app", runtime)).code == 1
    assert heard.lines[-1] == ("app", "MemoryError")


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
async def test_the_supervisor_stays_small(
    runtime: Embedded, python: Callable[..., Launch], heard, until: Until
) -> None:
    for name in ("a", "b", "c", "d"):
        await runtime.spawn(python(name, "print('x' * 1000); " + SLEEP, memory_bytes=1 << 28))
        await runtime.set_quota(name, 0.5)
    await until(lambda: len(heard.lines) == 4)
    held = 0
    for pid in (runtime.supervisor, runtime.guard):  # what they share with the fork server is free
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()  # noqa: ASYNC240 (/proc)
        held += sum(int(line.split()[1]) for line in rollup if line.startswith("Private_"))
    assert held < 16 * 1024  # KiB; both together

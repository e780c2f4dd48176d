"""Python services run in forks of a process that has loaded their libraries; nobody can tell."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from jupyter_sysdesign.environment import preload, proctree
from jupyter_sysdesign.environment.launch import Launch
from jupyter_sysdesign.environment.runtimes import forking

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from jupyter_sysdesign.environment.runtimes.embedded import Embedded
    from jupyter_sysdesign.environment.source import Source

    Until = Callable[..., Awaitable[None]]
    Make = Callable[..., Launch]

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform != "linux", reason="services are forked on Linux only"),
]

#: Libraries are loaded in a fork, and only there, before the program asks for any.
WHERE = "import sys; print('forked' if 'fastapi' in sys.modules else 'new')\n"
#: What a program leaves to its end.
LATE = """
import atexit, threading, time
atexit.register(print, 'at exit')
threading.Thread(target=lambda: (time.sleep(0.2), print('thread'))).start()
"""


@pytest.fixture
def program(home: Path) -> Make:
    """Return a maker of services from the text of a Python file."""
    folder = home.parent / "programs"
    folder.mkdir()

    async def ready() -> None:
        return

    def make(name: str, code: str, *arguments: str, **fields: Any) -> Launch:
        (folder / f"{name}.py").write_text(code)
        words = (f"{name}.py", *arguments)
        known = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "PYTHONPATH": str(folder)}
        return Launch(
            name=name,
            argv=(sys.executable, *words),
            python=words,
            env=known | fields.pop("env", {}),
            cwd=folder,
            probe=ready,
            **fields,
        )

    return make


def printed(heard: Any, name: str) -> list[str]:
    return [line for each, line in heard.lines if each == name]


async def test_a_fork_is_what_a_new_process_would_have_been(
    runtime: Embedded, program: Make, heard: Any, home: Path
) -> None:
    code = WHERE + (
        "import json, os, random, signal, threading, uuid\n"
        "print(json.dumps({\n"
        "  'name': __name__, 'file': os.path.basename(__file__), 'argv': sys.argv,\n"
        "  'main': vars(sys.modules['__main__']) is globals(),\n"
        "  'env': dict(os.environ), 'cwd': os.getcwd(), 'first': sys.path[0],\n"
        "  'files': os.listdir('/proc/self/fd'), 'threads': threading.active_count(),\n"
        "  'session': os.getsid(0) == os.getpid(), 'parent': os.getppid(),\n"
        "  'term': signal.getsignal(signal.SIGTERM) is signal.SIG_DFL,\n"
        "  'int': signal.getsignal(signal.SIGINT) is signal.default_int_handler,\n"
        "  'held': len(signal.pthread_sigmask(signal.SIG_BLOCK, [])),\n"
        "  'ours': [m for m in sys.modules if m == 'beside'],\n"
        "  'random': [random.random(), uuid.uuid4().hex]}))\n"
    )
    facts = []
    for name in ("one", "two"):
        await runtime.spawn(program(name, code, "x", env={"MINE": "1"}))
        assert (await heard.end_of(name, runtime)).code == 0
        kind, said = printed(heard, name)
        assert kind == "forked"
        facts.append(eval(said, {"true": True, "false": False}))
    one, two = facts
    folder = str(home.parent / "programs")
    assert one["env"] == {
        "PATH": "/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": folder,
        "MINE": "1",
        "SYSDESIGN_HOME": str(home),
        "SYSDESIGN_INSTANCE": "test-1",
    }
    assert (one["name"], one["file"], one["argv"]) == ("__main__", "one.py", ["one.py", "x"])
    assert (one["cwd"], one["first"], one["parent"]) == (folder, folder, runtime.supervisor)
    assert one["files"] == ["0", "1", "2", "3"]  # 3 is the listing itself
    assert (one["threads"], one["held"], one["ours"]) == (1, 0, [])
    assert all(one[name] for name in ("main", "session", "term", "int"))
    assert one["random"] != two["random"]


async def test_a_fork_is_seen_as_what_it_runs(
    runtime: Embedded, program: Make, heard: Any, until: Until, home: Path
) -> None:
    code = WHERE + "import time; time.sleep(600)"
    pid = await runtime.spawn(program("app", code, "--colour", "red", env={"MINE": "x" * 900}))
    await until(lambda: printed(heard, "app") == ["forked"])
    seen = psutil.Process(pid)
    assert seen.cmdline() == [sys.executable, "app.py", "--colour", "red"]
    assert seen.environ()["MINE"] == "x" * 900
    pid = await runtime.spawn(program("big", code, env={"MINE": "x" * 100_000}))
    await until(lambda: printed(heard, "big") == ["forked"])
    marks = proctree.environment(pid)
    assert marks[b"SYSDESIGN_INSTANCE"] == b"test-1"
    for keeper, title in ((runtime.guard, "guard"), (runtime.supervisor, "supervisor")):
        assert psutil.Process(keeper).cmdline() == [f"sysdesign-{title}", "test-1"]
        assert proctree.environment(keeper)[b"SYSDESIGN_INSTANCE"] == b"test-1"
    assert marks[b"SYSDESIGN_HOME"] == os.fsencode(home)
    # The fork server belongs to no instance, and no sweep of one may take it for such.
    assert b"SYSDESIGN_INSTANCE" not in proctree.environment(forking.prepare())


async def test_a_fork_says_how_it_ended(runtime: Embedded, program: Make, heard: Any) -> None:
    ends = {
        "quits": ("raise SystemExit(3)", 3),
        "says": ("raise SystemExit('no luck')", 1),
        "fails": ("def deep():\n    raise ValueError('too deep')\ndeep()", 1),
        "breaks": ("this is no Python", 1),
        "dies": ("import os; os.kill(os.getpid(), 9)", -9),
        "works": (LATE, 0),
    }
    for name, (code, expected) in ends.items():
        await runtime.spawn(program(name, WHERE + code))
        how = await heard.end_of(name, runtime)
        assert (name, how.code, how.told) == (name, expected, False)
    assert printed(heard, "says") == ["forked", "no luck"]
    assert printed(heard, "works") == ["forked", "thread", "at exit"]
    assert printed(heard, "breaks")[-1].startswith("SyntaxError: ")
    trace = printed(heard, "fails")
    assert trace[-1] == "ValueError: too deep"
    assert not [line for line in trace if "jupyter_sysdesign" in line]  # of no use to a learner


async def test_a_fork_that_is_told_to_end_at_once_does(
    runtime: Embedded, program: Make, heard: Any
) -> None:
    """Its first moments, with the supervisor's handlers still in place, lose no signal."""
    for number in range(20):
        name = f"app{number}"
        await runtime.spawn(program(name, "import time; time.sleep(600)", stop_timeout_s=600.0))
        how = await runtime.stop(name)
        assert (how.code, how.told) == (-signal.SIGTERM, True)
    assert heard.losses == 0


async def test_a_fork_is_paused_held_to_its_quota_and_limited(
    runtime: Embedded, program: Make, heard: Any, until: Until, tmp_path: Path
) -> None:
    pid = await runtime.spawn(program("spin", WHERE + "while True: pass"))
    await runtime.pause("spin")
    await until(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    await runtime.resume("spin")
    await until(lambda: psutil.Process(pid).status() == psutil.STATUS_RUNNING)
    await runtime.set_quota("spin", 0.1)
    await until(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    await runtime.kill("spin")
    hoard = "import time\nx = bytearray(200 << 20)\nfor i in range(0, len(x), 4096): x[i] = 1\n"
    await runtime.spawn(program("hoard", hoard + "time.sleep(600)", memory_bytes=150 << 20))
    reason = (await heard.end_of("hoard", runtime)).reason
    held = re.fullmatch(r"out of memory: hoard held (\d+) MiB of its 150 MiB", reason)
    assert held
    assert int(held[1]) >= 150
    await runtime.spawn(program("leap", "x = bytearray(3 << 30)", memory_bytes=100 << 20))
    assert (await heard.end_of("leap", runtime)).code == 1
    assert printed(heard, "leap")[-1] == "MemoryError"
    file = tmp_path / "big"
    code = f"f = open({str(file)!r}, 'wb')\nwhile True: f.write(b'x' * 65536)"
    await runtime.spawn(program("fill", code, file_bytes=1 << 20))
    assert (await heard.end_of("fill", runtime)).code != 0
    assert file.stat().st_size == 1 << 20


async def test_a_file_by_the_name_of_a_library_is_the_one_that_is_imported(
    runtime: Embedded, program: Make, heard: Any
) -> None:
    program("redis", "mine = True")
    await runtime.spawn(program("app", WHERE + "import redis; print(redis.mine)"))
    await runtime.wait("app")
    assert printed(heard, "app") == ["new", "True"]


async def test_what_only_a_new_interpreter_heeds_is_given_one(
    make_world: Callable[..., Any], tiny_lesson: Source
) -> None:
    service = make_world(tiny_lesson).services["app"]
    assert service.launch().python[:2] == ("-m", "uvicorn")
    service.spec.environment["PYTHONHASHSEED"] = "1"
    assert service.launch().python == ()


async def test_the_rehearsal_plays_with_what_is_installed() -> None:
    await preload._rehearse()  # where it fails, the fork server does without


async def test_a_killed_fork_server_is_replaced_and_missed_by_nobody(
    runtime: Embedded, program: Make, heard: Any, until: Until
) -> None:
    pid = await runtime.spawn(program("old", WHERE + "import time; time.sleep(600)"))
    killed = forking.prepare()
    os.kill(killed, signal.SIGKILL)
    await runtime.spawn(program("new", WHERE))  # its supervisor has all it needs
    assert (await heard.end_of("new", runtime)).code == 0
    assert proctree.started(pid)
    assert (await runtime.stop("old")).told
    await runtime.close()
    assert heard.losses == 0
    await runtime_again(runtime, program, heard)
    assert forking.prepare() != killed


async def runtime_again(runtime: Embedded, program: Make, heard: Any) -> None:
    again = type(runtime)("test-1", runtime._folder, runtime._sockets, runtime._listener)
    await again.open()
    await again.spawn(program("next", WHERE))
    assert (await heard.end_of("next", again)).code == 0
    await again.close()


async def test_a_fork_server_killed_while_it_is_asked_costs_a_moment(
    runtime: Embedded, program: Make, heard: Any
) -> None:
    await runtime.close()
    server = forking.prepare()
    os.kill(server, signal.SIGSTOP)  # what is asked of it now it will not do
    again = type(runtime)("test-1", runtime._folder, runtime._sockets, runtime._listener)
    opening = asyncio.ensure_future(again.open())
    await asyncio.sleep(0.2)
    os.kill(server, signal.SIGKILL)
    await opening
    await again.spawn(program("app", WHERE))
    assert (await heard.end_of("app", again)).code == 0
    await again.close()

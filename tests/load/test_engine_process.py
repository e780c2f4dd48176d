"""The engine as a process: its input and output, signals, and the death of whoever started it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from jupyter_sysdesign.load.run import engine_command, engine_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Server

    from jupyter_sysdesign.load.profile import Profile

    MakeProfile = Callable[..., Profile]
    Start = Callable[..., subprocess.Popen[bytes]]

_F_SETPIPE_SZ = 1031


@pytest.fixture
def start(server: Server) -> Iterator[Start]:
    """Start an engine with a plan on its input, which stays open."""
    started: list[subprocess.Popen[bytes]] = []

    def starting(profile: Profile, **changes: Any) -> subprocess.Popen[bytes]:
        plan = profile.plan(server.target, seed=1) | {"parent": os.getpid()} | changes
        process = subprocess.Popen(
            engine_command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=engine_environment(),
        )
        started.append(process)
        assert process.stdin is not None
        process.stdin.write(json.dumps(plan).encode() + b"\n")
        process.stdin.flush()
        return process

    yield starting
    for process in started:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


def _wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def _outcome(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """Return what it wrote until it ended; its input stays open (``communicate`` closes it)."""
    assert process.stdout is not None
    assert process.stderr is not None
    written = process.stdout.read(), process.stderr.read()
    process.wait()
    return written


def _lines(output: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def test_it_writes_ticks_and_then_the_summary(start: Start, profile: MakeProfile):
    process = start(profile())
    output, errors = _outcome(process)
    assert (process.returncode, errors) == (0, b"")
    *ticks, done = _lines(output)
    assert [list(each) for each in ticks] == [["tick"]] * len(ticks)
    assert list(done) == ["done"]
    assert len(ticks) >= 3
    times = [each["tick"]["t_s"] for each in ticks]
    assert times == sorted(times)
    assert sum(each["tick"]["done"] for each in ticks) <= done["done"]["requests"]


def test_sigterm_ends_it_with_a_summary(start: Start, profile: MakeProfile, server: Server):
    process = start(profile(duration_s=60))
    _wait_for(lambda: len(server.seen) > 10)
    process.terminate()
    output, _ = _outcome(process)
    assert process.returncode == 0
    assert _lines(output)[-1]["done"]["ok"] > 0


def test_the_end_of_its_input_ends_it(start: Start, profile: MakeProfile, server: Server):
    process = start(profile("/never", duration_s=60, timeout_s=60))
    _wait_for(lambda: len(server.seen) == 2)
    assert process.stdin is not None
    process.stdin.close()
    output, _ = _outcome(process)
    assert process.returncode == 0
    assert _lines(output)[-1]["done"]["requests"] == 0


def test_a_reader_that_does_not_read_does_not_slow_it(
    start: Start, profile: MakeProfile, server: Server
):
    process = start(profile(mode="open", rate=100, duration_s=3))
    assert process.stdout is not None
    fcntl.fcntl(process.stdout, _F_SETPIPE_SZ, 4096)  # some 12 of 30 ticks
    _wait_for(lambda: len(server.seen) == 300)
    assert process.poll() is None  # its last words are still to be read
    output, _ = _outcome(process)
    *ticks, done = _lines(output)
    assert len(ticks) >= 25
    assert done["done"]["ok"] == 300


def test_a_reader_that_is_gone_ends_it(start: Start, profile: MakeProfile, server: Server):
    process = start(profile(duration_s=60))
    _wait_for(lambda: len(server.seen) > 10)
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(30) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_it_dies_with_whoever_started_it(profile: MakeProfile, server: Server):
    # Its input is kept open by this test, so that nothing but the parent's death can end it.
    reading, writing = os.pipe()
    starter = (
        "import os, subprocess, sys, time\n"
        "process = subprocess.Popen(sys.argv[1:], stdin=0, stdout=subprocess.DEVNULL)\n"
        "print(process.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", starter, *engine_command()],
        stdin=reading,
        stdout=subprocess.PIPE,
        env=engine_environment(),
    )
    try:
        assert parent.stdout is not None
        engine = psutil.Process(int(parent.stdout.readline()))
        plan = profile(duration_s=60).plan(server.target, seed=1) | {"parent": parent.pid}
        os.write(writing, json.dumps(plan).encode() + b"\n")
        _wait_for(lambda: len(server.seen) > 10)
        parent.send_signal(signal.SIGKILL)
        engine.wait(30)
        assert not engine.is_running()
    finally:
        parent.kill()
        parent.communicate()
        os.close(reading)
        os.close(writing)


def test_it_does_not_start_when_its_parent_is_gone_already(start: Start, profile: MakeProfile):
    process = start(profile(), parent=os.getpid() + 1)
    output, _ = _outcome(process)
    assert (process.returncode, output) == (0, b"")


@pytest.mark.parametrize("document", [b"", b"{", b"[]\n", b'{"run": "x"}\n'])
def test_nonsense_on_its_input_is_wrong_use(document: bytes):
    done = subprocess.run(
        engine_command(), input=document, capture_output=True, check=False, env=engine_environment()
    )
    assert done.returncode == 2
    assert b"not a plan" in done.stderr
    assert done.stdout == b""


def test_a_plan_without_a_line_end_is_a_file_and_runs_to_its_end(
    profile: MakeProfile, server: Server
):
    plan = json.dumps(profile().plan(server.target, seed=1)).encode()
    done = subprocess.run(
        engine_command(), input=plan, capture_output=True, check=True, env=engine_environment()
    )
    assert _lines(done.stdout)[-1]["done"]["duration_s"] == 0.5


def test_its_output_is_given_back_in_blocking_mode(profile: MakeProfile, server: Server):
    reading, writing = os.pipe()
    plan = json.dumps(profile(duration_s=0.2).plan(server.target, seed=1)).encode()
    subprocess.run(
        engine_command(), input=plan, stdout=writing, check=True, env=engine_environment()
    )
    assert os.get_blocking(writing)
    assert select.select([reading], [], [], 0)[0]
    os.close(reading)
    os.close(writing)

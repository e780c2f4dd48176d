"""CPU and memory of process trees, against what the processes know of themselves."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import psutil
import pytest

from jupyter_sysdesign.metrics.collectors.processes import ProcessCollector, cpu_s, memory_bytes

_BURN = """
import os, sys, time
def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
print("up", flush=True)
sys.stdin.readline()
for _ in range(int(sys.argv[1])):
    child = os.fork()
    if not child:
        burn(float(sys.argv[2]))
        os._exit(0)
    os.waitpid(child, 0)
burn(float(sys.argv[3]))
used = os.times()
print(used.user + used.system + used.children_user + used.children_system, flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize(("children", "each", "own"), [(0, 0, 0.3), (30, 0.01, 0.05)])
def test_cpu_is_counted_whether_or_not_its_process_is_still_there(
    children: int, each: float, own: float
):
    argv = [sys.executable, "-c", _BURN, str(children), str(each), str(own)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        clock = [0.0]
        collector = ProcessCollector(
            lambda: {"app": [process.pid]}, {"app": 0.5}, clock=lambda: clock[0]
        )
        first = asyncio.run(collector.sample())
        assert first["app.cpu_quota_cores"] == 0.5
        assert "app.cpu_cores" not in first
        before = cpu_s([process.pid])
        process.stdin.write(b"\n")
        process.stdin.flush()
        used = float(process.stdout.readline())
        clock[0] = 2.0
        found = asyncio.run(collector.sample())
        # os.times counts in clock ticks of 10 ms.
        assert cpu_s([process.pid]) == pytest.approx(used, rel=0.1, abs=0.03)
        assert found["app.cpu_cores"] == pytest.approx((used - before) / 2, rel=0.1, abs=0.03)
        process.kill()
        process.wait()
        assert cpu_s([process.pid]) == 0


def test_a_restarted_service_has_no_rate_at_first():
    with subprocess.Popen(["sleep", "60"]) as one, subprocess.Popen(["sleep", "60"]) as other:
        alive = [one.pid]
        collector = ProcessCollector(lambda: {"app": list(alive)}, {})
        asyncio.run(collector.sample())
        assert "app.cpu_cores" in asyncio.run(collector.sample())
        alive[:] = [other.pid]
        assert set(asyncio.run(collector.sample())) == {"app.memory_bytes"}
        alive.clear()
        assert asyncio.run(collector.sample()) == {}
        for process in (one, other):
            process.kill()


def test_memory_counts_what_a_tree_shares_once():
    code = (
        "import os, sys, time\n"
        "import mmap\n"
        "shared = mmap.mmap(-1, 40 << 20)\n"
        "shared.write(b'x' * (40 << 20))\n"
        "child = os.fork()\n"
        "shared.seek(0); shared.read()\n"
        "own = b'y' * (30 << 20) if child else b''\n"
        "print(child or os.getpid(), flush=True)\n"
        "sys.stdin.readline()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.stdout.readline()
        tree = [process.pid, child]
        total = memory_bytes(tree)
        exact = sum(psutil.Process(pid).memory_full_info().pss for pid in tree)
        assert total == pytest.approx(exact, rel=0.25)
        assert total < sum(psutil.Process(pid).memory_info().rss for pid in tree)

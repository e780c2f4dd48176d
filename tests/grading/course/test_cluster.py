"""Jobs on a real cluster of two workers, one of which is killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from jupyter_sysdesign.curriculum.catalogue import Catalogue
from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.grading.course import isolation, orders
from jupyter_sysdesign.grading.course.cluster import Cluster

if isolation.LADDER[0].unusable():
    pytest.skip("namespaces cannot be made here", allow_module_level=True)

SOLUTION = b"CREATE INDEX ON items (category, price, id);\n"


@pytest.fixture
def cluster(home, curriculum, tmp_path):
    """Return the scheduler's address and its two workers' processes."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    command = [sys.executable, "-W", "ignore", "-m", "distributed.cli"]
    scheduler = subprocess.Popen(
        [*command[:-1], "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port",
         str(port), "--no-dashboard"], **quiet,
    )  # fmt: skip
    workers = [
        subprocess.Popen(
            [*command[:-1], "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny",
             "--no-dashboard", "--name", str(number)], **quiet,
        )
        for number in range(2)
    ]  # fmt: skip
    yield address, workers
    for each in (*workers, scheduler):
        each.terminate()
    for each in (*workers, scheduler):
        each.wait(30)


def _order(student: str, content: bytes) -> orders.Order:
    lesson = Catalogue().lesson("tiny")
    files = {
        "app/server.py": (lesson.environment / "app" / "server.py").read_bytes(),
        "migrations/001.sql": content,
    }
    digest = orders.digest_of(files)
    seed = orders.seed_of(bytes(32), "tiny", digest)
    return orders.Order(student=student, lesson="tiny", files=files, digest=digest, seed=seed)


def test_a_lost_workers_submissions_are_graded_by_another_one(cluster, home):
    address, workers = cluster
    wanted = [_order(f"s{number}", SOLUTION + b"\n" * number) for number in range(3)]
    wanted.append(_order("none", b"SELECT 1;\n"))
    executor = _connected(address)

    def kill_one_at_work() -> None:
        checks = home / "checks"
        while len(list(checks.glob("*/job/work"))) < 2:
            time.sleep(0.05)
        os.kill(workers[0].pid, signal.SIGKILL)

    killer = threading.Thread(target=kill_one_at_work, daemon=True)
    killer.start()
    done = list(executor.run(wanted))
    killer.join()
    assert workers[0].wait(30) == -signal.SIGKILL
    assert sorted(each.order.student for each in done) == ["none", "s0", "s1", "s2"]
    by_student = {each.order.student: each.verdict for each in done}
    assert by_student["none"].points == 20, by_student["none"].reason
    for student in ("s0", "s1", "s2"):
        assert by_student[student].status == "passed", by_student[student]
    assert {each.isolation for each in done} == {"namespaces"}


def _connected(address: str) -> Cluster:
    """Connect once the scheduler is up, which takes it seconds."""
    host, port = address.removeprefix("tcp://").split(":")
    until = time.monotonic() + 60
    with socket.socket() as one:
        while one.connect_ex((host, int(port))) and time.monotonic() < until:
            time.sleep(0.2)
    return Cluster(address)


@pytest.mark.parametrize(
    "address", ["tcp://10.1.2.3:8786", "grader.example.org:8786", "tls://10.1.2.3:8786", "http://x"]
)
def test_nothing_goes_over_a_network_in_the_clear(address):
    with pytest.raises(InvalidRequestError):
        Cluster(address)

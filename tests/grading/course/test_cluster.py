"""Jobs on real clusters of two workers: one is killed, one is told to end, two speak TLS only."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import docker_engine
import psutil
import pytest
import trustme

from jupyter_sysdesign.curriculum.catalogue import Catalogue
from jupyter_sysdesign.environment.runtimes.docker import reaping
from jupyter_sysdesign.errors import InvalidRequestError, UnavailableError
from jupyter_sysdesign.grading.course import boxes, gradebook, isolation, orders
from jupyter_sysdesign.grading.course import course as courses
from jupyter_sysdesign.grading.course.cluster import Cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

if boxes.Namespaces().unusable():
    pytest.skip("namespaces cannot be made here", allow_module_level=True)

#: A check that is timed may wait for its turn for five minutes.
PATIENCE_S = 900.0

pytestmark = [pytest.mark.measures, pytest.mark.timeout(1200)]

SOLUTION = b"CREATE INDEX ON items (category, price, id);\n"


class Started(NamedTuple):
    """A scheduler, its address, and its two workers."""

    address: str
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]]


class Files(NamedTuple):
    """What somebody has to show, as PEM files."""

    ca: Path
    certificate: Path
    key: Path


@contextlib.contextmanager
def started(
    folder: Path, protocol: str = "tcp", *files: Path, nanny: bool = False
) -> Iterator[Started]:
    """Start a cluster by dask's own commands; with ``nanny``, as they are by themselves."""
    found = folder / f"{uuid.uuid4().hex}.json"
    dask = str(Path(sys.executable).with_name("dask"))
    common = ["--protocol", protocol, "--host", "127.0.0.1", "--no-dashboard"]
    for name, path in zip(("--tls-ca-file", "--tls-cert", "--tls-key"), files, strict=False):
        common += [name, str(path)]
    scheduler = [dask, "scheduler", *common, "--port", "0", "--scheduler-file", str(found)]
    worker = [dask, "worker", *common, "--nthreads", "1", *([] if nanny else ["--no-nanny"])]
    quiet = {
        "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder,
        "env": {**os.environ, "PYTHONWARNINGS": "ignore"},
    }  # fmt: skip
    processes = [subprocess.Popen(scheduler, **quiet)]
    try:
        address = _address(found)
        for number in range(2):
            argv = [*worker, address, "--name", str(number)]
            processes.append(subprocess.Popen(argv, **quiet))
        yield Started(address, processes[0], processes[1:])
    finally:
        # One after the other: a worker that is told to end just as its scheduler says goodbye has
        # its own goodbye cancelled, and waits for that for ever (distributed 2026.8, no nanny).
        left = [each for each in reversed(processes) if not _ended(each)]
        assert not left, "they do not end when they are told to"


def _address(scheduler_file: Path) -> str:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with contextlib.suppress(FileNotFoundError, ValueError):  # it is being written
            return str(json.loads(scheduler_file.read_text())["address"])
        time.sleep(0.1)
    raise AssertionError("the scheduler does not say where it is")


def _ended(process: subprocess.Popen[bytes]) -> bool:
    process.terminate()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False
    return True


class Jobs:
    """The jobs that were begun, seen by their folders: who is at which order."""

    def __init__(self, home: Path) -> None:
        self._checks = home / "checks"
        self._over = threading.Event()
        self._watching = threading.Thread(target=self._watch, name="jobs", daemon=True)
        self.begun: dict[str, tuple[int, bytes]] = {}

    def __enter__(self) -> Jobs:  # noqa: PYI034 (Self is of Python 3.11)
        self._watching.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watching.join()

    def at_work(self, pid: int) -> list[str]:
        """Return the folders of a worker's jobs that are there now."""
        return [each for each in self.folders(pid) if self.has(each)]

    def folders(self, pid: int) -> set[str]:
        """Return the folders of all jobs that a worker began."""
        return {each for each, (owner, _) in list(self.begun.items()) if owner == pid}

    def has(self, folder: str) -> bool:
        return (self._checks / folder).exists()

    def times(self, order: orders.Order) -> int:
        """Return how many jobs there were for an order."""
        content = order.files["migrations/001.sql"]
        return sum(each == content for _, each in list(self.begun.values()))

    def owners(self, order: orders.Order) -> list[int]:
        content = order.files["migrations/001.sql"]
        return [owner for owner, each in list(self.begun.values()) if each == content]

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            for job in self._checks.glob("*/job/work/migrations/001.sql"):
                with contextlib.suppress(OSError):
                    folder = job.parents[3]
                    owner = json.loads((folder / "owner.json").read_text())["pid"]
                    self.begun[folder.name] = (owner, job.read_bytes())


def _order(student: str, content: bytes) -> orders.Order:
    lesson = Catalogue().lesson("tiny")
    files = {
        "app/server.py": (lesson.environment / "app" / "server.py").read_bytes(),
        "migrations/001.sql": content,
    }
    digest = orders.digest_of(files)
    seed = orders.seed_of(bytes(32), "tiny", digest)
    return orders.Order(student=student, lesson="tiny", files=files, digest=digest, seed=seed)


def _orders(count: int) -> list[orders.Order]:
    return [_order(f"s{number}", SOLUTION + b"\n" * number) for number in range(count)]


def _until(what) -> None:
    until = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.fixture
def tls(tmp_path) -> dict[str, Files]:
    """Return who has which files; the stranger's certificate is of a CA of their own."""
    ours, theirs = trustme.CA(), trustme.CA()
    ours.cert_pem.write_to_path(tmp_path / "ca.pem")
    made = {}
    for who, signed_by in {"cluster": ours, "instructor": ours, "stranger": theirs}.items():
        leaf = signed_by.issue_cert("127.0.0.1", common_name=who)
        made[who] = Files(tmp_path / "ca.pem", tmp_path / f"{who}.pem", tmp_path / f"{who}.key")
        leaf.cert_chain_pems[0].write_to_path(made[who].certificate)
        leaf.private_key_pem.write_to_path(made[who].key)
    return made


def test_a_lost_workers_submissions_are_graded_by_another_one(home, curriculum, tmp_path, tls):
    wanted = [*_orders(3), _order("none", b"SELECT 1;\n")]
    with started(tmp_path, "tls", *tls["cluster"]) as cluster, Jobs(home) as jobs:
        _strangers_are_refused(cluster.address, tls["stranger"])
        running = Cluster(cluster.address, **tls["instructor"]._asdict()).run(wanted)
        done = [next(running)]
        (owner,) = jobs.owners(done[0].order)
        _until(lambda: jobs.at_work(owner))
        lost = {jobs.begun[each][1] for each in jobs.at_work(owner)}
        (worker,) = [each for each in cluster.workers if each.pid == owner]
        os.kill(worker.pid, signal.SIGKILL)
        assert worker.wait(30) == -signal.SIGKILL
        _until(lambda: not _containers(home) & jobs.folders(owner))
        done += running
        for each in wanted:  # what the worker had done before was told, and is not done again
            again = each.files["migrations/001.sql"] in lost
            assert jobs.times(each) == (2 if again else 1), each.student
    by_student = {each.order.student: each.verdict for each in done}
    assert sorted(each.order.student for each in done) == ["none", "s0", "s1", "s2"]
    assert by_student["none"].points == 20, by_student["none"].reason
    for student in ("s0", "s1", "s2"):
        assert by_student[student].status == "passed", by_student[student]
    assert {each.isolation for each in done} == {isolation.choose().name}


def _containers(home: Path) -> set[str]:
    """Return the jobs that are in containers now, by their folders."""
    return set() if docker_engine.missing() else reaping.instances(docker_engine.URL, str(home))


def test_who_ends_a_worker_or_stops_waiting_ends_its_job(home, curriculum, tmp_path, monkeypatch):
    """In namespaces, where a job's processes are the worker's."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    endless = [_order(f"e{number}", b"SELECT pg_sleep(3600);\n" * number) for number in (1, 2)]
    with started(tmp_path) as cluster, Jobs(home) as jobs:
        running = Cluster(cluster.address).run([*_orders(1), *endless])
        assert next(running).verdict.status == "passed"
        leaving, staying = cluster.workers
        _until(lambda: all(jobs.owners(each) for each in endless))
        _until(lambda: jobs.at_work(leaving.pid) and jobs.at_work(staying.pid))
        below = _below(leaving)
        leaving.terminate()
        assert leaving.wait(60) == 0
        assert not jobs.at_work(leaving.pid)
        assert not psutil.wait_procs(below, timeout=60)[1]
        below = _below(staying)
        running.close()
        _until(lambda: not jobs.at_work(staying.pid))
        assert not psutil.wait_procs(below, timeout=60)[1]
        assert staying.poll() is None
        running = Cluster(cluster.address).run(endless[:1])
        killer = threading.Thread(target=lambda: (_below(staying), cluster.scheduler.kill()))
        killer.start()
        with pytest.raises(UnavailableError, match="The scheduler is gone"):
            next(running)
        killer.join()
        _until(lambda: not jobs.at_work(staying.pid))


def _below(worker: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Return the processes of a worker's job, once there are some."""
    process = psutil.Process(worker.pid)
    _until(process.children)
    return process.children(recursive=True)


def _strangers_are_refused(address: str, stranger: Files) -> None:
    with pytest.raises(UnavailableError, match="No scheduler answers"):
        Cluster(address, **stranger._asdict())
    with pytest.raises(UnavailableError, match="No scheduler answers"):
        Cluster(address.replace("tls://", "tcp://"))
    assert "CERTIFICATE_REQUIRED" in _without_certificate(address, stranger.ca)


def _without_certificate(address: str, ca: Path) -> str:
    """Return why the scheduler ends a connection of somebody who shows no certificate."""
    host, port = address.removeprefix("tls://").split(":")
    context = ssl.create_default_context(cafile=str(ca))
    with (
        pytest.raises(ssl.SSLError) as refused,
        socket.create_connection((host, int(port)), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname=host) as encrypted,
    ):
        encrypted.recv(1)  # in TLS 1.3 the refusal comes after the handshake
    return str(refused.value)


@pytest.mark.parametrize(
    "address", ["tcp://10.1.2.3:8786", "grader.example.org:8786", "tls://10.1.2.3:8786", "http://x"]
)
def test_nothing_goes_over_a_network_in_the_clear(address):
    with pytest.raises(InvalidRequestError):
        Cluster(address)


def test_a_file_that_is_none_is_not_taken_for_a_silent_scheduler(tls, tmp_path):
    mine, other = tls["instructor"], tls["cluster"]
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    for files in (
        mine._replace(ca=tmp_path / "missing.pem"),
        mine._replace(certificate=broken),
        mine._replace(key=other.key),
    ):
        with pytest.raises(InvalidRequestError, match="files for TLS cannot be used"):
            Cluster("tls://127.0.0.1:9", **files._asdict())


# The command ------------------------------------------------------------------------------------


def grade(course: Path, *words: str, code: int = 0, **environment: str) -> dict[str, Any]:
    """Run ``sysdesign grade tiny``; return its document."""
    done = subprocess.run(
        [sys.executable, "-m", "jupyter_sysdesign", "grade", "tiny", "--json", *words],
        cwd=course, env={**os.environ, **environment}, capture_output=True, text=True,
        timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout)


def test_the_command_has_a_cluster_grade_over_tls(home, curriculum, tmp_path, tls):
    course = courses.init(tmp_path / "c", [Catalogue().lesson("tiny")]).folder
    gradebook.generate(courses.find(course), "tiny")
    for student, index in (("ann", SOLUTION), ("ben", b"SELECT 1;\n")):
        folder = course / "submitted" / student / "tiny"
        shutil.copytree(course / "source" / "tiny", folder)
        (folder / "migrations" / "001.sql").write_bytes(index)
    with started(tmp_path, "tls", *tls["cluster"], nanny=True) as cluster:
        ours = ("--scheduler", cluster.address)
        ann = grade(course, *ours, "--students", "ann", *_flags(tls["instructor"]))
        ben = grade(course, *ours, "--students", "ben", **_configured(tls["instructor"], tmp_path))
        told = grade(course, *ours, *_flags(tls["stranger"]), code=3)
    first = isolation.choose().name
    assert [(each["student"], each["points"], each["isolation"], each["problem"])
            for each in ann["graded"] + ben["graded"]] == [
        ("ann", 30, first, ""), ("ben", 20, first, "")], _whys(course, "ann", "ben")  # fmt: skip
    assert told["error"]["message"].startswith("No scheduler answers")


def _whys(course: Path, *students: str) -> list[str]:
    """Return what every check said of them."""
    folder = course / ".sysdesign" / "results" / "tiny"
    found = [json.loads((folder / f"{each}.json").read_text()) for each in students]
    checks = [check for each in found for check in each["verdict"]["checks"]]
    return [f"{each['status']}: {each['why']}" for each in checks if each["status"] != "passed"]


def _flags(files: Files) -> list[str]:
    return ["--tls-ca", str(files.ca), "--tls-cert", str(files.certificate),
            "--tls-key", str(files.key)]  # fmt: skip


def _configured(files: Files, folder: Path) -> dict[str, str]:
    """Return the environment of somebody whose dask is configured for the cluster."""
    client = {"cert": str(files.certificate), "key": str(files.key)}
    tls = {"ca-file": str(files.ca), "client": client}
    path = folder / "dask.yaml"
    path.write_text(json.dumps({"distributed": {"comm": {"tls": tls}}}))
    return {"DASK_CONFIG": str(path)}


def test_what_does_not_go_together_is_told(home, curriculum, tmp_path):
    course = courses.init(tmp_path / "c", [Catalogue().lesson("tiny")]).folder
    shutil.copytree(course / "source" / "tiny", course / "submitted" / "ann" / "tiny")
    for words, says in (
        (["--scheduler", "tcp://10.1.2.3:8786"], "over the network in the clear"),
        (["--scheduler", "tls://10.1.2.3:8786", "--jobs", "2"], "--jobs is for this machine"),
        (["--tls-ca", "ca.pem"], "belong to --scheduler"),
    ):
        assert says in grade(course, *words, code=2)["error"]["message"]

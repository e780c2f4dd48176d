"""Whatever is killed, nothing stays behind, nothing stays frozen, nothing a learner wrote is lost.

The ``home`` fixture proves the first part at the end of every test: no process, no socket.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import subprocess
import sys
import sysconfig
import time
import urllib.request
from pathlib import Path

import psutil
import pytest
from lab_server import TOKEN, start_lab

from jupyter_sysdesign import paths
from jupyter_sysdesign.control.client import ControlClient

LESSON = "tiny-full"


@pytest.fixture(autouse=True)
def short(home, curriculum, monkeypatch):
    monkeypatch.setenv("SYSDESIGN_GRACE_S", "1")
    monkeypatch.setenv("SYSDESIGN_IDLE_EXIT_S", "1")


@pytest.fixture
def folder(home):
    return str(home.parent / "work" / "lesson")


@pytest.fixture
def ready(folder):
    """A client that holds a running environment."""
    with ControlClient(holder="test") as client:
        client.create_workspace(LESSON, folder=folder)
        environment = client.create_environment(folder)
        yield client, client.wait(environment.id, ("ready",), timeout_s=120)


@pytest.fixture
def lab(home, tmp_path):
    server = start_lab(tmp_path / "root", home, lesson=LESSON)
    yield server
    server.stop()


@pytest.fixture
def everybodys_python(home):
    """An interpreter with our packages that any user may run (root's own often is closed)."""
    version = f"python3.{sys.version_info.minor}"
    base = next(
        (
            each
            for each in (f"/usr/bin/{version}", f"/usr/local/bin/{version}")
            if Path(each).exists()
        ),
        None,
    )
    if base is None:
        pytest.skip(f"no {version} that every user may run")
    place = home.parent / "python"
    subprocess.run([base, "-m", "venv", "--without-pip", place], check=True)
    (packages,) = place.glob("lib/*/site-packages")
    lines = [sysconfig.get_path("purelib"), str(Path(__file__).parents[2])]
    (packages / "ours.pth").write_text("\n".join(lines) + "\n")
    return str(place / "bin" / "python")


def through(lab):
    """Start the lesson's environment through the Jupyter server; return its status when ready."""
    workspace = str(lab.root / "sysdesign" / LESSON)
    code, status = lab.request("POST", "/environments", {"workspace": workspace})
    assert code == 201, status
    return reaches(lab, status["id"], "ready")


def reaches(lab, environment, state):
    for _ in range(600):
        code, status = lab.request("GET", f"/environments/{environment}")
        assert code == 200, status
        if status["state"] == state:
            return status
        assert status["state"] != "failed", status["reason"]
        time.sleep(0.1)
    return pytest.fail(f"{status['state']}, never {state}: {status['reason']}")


def pids(status):
    return {service["name"]: service["pid"] for service in status["services"]}


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_jupyter_server_that_ends_takes_its_environments_along(lab, how):
    started = [psutil.Process(pid) for pid in pids(through(lab)).values()]
    lab.process.send_signal(how)
    lab.process.wait(60)
    _, alive = psutil.wait_procs(started, timeout=60)
    assert not alive


#: Told by SIGUSR2, it is interrupted while an object ends, where Python lets no exception out.
INTERRUPTED_IN_PASSING = """
import os, signal

class Ending:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGUSR2, lambda *_: Ending())
"""


def test_an_interrupt_is_heard_wherever_it_comes(home, tmp_path):
    config = home / "jupyter" / "config"
    config.mkdir(parents=True)
    (config / "jupyter_server_config.py").write_text(INTERRUPTED_IN_PASSING)
    lab = start_lab(tmp_path / "root", home, lesson=LESSON)
    try:
        lab.process.send_signal(signal.SIGUSR2)
        lab.process.wait(60)
    finally:
        lab.stop(signal.SIGKILL)


#: A listing that stops the server while it is under way, after a worker thread had a part in it.
STOPPED_IN_A_REQUEST = """
import asyncio, os, signal
from anyio import to_thread
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

class Stopping(AsyncLargeFileManager):
    async def get(self, *args, **options):
        await to_thread.run_sync(os.getpid)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()

c.ServerApp.contents_manager_class = Stopping
"""


def test_a_jupyter_server_ends_while_a_request_is_under_way(home, tmp_path):
    config = home / "jupyter" / "config"
    config.mkdir(parents=True)
    (config / "jupyter_server_config.py").write_text(STOPPED_IN_A_REQUEST)
    lab = start_lab(tmp_path / "root", home, lesson=LESSON)
    try:
        with pytest.raises(OSError):  # noqa: PT011 (cut off, in one way or another)
            urllib.request.urlopen(f"{lab.url}api/contents/?token={TOKEN}", timeout=60)
        lab.process.wait(60)
    finally:
        lab.stop(signal.SIGKILL)


def test_a_jupyter_server_back_within_the_grace_period_finds_its_environment(
    home, tmp_path, monkeypatch
):
    monkeypatch.setenv("SYSDESIGN_GRACE_S", "1000")
    lab = start_lab(tmp_path / "root", home, lesson=LESSON)
    before = through(lab)
    lab.stop(signal.SIGKILL)
    again = start_lab(lab.root, home, lesson=LESSON)
    try:
        code, after = again.request("GET", f"/environments/{before['id']}")
        assert code == 200
        assert after["state"] == "ready"
        assert pids(after) == pids(before)
    finally:
        again.stop()  # a clean stop: at once, without the grace period


def test_a_killed_control_plane_leaves_nothing_and_the_next_start_works(ready, folder):
    client, status = ready
    note = Path(folder, "notes.md")
    note.write_text("mine")
    started = [psutil.Process(service.pid) for service in status.services]
    psutil.Process(client.info().pid).kill()
    _, alive = psutil.wait_procs(started, timeout=30)
    assert not alive
    again = client.create_environment(folder)
    assert client.wait(again.id, ("ready",), timeout_s=60).id == status.id
    assert note.read_text() == "mine"


def test_a_frozen_service_does_not_outlive_its_owner(ready):
    client, status = ready
    for service in status.services:
        client.service(status.id, service.name, "pause")
    started = [psutil.Process(service.pid) for service in status.services]
    psutil.Process(client.info().pid).kill()
    _, alive = psutil.wait_procs(started, timeout=30)
    assert not alive


def test_a_killed_supervisor_leaves_nothing(ready):
    client, status = ready
    started = [psutil.Process(service.pid) for service in status.services]
    started[0].parent().kill()
    _, alive = psutil.wait_procs(started, timeout=30)
    assert not alive
    assert client.wait(status.id, ("failed", "stopped"), timeout_s=30).reason
    client.start(status.id)
    assert client.wait(status.id, ("ready",), timeout_s=60)


@pytest.mark.parametrize("name", ["db", "cache", "lb", "app1"])
def test_a_killed_service_is_told_and_can_be_started_again(ready, name):
    client, status = ready
    victim = next(service.pid for service in status.services if service.name == name)
    os.kill(victim, signal.SIGKILL)
    degraded = client.wait(status.id, ("degraded",), timeout_s=30)
    dead = next(service for service in degraded.services if service.name == name)
    assert dead.state.value == "failed"
    assert dead.reason
    client.service(status.id, name, "start")
    client.wait(status.id, ("ready",), timeout_s=30)


def test_a_killed_load_engine_ends_its_run_and_only_that(ready):
    client, status = ready
    browse = client.profiles(status.id).profiles["browse"]
    run = client.start_run(status.id, {**browse, "duration_s": 600})
    plane = psutil.Process(client.info().pid)
    engines = []
    for child in plane.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # PostgreSQL's come and go
            if any("load.engine" in word for word in child.cmdline()):
                engines.append(child)
    assert len(engines) == 1
    engines[0].kill()
    for _ in range(300):
        run = client.run(status.id, run.id)
        if run.state != "running":
            break
        time.sleep(0.1)
    assert run.state == "failed"
    assert run.reason
    assert client.environment(status.id).state.value == "ready"


def test_a_killed_kernel_lets_go(home, folder):
    """A process that holds an environment as a kernel does, killed without a word."""
    code = (
        "import sys, time\n"
        "from jupyter_sysdesign.control.client import ControlClient\n"
        f"client = ControlClient(holder='kernel:{folder}')\n"
        f"client.create_workspace({LESSON!r}, folder={folder!r})\n"
        f"status = client.create_environment({folder!r})\n"
        "status = client.wait(status.id, ('ready',), timeout_s=120)\n"
        "print(status.id, flush=True)\n"
        "time.sleep(600)\n"
    )
    kernel = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    environment = kernel.stdout.readline().strip()
    assert environment
    kernel.kill()
    kernel.wait()
    kernel.stdout.close()
    with ControlClient() as client:
        assert client.wait(environment, ("stopped",), timeout_s=60)


def test_two_environments_at_once_do_not_touch(ready, home):
    client, status = ready
    other = str(home.parent / "work" / "other")
    client.create_workspace(LESSON, folder=other)
    second = client.create_environment(other)
    second = client.wait(second.id, ("ready",), timeout_s=60)
    assert second.id != status.id
    assert second.url != status.url
    client.sql(second.id, "DELETE FROM items")
    assert client.sql(status.id, "SELECT count(*) FROM items").rows[0][0] > 0
    client.stop(second.id)
    client.wait(second.id, ("stopped",), timeout_s=30)
    assert client.environment(status.id).state.value == "ready"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")
def test_two_users_on_one_host(ready, home, everybodys_python):
    """A second user runs a lesson too, and cannot get at the first one's system."""
    client, _status = ready
    theirs = home.parent / "theirs"
    theirs.mkdir(mode=0o700)
    uid = pwd.getpwnam("daemon").pw_uid  # initdb wants a user with a name
    os.chown(theirs, uid, uid)
    code = (
        "import sys\n"
        "from jupyter_sysdesign.control.client import ControlClient\n"
        "from jupyter_sysdesign import paths\n"
        "with ControlClient(holder='second') as client:\n"
        f"    client.create_workspace('tiny', folder={str(theirs / 'work')!r})\n"
        f"    status = client.create_environment({str(theirs / 'work')!r})\n"
        "    status = client.wait(status.id, ('ready', 'degraded'), timeout_s=120)\n"
        "    assert status.state.value == 'ready', status.services\n"
        "    assert len(client.environments()) == 1, client.environments()\n"
        "    import socket\n"
        "    try:\n"
        f"        socket.socket(socket.AF_UNIX).connect({str(paths.control_socket())!r})\n"
        "    except PermissionError:\n"
        "        print('denied', flush=True)\n"
        "    client.delete(status.id)\n"
    )
    environment = {
        **os.environ,
        "HOME": str(theirs),
        "SYSDESIGN_HOME": str(theirs / "home"),
        "XDG_RUNTIME_DIR": str(theirs / "run"),
    }
    (theirs / "run").mkdir(mode=0o700)
    os.chown(theirs / "run", uid, uid)
    done = subprocess.run(
        [everybodys_python, "-c", code],
        env=environment,
        user=uid,
        group=uid,
        extra_groups=[],
        cwd=theirs,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "denied"
    assert len(client.environments()) == 1


def test_a_stale_socket_is_no_obstacle(home, folder):
    socket_file = paths.control_socket()
    socket_file.touch()
    with ControlClient() as client:
        assert client.lessons()

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import psutil
import pytest

from jupyter_sysdesign import __version__, paths
from jupyter_sysdesign.control.client import ControlClient
from jupyter_sysdesign.errors import UnavailableError
from jupyter_sysdesign.interpreter import module_command

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Control

RUN = module_command("jupyter_sysdesign.control")


def test_many_first_requests_start_one(control: Control) -> None:
    clients = [control.client() for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda client: client.info(), clients))
    assert len({answer.pid for answer in answers}) == 1
    assert answers[0].version == __version__


def test_only_its_user_may_enter(control: Control) -> None:
    control.client().info()
    assert stat.S_IMODE(paths.control_socket().stat().st_mode) == 0o600
    assert not stat.S_IMODE(paths.runtime().stat().st_mode) & 0o066


def test_it_is_nobodys_child_and_keeps_no_secret(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "hush")
    monkeypatch.setenv("JPY_PARENT_PID", "1")
    monkeypatch.setenv("SYSDESIGN_PARENT_LEASE", "jupyter:/somewhere")
    process = psutil.Process(control.pid)
    assert process.pid not in [each.pid for each in psutil.Process().children(recursive=True)]
    assert os.getsid(process.pid) != os.getsid(0)
    kept = process.environ()
    assert not {"JUPYTERHUB_API_TOKEN", "JPY_PARENT_PID", "SYSDESIGN_PARENT_LEASE"} & kept.keys()
    assert kept["SYSDESIGN_HOME"] == os.environ["SYSDESIGN_HOME"]


@pytest.mark.skipif(sys.platform != "linux", reason="services are forked on Linux only")
def test_the_fork_server_is_a_fork_of_it_that_has_nothing_else_in_common(control: Control) -> None:
    daemon = psutil.Process(control.pid)
    assert daemon.cmdline()[-2:] == ["jupyter_sysdesign.control", "--detach"]
    (server,) = daemon.children()
    assert server.cmdline() == ["sysdesign-fork-server"]
    assert server.environ().keys() == {"PATH", "LC_ALL"}
    assert server.num_fds() == 3  # stdin, stdout, stderr
    assert os.getsid(server.pid) == server.pid
    kept = psutil.Process(server.pid)
    control.end(signal.SIGKILL)
    control.until(lambda: not kept.is_running(), "it outlived its owner")


def test_without_its_fork_server_it_starts_another(control: Control) -> None:
    made = control.workspace()
    (server,) = psutil.Process(control.pid).children()
    server.kill()
    client = control.client()
    environment = client.create_environment(made.id).id
    assert client.wait(environment).state.value == "ready"
    client.delete(environment)


def test_a_second_one_refuses(control: Control) -> None:
    pid = control.pid
    second = subprocess.run(RUN, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 1
    assert second.stderr == f"Another control plane is alive (pid {pid})\n"
    assert control.pid == pid


def test_wrong_use_says_how(home: Path) -> None:
    wrong = subprocess.run([*RUN, "--daemon"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("usage: ")
    more = subprocess.run([*RUN, "--detach", "x"], capture_output=True, text=True, check=False)
    assert (more.returncode, more.stderr) == (2, wrong.stderr)


def test_a_killed_one_leaves_no_file_and_is_replaced(control: Control) -> None:
    killed = control.pid
    folder = paths.runtime()
    control.end(signal.SIGKILL)
    control.until(lambda: not folder.exists(), "something is left")
    assert control.pid != killed


def test_killed_with_all_that_watches_over_it_it_is_replaced(control: Control) -> None:
    killed = psutil.Process(control.pid)
    killed.parent().kill()
    control.end(signal.SIGKILL)
    assert paths.control_socket().exists()
    assert control.pid != killed.pid


def test_something_else_at_the_sockets_place_is_no_hindrance(control: Control) -> None:
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(paths.control_socket()))
    stale.close()
    assert control.client().info().version == __version__


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_told_to_end_it_leaves_nothing(control: Control, how: signal.Signals) -> None:
    client = control.client()
    client.info()
    folder = paths.runtime()
    control.end(how)
    control.until(lambda: not folder.exists(), "something is left")


def test_it_leaves_when_it_is_idle(control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYSDESIGN_IDLE_EXIT_S", "2")
    folder = paths.runtime()  # asked for later, it would be made anew
    pid = control.pid
    control.until(lambda: not control.is_alive(pid), "it did not leave")
    control.until(lambda: not folder.exists(), "something is left")


def test_it_stays_while_somebody_is_connected(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSDESIGN_IDLE_EXIT_S", "2")
    leaving = control.client(holder="kernel:a")
    pid = leaving.info().pid
    staying = control.client(holder="kernel:b")
    staying.info()
    leaving.close()
    with pytest.raises(AssertionError, match="it stayed"):
        _wait_briefly(pid)
    staying.close()
    control.until(lambda: not control.is_alive(pid), "it did not leave")


def _wait_briefly(pid: int) -> None:
    try:
        psutil.Process(pid).wait(4.0)
    except psutil.TimeoutExpired:
        raise AssertionError("it stayed") from None


def test_without_leave_to_start_a_client_says_that_there_is_none(home: Path) -> None:
    with ControlClient(start=False) as client, pytest.raises(UnavailableError):
        client.info()
    assert not (home / "control.log").exists()


def test_what_keeps_it_from_starting_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYSDESIGN_GRACE_S", "soon")
    with ControlClient() as client, pytest.raises(UnavailableError, match="did not start") as said:
        client.info()
    assert str(home / "control.log") in said.value.hint
    assert "could not convert string to float: 'soon'" in (home / "control.log").read_text()

"""A real Jupyter server process: what it started ends with it, however it ends."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from lab_server import port_of

from jupyter_sysdesign.control.client import ControlClient

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "for-tests"
CONFIG = Path(__file__).parents[2] / "jupyter-config" / "jupyter_server_config.d"
PATIENCE_S = 60.0


class Server:
    """``jupyter server`` without a terminal, at ``/user/x/``."""

    def __init__(self, root: Path, environment: dict[str, str]) -> None:
        self.runtime = Path(environment["JUPYTER_RUNTIME_DIR"])
        self.http = httpx.Client(
            headers={"Authorization": f"token {TOKEN}"},
            timeout=60,
        )
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "jupyter_server",
                "--port=0",
                "--ServerApp.port_retries=0",
                f"--ServerApp.root_dir={root}",
                "--ServerApp.base_url=/user/x/",
                f"--IdentityProvider.token={TOKEN}",
                "--allow-root",
                "--no-browser",
            ],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def wait_until_it_answers(self) -> None:
        until(self._answers, "the server does not answer")

    def _answers(self) -> bool:
        assert self.process.poll() is None, "the server ended while starting"
        try:
            port = port_of(self.process, self.runtime)
            self.http.base_url = f"http://127.0.0.1:{port}/user/x/"
            return self.http.get("api").is_success
        except (OSError, ValueError, httpx.TransportError):
            return False

    def start_environment(self) -> str:
        """Do what a page does; return the environment's id once it is ready."""
        made = self.http.post("sysdesign/v1/workspaces", json={"lesson": "tiny"}).json()
        body = {"workspace": made["id"], "reuse": True}
        assert self.http.post("sysdesign/v1/environments", json=body).is_success
        until(lambda: self.state(made["id"]) == "ready", "it did not start")
        return str(made["id"])

    def state(self, environment: str) -> str:
        return str(self.http.get(f"sysdesign/v1/environments/{environment}").json()["state"])

    def end(self, how: signal.Signals) -> None:
        self.process.send_signal(how)
        self.process.wait(PATIENCE_S)


def until(what: object, why: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not what():  # type: ignore[operator]
        assert time.monotonic() < deadline, why
        time.sleep(0.02)


@pytest.fixture
def environment(
    home: Path, curriculum: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """Return the environment variables of a machine where the extension is installed."""
    config = tmp_path / "config"
    shutil.copytree(CONFIG, config / "jupyter_server_config.d")
    for name in ("JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(config))
    monkeypatch.setenv("SYSDESIGN_IDLE_EXIT_S", "0.5")
    return dict(os.environ)


@contextmanager
def serving(root: Path, environment: dict[str, str]) -> Iterator[Server]:
    server = Server(root, environment)
    try:
        server.wait_until_it_answers()
        yield server
    finally:
        server.process.kill()
        server.process.wait()
        server.http.close()


def state(environment: str) -> str:
    with ControlClient() as client:
        return client.environment(environment).state.value


def test_jupyter_shows_it_enabled_and_ok(environment: dict[str, str]) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "jupyter", "server", "extension", "list"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    said = re.sub(r"\x1b\[[0-9;]*m", "", shown.stdout + shown.stderr)
    assert re.search(r"jupyter_sysdesign enabled", said)
    assert re.search(r"jupyter_sysdesign \S* *OK", said)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_told_to_end_takes_its_environment_along(
    environment: dict[str, str], tmp_path: Path, how: signal.Signals
) -> None:
    environment["SYSDESIGN_GRACE_S"] = "1000"
    with serving(tmp_path, environment) as server:
        running = server.start_environment()
        server.end(how)
        until(lambda: state(running) == "stopped", "it still runs")


def test_a_server_that_is_killed_is_waited_for(environment: dict[str, str], tmp_path: Path) -> None:
    environment["SYSDESIGN_GRACE_S"] = "1"
    with serving(tmp_path, environment) as server:
        running = server.start_environment()
        server.end(signal.SIGKILL)
        until(lambda: state(running) == "stopped", "it still runs")


def test_a_server_that_is_back_in_time_finds_its_environment_running(
    environment: dict[str, str], tmp_path: Path
) -> None:
    environment["SYSDESIGN_GRACE_S"] = "1000"
    with serving(tmp_path, environment) as server:
        running = server.start_environment()
        with ControlClient() as client:
            before = client.environment(running)
        server.end(signal.SIGKILL)
    with serving(tmp_path, environment) as server:
        with ControlClient() as client:
            after = client.environment(running)
        assert after.state.value == "ready"
        assert [each.pid for each in after.services] == [each.pid for each in before.services]
        # It holds the lease again, before anybody asked it for anything.
        server.end(signal.SIGTERM)
        until(lambda: state(running) == "stopped", "it still runs")

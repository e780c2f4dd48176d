"""A real JupyterLab, started as a user starts it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "browser-test"
BASE_URL = "/user/x/"


@dataclass
class LabServer:
    """One JupyterLab process."""

    root: Path
    url: str
    process: subprocess.Popen[bytes]

    def request(self, method, path, body=None):
        """Ask the API through the server, as a browser with its token does: (status, document)."""
        request = urllib.request.Request(
            f"{self.url}sysdesign/v1{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {TOKEN}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as problem:
            return problem.code, json.loads(problem.read() or b"null")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it with a signal; one that does not end is killed, and that is a failure."""
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                pytest.fail(f"JupyterLab did not end after {how.name}")


def start_lab(root: Path, home: Path, *, lesson: str = "t1-02-indexes", port: int = 0) -> LabServer:
    command = ["jupyter_sysdesign", "lab", "--root", str(root), "--lesson", lesson]
    return _started(root, command, home / "jupyter", home / "lab.log", port)


def start_jupyter(root: Path, config: Path) -> LabServer:
    """Start JupyterLab on a folder, without our command: as a course or a hub does.

    ``config`` is the folder of Jupyter's folders, ``config/config`` that of its configuration.
    """
    command = ["jupyterlab", f"--ServerApp.root_dir={root}", "--allow-root"]
    return _started(root, command, config, config / "lab.log")


def port_of(server: subprocess.Popen[bytes], runtime: Path) -> int:
    """Return the port that a Jupyter server has taken, by its file in Jupyter's runtime folder.

    Where a test chose one, another test could take it before the server does.

    Raises:
        OSError: there is none yet.
        ValueError: the file is half written.
    """
    return int(json.loads((runtime / f"jpserver-{server.pid}.json").read_text())["port"])


def _started(root: Path, command: list[str], config: Path, told: Path, port: int = 0) -> LabServer:
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(config / "config"),
        "JUPYTER_DATA_DIR": str(config / "data"),
        "JUPYTER_RUNTIME_DIR": str(config / "runtime"),
        "IPYTHONDIR": str(config / "ipython"),
        "JUPYTER_PREFER_ENV_PATH": "0",  # what is switched off in a working copy can be on here
    }
    log = told.open("ab")
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", *command),
            *("--no-browser", f"--port={port}", "--ServerApp.port_retries=0"),
            *(f"--IdentityProvider.token={TOKEN}", f"--ServerApp.base_url={BASE_URL}"),
        ],
        env=environment,
        stdout=log,
        stderr=log,
        stdin=subprocess.DEVNULL,
        cwd=root if root.is_dir() else None,
    )
    log.close()
    deadline = time.monotonic() + 180  # on a busy machine; one that has ended is noticed at once
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            url = f"http://127.0.0.1:{port_of(process, config / 'runtime')}{BASE_URL}"
            with urllib.request.urlopen(f"{url}api?token={TOKEN}", timeout=5):
                return LabServer(root, url, process)
        except (OSError, ValueError):
            time.sleep(0.1)
    process.kill()
    process.wait()
    pytest.fail("JupyterLab did not start:\n" + told.read_text()[-4000:])

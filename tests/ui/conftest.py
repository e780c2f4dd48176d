"""A real JupyterLab under the base URL /user/x/ and a real Chromium."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

OUTPUT = Path(__file__).parents[2] / "test-output" / "ui"
TOKEN = "browser-test"
BASE_URL = "/user/x/"
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str | None:
    names = (os.environ.get("SYSDESIGN_CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if name and (found := shutil.which(name))), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.ui)
            if chromium() is None and not os.environ.get("CI"):
                item.add_marker(pytest.mark.skip(reason="no Chromium (make test installs it)"))


@dataclass
class LabServer:
    """One JupyterLab process."""

    root: Path
    url: str
    process: subprocess.Popen[bytes]

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def start_lab(root: Path, home: Path, *, lesson: str = "t1-02-indexes", port: int = 0) -> LabServer:
    if port == 0:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
    config = home / "jupyter"
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(config / "config"),
        "JUPYTER_DATA_DIR": str(config / "data"),
        "JUPYTER_RUNTIME_DIR": str(config / "runtime"),
        "IPYTHONDIR": str(config / "ipython"),
    }
    log = (home / "lab.log").open("ab")
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyter_sysdesign", "lab", "--root", str(root)),
            *("--lesson", lesson, "--no-browser", f"--port={port}", "--ServerApp.port_retries=0"),
            *(f"--IdentityProvider.token={TOKEN}", f"--ServerApp.base_url={BASE_URL}"),
        ],
        env=environment,
        stdout=log,
        stderr=log,
        stdin=subprocess.DEVNULL,
    )
    log.close()
    url = f"http://127.0.0.1:{port}{BASE_URL}"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{url}api?token={TOKEN}", timeout=5):
                return LabServer(root, url, process)
        except OSError:
            time.sleep(0.1)
    process.kill()
    process.wait()
    pytest.fail("JupyterLab did not start:\n" + (home / "lab.log").read_text()[-4000:])


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        instance = playwright.chromium.launch(executable_path=chromium(), args=_ARGUMENTS)
        yield instance
        instance.close()


@pytest.fixture
def context(browser):
    made = browser.new_context(viewport={"width": 1440, "height": 1000})
    made.set_default_timeout(30_000)
    yield made
    made.close()


@pytest.fixture
def lab(home, tmp_path):
    server = start_lab(tmp_path / "root", home)
    yield server
    server.stop()

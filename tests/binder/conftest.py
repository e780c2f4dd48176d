"""What Binder makes of this checkout, and a learner's container of it within Binder's limits."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tarfile
import time
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import pytest
from engine import LABEL, ROOT, docker, need_engine
from lab_server import BASE_URL, TOKEN
from ui.conftest import *  # noqa: F403 (its browser)

IMAGE = "jupyter-sysdesign/binder:test"
NAME = "sysdesign-binder-test"


@pytest.fixture(scope="session")
def image(tmp_path_factory):
    need_engine()
    context = tmp_path_factory.mktemp("binder")
    for folder in ("src", "certificates", "binder"):
        (context / folder).mkdir()
    shutil.copy(ROOT / "tests" / "binder" / "Dockerfile", context)
    shutil.copy(ROOT / "binder" / "requirements.txt", context / "binder")
    for each in Path("/usr/local/share/ca-certificates").glob("*.crt"):
        shutil.copy(each, context / "certificates")
    # What a clone has: no build, no virtual environment.
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    files = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(context / "src.tar", "w") as packed:
        for name in filter(None, files.decode().split("\0")):
            if (ROOT / name).exists():
                packed.add(ROOT / name, name, recursive=False)
    with tarfile.open(context / "src.tar") as packed:
        packed.extractall(context / "src", filter="fully_trusted")
    (context / "src.tar").unlink()
    docker("build", "--network", "host", "--label", f"{LABEL}=binder", "--tag", IMAGE, context,
           timeout_s=1500)  # fmt: skip
    return IMAGE


@pytest.fixture
def server(image):
    """2 GB of memory, one processor, no Docker, no root, a URL prefix."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    docker("rm", "--force", NAME, check=False)
    docker(
        *("run", "--detach", "--name", NAME, "--label", f"{LABEL}=binder"),
        *("--memory", "2g", "--memory-swap", "2g", "--cpus", "1"),
        *("--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
        *("--publish", f"127.0.0.1:{port}:8888", image, "jupyter", "lab", "--ip", "0.0.0.0"),
        *(f"--ServerApp.base_url={BASE_URL}", f"--IdentityProvider.token={TOKEN}"),
    )
    url = f"http://127.0.0.1:{port}{BASE_URL}"
    deadline = time.monotonic() + 120
    while True:
        try:
            with urllib.request.urlopen(f"{url}api?token={TOKEN}", timeout=5):
                break
        except OSError:
            assert time.monotonic() < deadline, docker("logs", NAME)
            time.sleep(0.1)
    yield SimpleNamespace(url=url)
    docker("rm", "--force", NAME, check=False)

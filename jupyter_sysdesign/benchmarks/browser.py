"""A real JupyterLab and a real Chromium to measure in."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from jupyter_sysdesign.benchmarks.place import FOUR_SERVICES
from jupyter_sysdesign.errors import MissingBinaryError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-sync")


@contextlib.contextmanager
def lab(home: Path, lesson: str = FOUR_SERVICES) -> Iterator[str]:
    """Yield the URL of a JupyterLab on a lesson, as ``sysdesign lab`` prints it.

    Raises:
        UnavailableError: it did not start.
    """
    token = secrets.token_hex(8)
    jupyter = {
        f"JUPYTER_{name}_DIR": str(home / "jupyter" / name)
        for name in ("CONFIG", "DATA", "RUNTIME")
    }
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyter_sysdesign", "lab", "--root", str(home / "root")),
            *("--lesson", lesson, "--no-browser", "--ServerApp.base_url=/user/x/"),
            f"--IdentityProvider.token={token}",
        ],
        env={**os.environ, **jupyter},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield _printed_url(process, token)
    finally:
        process.terminate()
        process.communicate()


def _printed_url(process: subprocess.Popen[str], token: str) -> str:
    if process.stderr is not None:
        for line in process.stderr:
            found = re.search(r"(http://127\.0\.0\.1:\S+)\?token=", line)
            if found:
                return f"{found[1]}?token={token}"
    raise UnavailableError("JupyterLab did not start")


def chromium() -> str:
    """Return the path of a Chromium.

    Raises:
        MissingBinaryError: there is none.
    """
    names = (os.environ.get("SYSDESIGN_CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    for name in names:
        if name and (found := shutil.which(name)):
            return found
    raise MissingBinaryError("No Chromium", hint="Install chromium, or set SYSDESIGN_CHROMIUM.")

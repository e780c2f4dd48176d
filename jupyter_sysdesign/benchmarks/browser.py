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
    from collections.abc import Iterator, Sequence
    from pathlib import Path

ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-sync")


@contextlib.contextmanager
def lab(home: Path, lesson: str = FOUR_SERVICES) -> Iterator[str]:
    """Yield the URL of a JupyterLab on a lesson, as ``sysdesign lab`` prints it.

    Raises:
        UnavailableError: it did not start.
    """
    command = ("jupyter_sysdesign", "lab", "--root", str(home / "root"), "--lesson", lesson)
    with serving((*command, "--ServerApp.base_url=/user/x/"), home / "jupyter") as url:
        yield url


@contextlib.contextmanager
def serving(command: Sequence[str], jupyter: Path) -> Iterator[str]:
    """Run a module that serves JupyterLab, with Jupyter's folders in ``jupyter``; yield its URL.

    Raises:
        UnavailableError: it did not start.
    """
    token = secrets.token_hex(8)
    folders = {f"JUPYTER_{each}_DIR": str(jupyter / each) for each in ("CONFIG", "DATA", "RUNTIME")}
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", *command),
            *("--no-browser", f"--IdentityProvider.token={token}"),
        ],
        env={**os.environ, **folders},
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

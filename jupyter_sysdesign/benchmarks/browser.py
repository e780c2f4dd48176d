"""A real JupyterLab and a real Chromium, as benchmarks use them."""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING

from jupyter_sysdesign.errors import MissingBinaryError, UnavailableError

if TYPE_CHECKING:
    import subprocess


def printed_url(lab: subprocess.Popen[str], token: str) -> str:
    """Return the address that a starting JupyterLab prints on its standard error.

    Raises:
        UnavailableError: it ended instead.
    """
    if lab.stderr is not None:
        for line in lab.stderr:
            found = re.search(r"(http://127\.0\.0\.1:\S+)\?token=", line)
            if found:
                return f"{found[1]}?token={token}"
    raise UnavailableError("JupyterLab did not start")


def chromium() -> str:
    """Return the program.

    Raises:
        MissingBinaryError: there is none.
    """
    names = (os.environ.get("SYSDESIGN_CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    for name in names:
        if name and (found := shutil.which(name)):
            return found
    raise MissingBinaryError("No Chromium", hint="Install chromium, or set SYSDESIGN_CHROMIUM.")

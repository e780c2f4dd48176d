"""The Chromium that browser tests run in."""

from __future__ import annotations

import os
import shutil

import pytest

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str | None:
    """Return where it is, or None."""
    names = (os.environ.get("SYSDESIGN_CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if name and (found := shutil.which(name))), None)


#: In CI nothing is skipped: there the test fails.
needs_browser = pytest.mark.skipif(
    chromium() is None and not os.environ.get("CI"), reason="no Chromium (make test installs it)"
)

"""Who waits for a file lock, as the kernel says."""

from __future__ import annotations

import os
import time
from pathlib import Path


def until_somebody_waits() -> None:
    """Return once a thread of this process waits for a lock that another one holds."""
    until = time.monotonic() + 60
    while f"-> FLOCK  ADVISORY  WRITE {os.getpid()} " not in Path("/proc/locks").read_text():
        assert time.monotonic() < until
        time.sleep(0.02)

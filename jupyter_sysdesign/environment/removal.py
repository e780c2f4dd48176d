"""Deleting the folder of an instance: whoever is killed meanwhile leaves nothing half there."""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

#: How a folder is named that is not there yet, or not any more.
UNFINISHED = ".unfinished"


def remove(folder: Path) -> None:
    """Delete ``folder``: all of it is gone at once, its room a moment later."""
    going = folder.with_name(f"{folder.name}.{os.getpid()}{UNFINISHED}")
    with contextlib.suppress(OSError):
        folder.rename(going)
        folder = going
    shutil.rmtree(folder, ignore_errors=True)

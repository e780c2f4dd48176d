"""Folders of instances that are only there for a check: never to be found by a later control plane.

They are known by a mark that is there from their first moment on, whenever we are killed.
"""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING

from jupyter_sysdesign import paths
from jupyter_sysdesign.environment.ownership import Ownership

if TYPE_CHECKING:
    from pathlib import Path

_MARK = "temporary"
_UNFINISHED = ".unfinished"


def temporary(instance_id: str) -> Path:
    """Make the folder of an instance that goes with its lease."""
    folder = paths.instances() / instance_id
    if not folder.exists():
        unfinished = paths.instance(instance_id + _UNFINISHED)
        (unfinished / _MARK).touch()
        unfinished.rename(folder)
    return folder


def remove_temporary() -> None:
    """Remove what is left of them; those that are being ended in order go by themselves."""
    marked = {mark.parent for mark in paths.instances().glob(f"*/{_MARK}")}
    for folder in marked | set(paths.instances().glob(f"*{_UNFINISHED}")):
        with contextlib.suppress(FileNotFoundError):  # it went in this moment
            ownership = Ownership.take(folder)
            if ownership is not None:
                shutil.rmtree(folder, ignore_errors=True)
                ownership.release()

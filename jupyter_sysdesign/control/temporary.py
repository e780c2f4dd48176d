"""Folders of instances that are only there for a check: never to be found by a later control plane.

They are known by a mark that is there from their first moment on, whenever we are killed.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from jupyter_sysdesign import paths
from jupyter_sysdesign.environment.ownership import Ownership
from jupyter_sysdesign.environment.removal import UNFINISHED, remove
from jupyter_sysdesign.errors import ConflictError

if TYPE_CHECKING:
    from pathlib import Path

_MARK = "temporary"


def temporary(instance_id: str) -> Path:
    """Make the folder of an instance that goes with its lease.

    Raises:
        ConflictError: there is one that has to stay.
    """
    folder = paths.instances() / instance_id
    if folder.exists():
        if not (folder / _MARK).exists():
            raise ConflictError(f"{instance_id} is there for another purpose already")
    else:
        unfinished = paths.instance(instance_id + UNFINISHED)
        (unfinished / _MARK).touch()
        unfinished.rename(folder)
    return folder


def remove_temporary() -> None:
    """Remove what is left of them, and of deletions; what is ended in order goes by itself."""
    marked = {mark.parent for mark in paths.instances().glob(f"*/{_MARK}")}
    for folder in marked | set(paths.instances().glob(f"*{UNFINISHED}")):
        with contextlib.suppress(FileNotFoundError):  # it went in this moment
            ownership = Ownership.take(folder)
            if ownership is not None:
                remove(folder)
                ownership.release()

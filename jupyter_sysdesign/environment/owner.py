"""Whom PostgreSQL's processes and files belong to: it refuses to run as root."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_sysdesign.errors import ResourceError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Owner:
    """A user of this machine."""

    name: str
    uid: int
    gid: int


def server_owner() -> Owner | None:
    """Return the user database servers run as under root, None when that is the caller.

    ``$SYSDESIGN_SERVER_USER`` names another than ``nobody``.

    Raises:
        ResourceError: there is no such user.
    """
    if os.geteuid() != 0:
        return None
    name = os.environ.get("SYSDESIGN_SERVER_USER", "nobody")
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        raise ResourceError(
            f"There is no user {name} for the database to run as (it refuses to run as root)",
            hint="Create it, or set SYSDESIGN_SERVER_USER to a user without privileges.",
        ) from None
    return Owner(name, found.pw_uid, found.pw_gid)


def make_folder(folder: Path, owner: Owner | None) -> None:
    """Create ``folder`` for ``owner`` alone; folders above it stay closed but passable."""
    folder.parent.mkdir(mode=0o711 if owner else 0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    if owner:
        os.chown(folder, owner.uid, owner.gid)


def closed_to(path: Path, owner: Owner | None) -> Path | None:
    """Return the uppermost folder above ``path`` that ``owner`` may not pass, if any."""
    if owner is None:
        return None
    for folder in reversed(path.resolve().parents):
        try:
            found = folder.stat()
        except FileNotFoundError:  # not made yet: by us, and open then
            return None
        needed = stat.S_IXOTH
        if found.st_uid == owner.uid:
            needed = stat.S_IXUSR
        elif found.st_gid == owner.gid:
            needed = stat.S_IXGRP
        if not found.st_mode & needed:
            return folder
    return None


def require_open(path: Path, owner: Owner | None) -> None:
    """Check that ``owner`` can reach ``path``.

    Raises:
        ResourceError: a folder above it is closed to that user.
    """
    closed = closed_to(path, owner)
    if closed is not None and owner is not None:
        raise ResourceError(
            f"{closed} is closed to the user {owner.name}, who runs the database",
            hint="Set SYSDESIGN_HOME to a folder that other users may pass (chmod o+x).",
        )

"""Makes server programs runnable for the user they must run as."""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import TYPE_CHECKING

from jupyter_sysdesign import paths
from jupyter_sysdesign.environment.owner import Owner, closed_to, require_open
from jupyter_sysdesign.errors import MissingBinaryError

if TYPE_CHECKING:
    from pathlib import Path

_NOT_NEEDED = ("include", "doc", "pkgconfig", "pgxs", "*.a")


def for_owner(program: Path, owner: Owner | None) -> Path:
    """Return ``program``, or a copy of its whole installation that ``owner`` can reach.

    Under root the program runs as another user, who cannot enter a checkout in ``/root``: the
    installation (``bin``, ``lib``, ``share``) is then copied into our own folder once.

    Raises:
        MissingBinaryError: it is closed to ``owner``, and not one installation that can be copied.
    """
    closed = closed_to(program, owner)
    if closed is None or owner is None:
        return program
    installation = program.resolve().parent.parent
    if not (installation / "share").is_dir() or not (installation / "lib").is_dir():
        raise MissingBinaryError(
            f"{program} is closed to the user {owner.name}, who runs the database",
            hint=f"Open {closed} to other users (chmod o+x), or install PostgreSQL elsewhere.",
        )
    found = program.stat()
    stamp = f"{installation}:{found.st_mtime_ns}:{found.st_size}"
    target = paths.home() / "programs" / hashlib.sha256(stamp.encode()).hexdigest()[:12]
    require_open(target / "bin", owner)
    if not target.is_dir():
        _copy(installation, target)
    return target / installation.parent.name / installation.name / "bin" / program.name


def _copy(installation: Path, target: Path) -> None:
    """Copy into place by one rename; of two processes that do it, one wins.

    A wheel keeps shared libraries beside the package, in ``<package>.libs``, and its programs look
    for them there: the copy has the same two levels of folders.
    """
    target.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    package = installation.parent
    ignore = shutil.ignore_patterns(*_NOT_NEEDED)
    copied = partial / package.name / installation.name
    shutil.copytree(installation, copied, symlinks=True, ignore=ignore)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, partial / libraries.name, symlinks=True)
    for folder in (partial, partial / package.name, copied):
        folder.chmod(0o755)
    try:
        partial.rename(target)
    except OSError:
        if not target.is_dir():
            raise
        shutil.rmtree(partial, ignore_errors=True)

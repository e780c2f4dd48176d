"""Where this program keeps its files on this machine.

``home()`` is durable (instances' data, templates, ledger); ``runtime()`` holds unix sockets and
must stay short: a socket path has at most 107 bytes. A folder that cannot be used is a
``ResourceError``, whichever is asked for.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from pathlib import Path

from jupyter_sysdesign.errors import ResourceError

# PostgreSQL refuses to run as root, so under root its files belong to another user, who must be
# able to walk (not list) the directories above them.
_PRIVATE = 0o711 if os.geteuid() == 0 else 0o700


def home() -> Path:
    """Return the durable folder: ``$SYSDESIGN_HOME``, else the user's data folder."""
    configured = os.environ.get("SYSDESIGN_HOME")
    if configured:
        folder = Path(configured)
    elif os.geteuid() == 0:  # /root itself is closed to the user PostgreSQL runs as
        folder = Path("/var/lib/jupyter-sysdesign")
    else:
        folder = Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share") / "jupyter-sysdesign"
    # By its real path, as the system names the folders of processes.
    return _private(folder.expanduser().resolve())


def runtime() -> Path:
    """Return the folder for sockets; one per user and per ``home()``."""
    return _private(_runtime())


def _runtime() -> Path:
    base = os.environ.get("XDG_RUNTIME_DIR")
    if not base or len(base) > 40 or not Path(base).is_dir() or os.geteuid() == 0:  # noqa: PLR2004
        base = tempfile.gettempdir() if len(tempfile.gettempdir()) <= 20 else "/tmp"  # noqa: PLR2004, S108
    key = hashlib.sha256(str(home()).encode()).hexdigest()[:8]
    return Path(base) / f"sysdesign-{os.geteuid()}-{key}"


def control_socket() -> Path:
    """Return the control plane's unix socket; looking for one makes no folder."""
    folder = _runtime()
    _is_private(folder)
    return folder / "control.sock"


def instances() -> Path:
    """Return the folder with one subfolder per instance (data directories, logs)."""
    return _private(home() / "instances")


def instance(instance_id: str) -> Path:
    """Return the folder of one instance; it is made when missing."""
    return _private(instances() / instance_id)


def checks() -> Path:
    """Return the folder with one subfolder per check or job under way: rebuilt workspaces."""
    return _private(home() / "checks")


def turns() -> Path:
    """Return the folder of what one user does in turns on this machine, whatever ``home()`` is."""
    return _private(Path(tempfile.gettempdir()) / f"sysdesign-{os.geteuid()}", 0o700)


def sockets(instance_id: str) -> Path:
    """Return the short folder of an instance's sockets; it is made by whoever runs it."""
    return runtime() / instance_id.rpartition("-")[2]


def templates() -> Path:
    """Return the folder with one subfolder per seeded template, named by content hash."""
    return _private(home() / "templates")


def shared_templates() -> Path | None:
    """Return the folder of templates that came with an image, which ``$SYSDESIGN_TEMPLATES`` names.

    It is read and never written. None: no such folder is named.
    """
    named = os.environ.get("SYSDESIGN_TEMPLATES")
    return Path(named) if named else None


def _private(folder: Path, mode: int = _PRIVATE) -> Path:
    try:
        while not _is_private(folder, mode):
            folder.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                folder.mkdir(mode)
    except OSError as error:
        raise _unusable(folder, error.strerror or str(error)) from error
    return folder


def _is_private(folder: Path, mode: int = _PRIVATE) -> bool:
    """Return False where there is none; its last user may delete it at any moment."""
    try:
        found = folder.lstat()
        if stat.S_ISLNK(found.st_mode) or found.st_uid != os.geteuid():
            raise ResourceError(
                f"{folder} belongs to another user",
                hint="Set SYSDESIGN_HOME and XDG_RUNTIME_DIR to folders of your own.",
            )
        if not stat.S_ISDIR(found.st_mode):
            raise _unusable(folder, "it is no folder")
        if stat.S_IMODE(found.st_mode) & ~mode:
            folder.chmod(mode)
        if os.access(folder, os.W_OK):
            return True
        if not os.path.samestat(found, folder.lstat()):
            return False
    except FileNotFoundError:
        return False
    raise _unusable(folder, "nothing can be written there")


def _unusable(folder: Path, why: str) -> ResourceError:
    return ResourceError(
        f"{folder} cannot be used: {why}",
        hint="Set SYSDESIGN_HOME, and XDG_RUNTIME_DIR for sockets, to folders you can write to.",
    )

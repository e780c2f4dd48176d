"""The files by which a control plane is known to be there: its socket, and locks beside it.

All of them lie in one folder, which goes with the last of them. A lock file may therefore be
deleted by whoever holds it; who waited for it then looks again.
"""

from __future__ import annotations

import contextlib
import fcntl
import os

from jupyter_sysdesign import paths

#: Held as long as a control plane lives; has its pid.
ALIVE = "control.lock"
#: Held while somebody starts one.
STARTING = "start.lock"


def lock(name: str, *, wait: bool) -> int | None:
    """Return a file descriptor that holds the lock, or None if somebody else does."""
    while True:
        path = paths.runtime() / name
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except FileNotFoundError:  # the folder went in this moment
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle), path.stat()):
                    return handle
        except BlockingIOError:
            os.close(handle)
            return None
        os.close(handle)


def holder() -> str:
    """Return the pid of the control plane that is alive, as text; empty when none is."""
    try:
        return paths.control_socket().with_name(ALIVE).read_text().strip()
    except FileNotFoundError:
        return ""


def clear() -> None:
    """Delete all of it; the caller holds ``ALIVE``."""
    folder = paths.runtime()
    paths.control_socket().unlink(missing_ok=True)
    (folder / ALIVE).unlink(missing_ok=True)
    starting = lock(STARTING, wait=False)
    if starting is not None:  # nobody is about to come
        (folder / STARTING).unlink(missing_ok=True)
        os.close(starting)
    with contextlib.suppress(OSError):  # instances of another program have their sockets here
        folder.rmdir()


def tidy() -> None:
    """Delete what a killed control plane left; nothing happens while one is alive."""
    if not paths.control_socket().parent.exists():
        return
    handle = lock(ALIVE, wait=False)
    if handle is not None:
        clear()
        os.close(handle)

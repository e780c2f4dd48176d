"""Reaching the user's control plane, and starting one where none answers.

Any client may be the first. A file lock makes sure that only one of them starts it; the others wait
and find it there. The new process is detached from its starter: a kernel that is shut down ends its
children, and a Jupyter server takes its session with it.
"""

from __future__ import annotations

import os
import socket
import subprocess
from typing import TYPE_CHECKING

from jupyter_sysdesign import paths
from jupyter_sysdesign.control import presence
from jupyter_sysdesign.environment import proctitle
from jupyter_sysdesign.errors import UnavailableError
from jupyter_sysdesign.interpreter import INTERPRETER

if TYPE_CHECKING:
    from pathlib import Path

#: What the control plane must not keep, as it outlives who started it, and what would change the
#: interpreter that all Python services are forks of.
_NOT_FOR_IT = ("JUPYTERHUB_", "JUPYTER_TOKEN", "JPY_", "SYSDESIGN_PARENT_LEASE", "PYTHON")

_START_S = 60.0  # a cold start reads a few hundred files; a network home may take its time


def ensure_running() -> None:
    """Make sure that a control plane answers; blocks while one is being started.

    Raises:
        UnavailableError: it could not be started; the message has its last words.
    """
    path = paths.control_socket()
    if answers(path):
        return
    starting = presence.lock(presence.STARTING, wait=True)
    try:
        if not answers(path):
            _start()
    finally:
        if starting is not None:
            os.close(starting)


def answers(path: Path) -> bool:
    """Tell at once whether somebody listens on the unix socket ``path``."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(0)
        try:
            probe.connect(str(path))
        except BlockingIOError:  # so many are connecting that we would have to queue
            return True
        except OSError:
            return False
    return True


def _start() -> None:
    title, room = proctitle.ROOM
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(_NOT_FOR_IT)
    }
    # One heap per thread would cost a few MiB each, for speed that nobody here needs.
    environment |= {"MALLOC_ARENA_MAX": "2", "LC_ALL": "C.UTF-8", **room}
    argv = [*INTERPRETER, "-u", "-m", "jupyter_sysdesign.control", "--detach", title]
    hint = f"Its log is {paths.home() / 'control.log'}."
    try:
        done = subprocess.run(
            argv,
            env=environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            timeout=_START_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise UnavailableError("The control plane does not get ready", hint=hint) from error
    if done.returncode != 0:
        last = done.stdout.decode(errors="replace").strip()[-500:]
        raise UnavailableError(f"The control plane did not start: {last}", hint=hint)

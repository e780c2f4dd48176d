"""A home of its own for a benchmark, so that nothing of the user's is touched or helps."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from jupyter_sysdesign.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: database + cache + load balancer + 2 apps: what the start and memory budgets speak of.
FOUR_SERVICES = "tiny-full"


def checkout() -> Path:
    """Return the checkout's root; benchmarks need its test lessons.

    Raises:
        InvalidRequestError: this is an installed wheel.
    """
    root = Path(__file__).parents[2]
    if not (root / "tests" / "data" / "curriculum").is_dir():
        raise InvalidRequestError(
            "Benchmarks run from a checkout", hint="Clone the project and run `make bench`."
        )
    return root


@contextlib.contextmanager
def fresh_home() -> Iterator[Path]:
    """Yield an empty home; the control plane that starts in it is stopped at the end."""
    from jupyter_sysdesign.control.client import ControlClient

    lessons = checkout() / "tests" / "data" / "curriculum"
    home = Path(tempfile.mkdtemp(prefix="sd-bench-"))
    home.chmod(0o711)
    before = {
        name: os.environ.get(name)
        for name in ("SYSDESIGN_HOME", "SYSDESIGN_CURRICULUM", "SYSDESIGN_IDLE_EXIT_S")
    }
    os.environ["SYSDESIGN_HOME"] = str(home / "home")
    os.environ["SYSDESIGN_CURRICULUM"] = str(lessons)
    try:
        yield home
    finally:
        with ControlClient() as client:
            plane = psutil.Process(client.info().pid)
        plane.terminate()
        plane.wait(30)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        shutil.rmtree(home, ignore_errors=True)

"""A control plane of the test's own, and a tiny lesson to run in it."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import httpx
import psutil
import pytest

from jupyter_sysdesign import paths
from jupyter_sysdesign.control.client import ControlClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from jupyter_sysdesign.control.models import WorkspaceDetail

T = TypeVar("T")

#: No test asserts on less; a busy machine may take this long for anything.
PATIENCE_S = 60.0


@dataclass
class Control:
    """The user's control plane, as a test uses and ends it."""

    folder: Path
    clients: list[ControlClient] = field(default_factory=list)

    def client(self, holder: str | None = None, **options: bool | str) -> ControlClient:
        """Return a client that is closed with the test."""
        self.clients.append(ControlClient(holder=holder, **options))
        return self.clients[-1]

    def raw(self) -> httpx.Client:
        """Return an HTTP client without our own client's manners."""
        self.client().info()
        transport = httpx.HTTPTransport(uds=str(paths.control_socket()))
        return httpx.Client(transport=transport, base_url="http://control", timeout=PATIENCE_S)

    @property
    def pid(self) -> int:
        """Return the pid of the control plane that runs now."""
        return self.client().info().pid

    def workspace(self, name: str = "mine", lesson: str = "tiny") -> WorkspaceDetail:
        """Make a workspace."""
        return self.client().create_workspace(lesson, self.folder / name)

    @staticmethod
    def until(what: Callable[[], T], why: str = "it never came to be") -> T:
        """Wait until ``what()`` is true; return it."""
        deadline = time.monotonic() + PATIENCE_S
        while not (found := what()):
            assert time.monotonic() < deadline, why
            time.sleep(0.02)
        return found

    @staticmethod
    def is_alive(pid: int) -> bool:
        """Tell whether a process runs; one that only waits to be reaped does not."""
        try:
            return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the control plane and wait until it is gone; nothing happens when there is none."""
        with contextlib.suppress(FileNotFoundError, ValueError, ProcessLookupError):
            pid = int(paths.control_socket().with_suffix(".lock").read_text())
            os.kill(pid, how)
            self.until(lambda: not self.is_alive(pid), "the control plane did not end")


@pytest.fixture
def control(home: Path, curriculum: Path) -> Iterator[Control]:
    """Return the control plane of this test; it is started by the first request."""
    control = Control(home.parent)
    yield control
    for client in control.clients:
        client.close()
    control.end()

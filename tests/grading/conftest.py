"""Real servers, as the tests of the metrics start them; lessons to judge; who may not read."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from typing import TYPE_CHECKING

import pytest
from metrics.conftest import cluster, folder, postgres, start_valkey, valkey  # noqa: F401

from jupyter_sysdesign import paths
from jupyter_sysdesign.control.client import ControlClient
from jupyter_sysdesign.curriculum import workspace as workspaces
from jupyter_sysdesign.curriculum.catalogue import Catalogue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path


@pytest.fixture
def nobody() -> Callable[[], AbstractContextManager[None]]:
    """Give a block in which files can be closed to us, root or not."""

    @contextlib.contextmanager
    def being_nobody() -> Iterator[None]:
        me = os.geteuid()
        if me == 0:
            os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(me)

    return being_nobody


@pytest.fixture
def client(home: Path, curriculum: Path) -> Iterator[ControlClient]:
    with ControlClient(holder="test") as client:
        client.info()
        yield client
        pid = client.info().pid
    os.kill(pid, signal.SIGTERM)
    while paths.control_socket().exists():
        time.sleep(0.02)


@pytest.fixture
def mine(client: ControlClient, home: Path) -> Path:
    return workspaces.create(Catalogue().lesson("tiny"), home.parent / "mine").folder


@pytest.fixture
def variant(home: Path, curriculum: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Return a maker of a lesson like ``tiny`` with other checks, and a workspace of it.

    To be asked for before ``client``: the control plane reads the variable as it starts.
    """
    root = home.parent / "curriculum"
    for kind in ("environments", "notebooks"):
        shutil.copytree(curriculum / kind / "tiny", root / kind / "variant")
    monkeypatch.setenv("SYSDESIGN_CURRICULUM", str(root))

    def make(checks: str) -> Path:
        head = "from jupyter_sysdesign.grading.checks import CannotTell, Outcome, check\n"
        (root / "environments" / "variant" / "checks.py").write_text(head + checks)
        return workspaces.create(Catalogue().lesson("variant"), home.parent / "mine").folder

    return make

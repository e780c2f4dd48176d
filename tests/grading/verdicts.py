"""What tests of verdicts share: a lesson's files, what was said, and who meddles from outside."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from jupyter_sysdesign import paths

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.control.client import ControlClient
    from jupyter_sysdesign.control.models import Verdict

INDEX = "CREATE INDEX items_category_price ON items (category, price, id);"
QUICK = ["index-on-category", "new-item-shows"]


def statuses(verdict: Verdict) -> dict[str, str]:
    return {each.id: each.status.value for each in verdict.checks}


def nothing_is_left(client: ControlClient) -> bool:
    folders = [*paths.instances().iterdir(), *(paths.home() / "checks").iterdir()]
    return client.environments() == [] and folders == []


def write(mine: Path, text: str, name: str = "migrations/001-index.sql") -> None:
    (mine / name).write_text(text)


class Meddler:
    """Does something to the system under check as soon as its first check begins."""

    def __init__(self, act: Callable[[str], None]) -> None:
        self._act = act
        self._environment = ""
        self.acted = False

    def __call__(self, said: dict[str, Any]) -> None:
        if said.get("environment", {}).get("role") == "submission":
            self._environment = said["environment"]["id"]
        if "running" in said and not self.acted:
            self.acted = True
            self._act(self._environment)


def checkers() -> list[int]:
    """Return the checkers of this test's control plane."""
    mark = os.fsencode(f"SYSDESIGN_HOME={paths.home()}")
    found = []
    for each in psutil.process_iter(["cmdline"]):
        if "jupyter_sysdesign.grading.checker" in (each.info["cmdline"] or []):
            with contextlib.suppress(OSError):
                if mark in Path(f"/proc/{each.pid}/environ").read_bytes():
                    found.append(each.pid)
    return found

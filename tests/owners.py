"""A program that runs an instance, to be killed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_sysdesign.environment.source import Source

OWNER = Path(__file__).parent / "data" / "owner.py"


class Owner:
    """A program that runs an instance, to be killed."""

    def __init__(self, source: Source, purpose: str = "lesson") -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(OWNER), source.lesson, str(source.workspace), purpose],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.facts = self._hear()
        self.family = [pid for tree in self.facts["services"].values() for pid in tree]

    @property
    def everybody(self) -> list[int]:
        return [self.process.pid, self.facts["guard"], self.facts["supervisor"], *self.family]

    def ask(self, what: str) -> dict[str, Any]:
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        facts = self._hear()
        self.family += [pid for tree in facts["services"].values() for pid in tree]
        return facts

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def _hear(self) -> dict[str, Any]:
        line = self.process.stdout.readline()
        assert line, "the owner ended"
        return json.loads(line)

"""A runtime with small Python programs as services, for tests below the level of instances."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jupyter_sysdesign import paths
from jupyter_sysdesign.environment.launch import Launch
from jupyter_sysdesign.environment.runtimes.embedded import Embedded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from jupyter_sysdesign.environment.runtimes import Exit

#: A service that burns CPU from its first line on.
SPIN = "while True: pass"
SLEEP = "import time; time.sleep(600)"


@dataclass
class Heard:
    """Everything a runtime said by itself."""

    exits: list[Exit] = field(default_factory=list)
    lines: list[tuple[str, str]] = field(default_factory=list)
    skipped: int = 0
    losses: int = 0

    def ended(self, how: Exit) -> None:
        self.exits.append(how)

    def printed(self, name: str, ts: float, lines: list[str], skipped: int) -> None:  # noqa: ARG002
        self.lines += [(name, line) for line in lines]
        self.skipped += skipped

    def lost(self) -> None:
        self.losses += 1


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
async def runtime(home: Path, heard: Heard) -> AsyncIterator[Embedded]:
    """An open runtime; ``runtime._folder`` is its instance folder."""
    folder, sockets = paths.instances() / "test-1", paths.runtime() / "test"
    folder.mkdir(mode=0o711)
    sockets.mkdir(mode=0o711)
    opened = Embedded("test-1", folder, sockets, heard)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def python() -> Callable[..., Launch]:
    """Return a maker of services that run a few lines of Python."""

    async def ready() -> None:
        return

    def make(name: str, code: str, *arguments: str, **fields: Any) -> Launch:
        return Launch(
            name=name,
            argv=(sys.executable, "-I", "-S", "-u", "-c", code, *arguments),
            env={"PATH": "/usr/bin:/bin"},
            cwd=Path("/"),
            probe=ready,
            **fields,
        )

    return make

"""A runtime with small Python programs as services, for tests below the level of instances."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from jupyter_sysdesign import paths
from jupyter_sysdesign.environment.launch import Launch, NotReady
from jupyter_sysdesign.environment.ports import Reservation, reserve
from jupyter_sysdesign.environment.runtimes.embedded import Embedded
from jupyter_sysdesign.environment.services import Place, Service, build
from jupyter_sysdesign.environment.source import Source
from jupyter_sysdesign.environment.spec import load_spec
from jupyter_sysdesign.environment.templates import Templates

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

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

    async def end_of(self, name: str, runtime: Embedded) -> Exit:
        """Return how a program ended that may have ended before we ask."""
        await runtime.wait(name)
        return [each for each in self.exits if each.name == name][-1]

    def printed(self, name: str, ts: float, lines: list[str], skipped: int) -> None:
        self.lines += [(name, line) for line in lines]
        self.skipped += skipped

    def lost(self, reason: str) -> None:
        self.losses += 1


@pytest.fixture(scope="session")
def until() -> Callable[..., Awaitable[None]]:
    """Return what waits for a condition; long, because the machine may be busy."""

    async def wait(condition: Callable[[], object], timeout_s: float = 60.0) -> None:
        with anyio.fail_after(timeout_s):
            while not condition():  # noqa: ASYNC110 (conditions on the world, not on our own code)
                await anyio.sleep(0.01)

    return wait


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


@dataclass
class World:
    """The services of one environment, each started when a test wants it."""

    place: Place
    services: dict[str, Service]
    runtime: Embedded

    def prepare(self) -> None:
        for service in self.services.values():
            service.check()
            service.prepare()

    async def start(self, *names: str) -> None:
        """Spawn the services and wait for their probes; all of them when none is named."""
        for name in names or tuple(self.services):
            launch = await asyncio.to_thread(self.services[name].launch)
            await self.runtime.spawn(launch)
            await ready(launch, self.place.folder / "logs" / f"{name}.log")


async def ready(launch: Launch, log: Path) -> None:
    """Wait until the probe of ``launch`` returns; a generous limit only ends a hung test."""
    until = asyncio.get_running_loop().time() + 60
    while why := await not_ready(launch):
        if asyncio.get_running_loop().time() > until:
            pytest.fail(f"{why}\n{await asyncio.to_thread(log.read_text)}")
        await asyncio.sleep(0.005)


async def not_ready(launch: Launch) -> str:
    try:
        await launch.probe()
    except NotReady as error:
        return str(error) or "not ready"
    return ""


@pytest.fixture
async def make_world(runtime: Embedded) -> AsyncIterator[Callable[..., World]]:
    """Return a maker of worlds on the runtime's folders."""
    reservations: list[Reservation] = []

    def make(source: Source, **fields: Any) -> World:
        spec = load_spec(source)
        held = {name: reserve() for name in spec.tcp()}
        reservations.extend(held.values())
        place = Place(
            instance="test-1",
            folder=paths.instances() / "test-1",
            sockets=paths.runtime() / "test",
            source=source,
            spec=spec,
            ports={name: each.port for name, each in held.items()},
            templates=Templates(paths.templates()),
            **fields,
        )
        return World(place, {n: build(each, place) for n, each in spec.services.items()}, runtime)

    yield make
    for each in reservations:
        each.close()


@pytest.fixture
def make_lesson(home: Path) -> Callable[..., Source]:
    """Return a maker of lessons from file contents: pristine ones, then the learner's own."""

    def make(pristine: dict[str, str], mine: dict[str, str] | None = None) -> Source:
        root = home.parent / "lesson"
        for folder, contents in (("pristine", pristine), ("mine", mine or {})):
            (root / folder).mkdir(parents=True, exist_ok=True)
            for name, text in contents.items():
                path = root / folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        editable = ("app/*.py", "migrations/*.sql", "haproxy.cfg")
        return Source("made-up", root / "pristine", (root / "mine").resolve(), editable)

    return make

"""Instances on the Docker runtime, and one whose service does whatever it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from puppets import COMPOSE, PUPPET, Puppet
from watched import Watched

from jupyter_sysdesign.environment.runtimes.docker import engine
from jupyter_sysdesign.environment.status import State

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from docker import APIClient

    from jupyter_sysdesign.environment.source import Source


@pytest.fixture
async def on_docker(home: Path) -> AsyncIterator[Callable[..., Watched]]:
    """Return a maker of instances on Docker; all are stopped in the end."""
    made: list[Watched] = []

    def make(source: Source, kind: type[Watched] = Watched, **options: Any) -> Any:
        made.append(kind(source, runs_on="docker", **options))
        return made[-1]

    yield make
    for each in made:
        if each.status.state is not State.STOPPED:
            await each.stop()


@pytest.fixture
async def puppet(on_docker: Callable[..., Puppet], make_lesson: Callable[..., Source]) -> Puppet:
    """Return a running puppet."""
    instance = on_docker(make_lesson({"compose.yaml": COMPOSE, "app/server.py": PUPPET}), Puppet)
    await instance.start()
    return instance


@pytest.fixture
def client() -> Iterator[APIClient]:
    """Return the engine as its own SDK shows it."""
    with engine.connect() as found:
        yield found

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from jupyter_sysdesign.simulation.network import Network
from jupyter_sysdesign.simulation.node import Node
from jupyter_sysdesign.simulation.world import Simulation

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.simulation.context import Context


class Listener(Node):
    """Notes everything that happens to it, and when by its own clock."""

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.heard: list[tuple[Any, ...]] = []

    def on_start(self) -> None:
        self.heard.append((self.ctx.now(), "start"))

    def on_message(self, src: int | str, message: Any) -> None:
        self.heard.append((self.ctx.now(), src, message))

    def on_timer(self, name: str) -> None:
        self.heard.append((self.ctx.now(), "timer", name))


@pytest.fixture
def pair() -> Callable[..., Simulation]:
    """Make a started world of servers 1 and 2, with a delay of exactly 1 ms unless said."""

    def make(server: type[Node] = Listener, seed: int = 1, **options: Any) -> Simulation:
        network = options.pop("network", Network(1000, 1000))
        world = Simulation(seed, network=network, **options)
        world.add(1, server, peers=(2,))
        world.add(2, server, peers=(1,))
        world.start()
        return world

    return make

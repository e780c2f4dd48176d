"""The links between nodes: their conditions now, which are cut, what travels on them."""

from __future__ import annotations

from dataclasses import replace
from heapq import heappush
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.simulation.values import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jupyter_sysdesign.simulation.network import Network
    from jupyter_sysdesign.simulation.node import NodeId
    from jupyter_sysdesign.simulation.world import Simulation

    #: From whom to whom: the other direction is another link.
    Link = tuple[NodeId, NodeId]


class Links:
    """All links of one simulation.

    Attributes:
        normal: the network's conditions without faults.
        network: its conditions now.
        lost: messages ``(src, dst, n)``, n-th on that link, that are lost whatever the network
            does.
        sent: how many messages each link was given; counted only where ``plain`` is not.
        plain: messages need nothing but a uniform delay of ``low`` µs and up to ``span`` more: the
            quick path.
    """

    __slots__ = (
        "_bends",
        "_cuts",
        "_latest",
        "_world",
        "lost",
        "low",
        "network",
        "normal",
        "plain",
        "sent",
        "span",
    )

    def __init__(self, world: Simulation, network: Network) -> None:
        self._world = world
        self.normal = self.network = network
        self.lost: frozenset[tuple[NodeId, NodeId, int]] = frozenset()
        self.sent: dict[Link, int] = {}
        self._bends: dict[int, Mapping[str, Any]] = {}
        self._cuts: dict[Link, int] = {}
        self._latest: dict[Link, int] = {}
        self.decide()

    def decide(self) -> None:
        """Work out what the conditions are now."""
        network = self.normal
        for changes in self._bends.values():
            network = replace(network, **changes)
        self.network = network
        self.low, self.span = network.low_us, network.high_us - network.low_us
        recorded = self._world.recorder is not None
        self.plain = network.simple and not (self._cuts or self.lost or recorded)

    def bend(self, changes: Mapping[str, Any]) -> int:
        """Change the network's conditions; return a number to ``unbend`` this change with."""
        world = self._world
        world.sequence += 1
        self._bends[world.sequence] = changes
        self.decide()
        return world.sequence

    def unbend(self, number: int) -> None:
        """Take back one change; others stay."""
        self._bends.pop(number, None)
        self.decide()

    def cut(self, links: Iterable[Link]) -> None:
        """Lose every message from now on, on each of these one-way links."""
        for link in links:
            self._cuts[link] = self._cuts.get(link, 0) + 1
        self.decide()

    def mend(self, links: Iterable[Link]) -> None:
        """Undo one ``cut``."""
        for link in links:
            left = self._cuts.pop(link, 0) - 1
            if left > 0:
                self._cuts[link] = left
        self.decide()

    def heal(self) -> None:
        """Undo every change and every cut."""
        self._bends.clear()
        self._cuts.clear()
        self.decide()

    def all_cut(self) -> list[Link]:
        """Return the links on which nothing gets through."""
        return list(self._cuts)

    def is_cut(self, src: NodeId, dst: NodeId) -> bool:
        """Return whether nothing gets through from ``src`` to ``dst``."""
        return (src, dst) in self._cuts

    def transmit(self, src: NodeId, dst: NodeId, message: Any, sequence: int) -> None:
        """Send a message with all that may befall it."""
        world, link = self._world, (src, dst)
        number = self.sent[link] = self.sent.get(link, 0) + 1
        arrivals = self.network.arrivals(world.draw)
        if link in self._cuts or (src, dst, number) in self.lost:
            arrivals = []
        if world.recorder is not None:
            world.recorder.sent(sequence, src, dst, message, len(arrivals))
        for copy, delay in enumerate(arrivals):
            if copy:
                world.sequence = sequence = world.sequence + 1
                message = frozen(message)  # who is told twice may change one of them
            when = world.time + delay
            if self.network.fifo:
                when = self._latest[link] = max(when, self._latest.get(link, 0))
            heappush(world.heap, (when, sequence, dst, src, message, world.current))

    def state(self) -> tuple[dict[Any, Any], ...]:
        """Return what changes while it runs, for ``restore``."""
        return dict(self.sent), dict(self._bends), dict(self._cuts), dict(self._latest)

    def restore(self, state: tuple[dict[Any, Any], ...]) -> None:
        """Be again as ``state`` was."""
        self.sent, self._bends, self._cuts, self._latest = (dict(each) for each in state)
        self.decide()

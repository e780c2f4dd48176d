"""What a node may do: send, set timers, look at its clock, draw numbers, use its disk."""

from __future__ import annotations

from heapq import heappush
from random import Random
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.simulation.disk import Disk, PowerCut
from jupyter_sysdesign.simulation.values import ATOMS, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_sysdesign.simulation.node import Node, NodeId
    from jupyter_sysdesign.simulation.world import Simulation

UP, PAUSED, DOWN = 0, 1, 2
_MILLION = 1_000_000


class Context:
    """A node's way to the world around it.

    Attributes:
        id: the node's own name.
        peers: the other servers it starts with.
        options: settings of the run, such as ``snapshot_every``.
        random: its own stream of chance; nobody else draws from it.
        disk: what survives a crash, once synced.
    """

    __slots__ = (
        "_armed",
        "_due",
        "_skew_ppm",
        "_skew_us",
        "_world",
        "disk",
        "held",
        "id",
        "node",
        "options",
        "peers",
        "random",
        "starts",
        "state",
    )

    def __init__(
        self, world: Simulation, name: NodeId, peers: tuple[NodeId, ...], options: Mapping[str, Any]
    ) -> None:
        self.id = name
        self.peers = peers
        self.options = options
        self.random = Random(f"{world.seed}/node/{name}")
        self.disk = Disk()
        # The simulation's side.
        self._world = world
        self.node: Node | None = None
        self.state = DOWN
        self.starts = 0
        self.held: list[tuple[Any, ...]] = []
        # name → when it is due and which event set it; name → its one live entry in the heap.
        self._due: dict[str, tuple[int, int]] = {}
        self._armed: dict[str, int] = {}
        self._skew_us = 0
        self._skew_ppm = 0

    def send(self, dst: NodeId, message: Any) -> None:
        """Send ``message``; it may arrive late, twice, or never. A mutable one is copied.

        Raises:
            ValueError: nobody is called ``dst``.
        """
        world = self._world
        if dst not in world.contexts:
            raise ValueError(f"there is no node {dst!r} to send to")
        if self.disk.cut:
            raise PowerCut
        if type(message) not in ATOMS:
            message = frozen(message)
        world.sent += 1
        world.sequence = sequence = world.sequence + 1
        links = world.links
        if links.plain:
            heappush(
                world.heap,
                (
                    world.time + links.low + int(world.draw() * links.span),
                    sequence,
                    dst,
                    self.id,
                    message,
                    world.current,
                ),
            )
        else:
            links.transmit(self.id, dst, message, sequence)

    def set_timer(self, name: str, delay_us: int) -> None:
        """Call ``on_timer(name)`` in ``delay_us`` by the node's clock, and not as set before."""
        world = self._world
        if self.disk.cut:
            raise PowerCut
        if self._skew_ppm:
            delay_us = delay_us * _MILLION // (_MILLION + self._skew_ppm)
        due = world.time + max(delay_us, 0)
        self._due[name] = (due, world.current)
        # A timer that is put off, as an election timeout is by each heartbeat, keeps its entry
        # in the heap; when that comes up too early, it goes back.
        armed = self._armed.get(name)
        if armed is not None and armed <= due << 40:
            return
        world.sequence = sequence = world.sequence + 1
        self._armed[name] = due << 40 | sequence
        heappush(world.heap, (due, sequence, self.id, None, name, world.current))

    def cancel(self, name: str) -> None:
        """Forget a timer; nothing happens if it is not set."""
        self._due.pop(name, None)

    def now(self) -> int:
        """Return the time in µs by the node's own clock, which may be wrong and may drift."""
        time = self._world.time
        if self._skew_ppm:
            time += time * self._skew_ppm // _MILLION
        return time + self._skew_us

    def note(self, kind: str, **details: Any) -> None:
        """Tell whoever watches that something happened: a line in the trace, nothing else."""
        if self.disk.cut:
            raise PowerCut
        self._world.noted(kind, self.id, details)

    def state_of(self) -> tuple[Any, ...]:
        """Return all of it except the node, for ``go_back_to``."""
        return (
            self.state,
            self.starts,
            list(self.held),
            dict(self._due),
            dict(self._armed),
            self._skew_us,
            self._skew_ppm,
            self.random.getstate(),
            self.disk.state(),
        )

    def go_back_to(self, state: tuple[Any, ...]) -> None:
        """Be again as ``state_of`` was."""
        self.state, self.starts, held, due, armed, *skew, draws, disk = state
        self._skew_us, self._skew_ppm = skew
        self.held, self._due, self._armed = list(held), dict(due), dict(armed)
        self.random.setstate(draws)
        self.disk.restore(disk)

    def skew(self, offset_us: int, ppm: int) -> None:
        """Make the node's clock wrong by ``offset_us`` and fast by ``ppm`` (the faults call it)."""
        self._skew_us, self._skew_ppm = offset_us, ppm

    def forget_timers(self) -> None:
        """Drop all timers: the node crashed."""
        self._due.clear()
        self._armed.clear()

    def rings(self, name: str, event: tuple[Any, ...]) -> bool:
        """Return whether the timer of a heap entry runs out now; an early one goes back."""
        time, sequence = event[0], event[1]
        if self._armed.get(name) != time << 40 | sequence:
            return False
        due = self._due.get(name)
        if due is None:
            del self._armed[name]
            return False
        if due[0] > time:
            self._armed[name] = due[0] << 40 | sequence
            heappush(self._world.heap, (due[0], sequence, self.id, None, name, due[1]))
            return False
        del self._armed[name], self._due[name]
        return True

    def take(self, name: str) -> bool:
        """Let a timer run out now, whenever it is due; return whether it was set."""
        self._armed.pop(name, None)
        return self._due.pop(name, None) is not None

    def live(self, event: tuple[Any, ...]) -> bool:
        """Return whether the heap entry of one of the timers still stands for it."""
        name = event[4]
        return name in self._due and self._armed.get(name) == event[0] << 40 | event[1]

    @property
    def timers(self) -> dict[str, int]:
        """The timers that are set, and when each is due in real time."""
        return {name: due for name, (due, _) in self._due.items()}

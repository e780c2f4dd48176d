"""A moment of a simulation, to go back to: what rewind, fork and search are made of."""

from __future__ import annotations

import io
import pickle
from heapq import heapify
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.simulation.values import frozen, immutable

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.world import Simulation

_PLAIN = (
    "time",
    "sequence",
    "current",
    "events",
    "sent",
    "heals",
)


_SHARED = (type, FunctionType, BuiltinFunctionType, ModuleType)


class Snapshot:
    """One moment of one simulation; ``restore`` brings that same simulation back to it.

    Messages that are immutable stay as they are; others, nodes, disks, rules and streams of chance
    are copied. What a node keeps outside itself cannot be brought back.
    """

    def __init__(self, world: Simulation) -> None:
        self._world = world
        self._plain = {name: getattr(world, name) for name in _PLAIN}
        self._heap = _copied(world.heap)
        self._links = world.links.state()
        self._draws = world.network_random.getstate(), world.faults_random.getstate()
        self._contexts = {name: ctx.state_of() for name, ctx in world.contexts.items()}
        self._nodes = {name: ctx.node for name, ctx in world.contexts.items()}
        self._inside = self._keep(
            {
                "nodes": {
                    name: vars(node) for name, node in self._nodes.items() if node is not None
                },
                "rules": vars(world.rules) if world.rules is not None else None,
                "listeners": [vars(each) for each in self._listeners()],
            }
        )

    def restore(self) -> Simulation:
        """Bring the simulation back to this moment, as often as wanted."""
        world = self._world
        for field, value in self._plain.items():
            setattr(world, field, value)
        world.heap[:] = _copied(self._heap)
        heapify(world.heap)
        world.links.restore(self._links)
        world.network_random.setstate(self._draws[0])
        world.faults_random.setstate(self._draws[1])
        inside = self._unpacked()
        for name, ctx in world.contexts.items():
            ctx.go_back_to(self._contexts[name])
            ctx.node = node = self._nodes[name]
            if node is not None:
                node.__dict__ = inside["nodes"][name]
        if world.rules is not None:
            vars(world.rules).update(inside["rules"])
        for listener, state in zip(self._listeners(), inside["listeners"], strict=True):
            vars(listener).update(state)
        return world

    def _listeners(self) -> list[Any]:
        """The objects whose methods listen."""
        return [each.__self__ for each in self._world.listeners if hasattr(each, "__self__")]

    def _keep(self, inside: dict[str, Any]) -> bytes:
        """Return a copy of what is inside the nodes, where the world around is not copied."""
        world = self._world
        contexts = world.contexts.values()
        shared = [world, world.links, *contexts, *self._listeners()]
        # A node that keeps its disk keeps the one that it has after going back, too.
        shared += [part for ctx in contexts for part in (ctx.disk, ctx.random)]
        shared += [node for node in self._nodes.values() if node is not None]
        shared += [each for each in (world.rules, world.recorder) if each is not None]
        self._shared = {id(each): each for each in shared}
        file = io.BytesIO()
        _Pickler(file, self._shared).dump(inside)
        return file.getvalue()

    def _unpacked(self) -> dict[str, Any]:
        inside: dict[str, Any] = _Unpickler(io.BytesIO(self._inside), self._shared).load()
        return inside


def _copied(heap: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return all events, with messages that nobody else can change."""
    return [
        event
        if event[3] is None or immutable(event[4])
        else (*event[:4], frozen(event[4]), *event[5:])
        for event in heap
    ]


class _Pickler(pickle.Pickler):
    """Copies what can change; refers to what cannot: classes, functions, the world around.

    Quicker than ``copy.deepcopy`` by far, and classes of a notebook need no module.
    """

    def __init__(self, file: io.BytesIO, shared: dict[int, Any]) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self._shared = shared

    def persistent_id(self, obj: Any) -> int | None:
        key = id(obj)
        if key in self._shared:
            return key
        if isinstance(obj, _SHARED):
            self._shared[key] = obj
            return key
        return None


class _Unpickler(pickle.Unpickler):
    """Its bytes are our own and never leave memory."""

    def __init__(self, file: io.BytesIO, shared: dict[int, Any]) -> None:
        super().__init__(file)
        self._shared = shared

    def persistent_load(self, pid: Any) -> Any:
        return self._shared[pid]

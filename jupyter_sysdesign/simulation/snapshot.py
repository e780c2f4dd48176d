"""A moment of a simulation, to go back to: what rewind, fork and search are made of."""

from __future__ import annotations

import copy
from heapq import heapify
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.world import Simulation

_PLAIN = (
    "time",
    "sequence",
    "current",
    "events",
    "sent",
    "heals",
    "lost",
)


class Snapshot:
    """One moment of one simulation; ``restore`` brings that same simulation back to it.

    Messages are immutable and stay as they are; nodes, disks, rules and streams of chance are
    copied. What a node keeps outside itself cannot be brought back.
    """

    def __init__(self, world: Simulation) -> None:
        self._world = world
        self._plain = {name: getattr(world, name) for name in _PLAIN}
        self._heap = list(world.heap)
        self._links = [dict(each) for each in self._tables(world)]
        self._draws = world.network_random.getstate(), world.faults_random.getstate()
        self._contexts = {name: ctx.state_of() for name, ctx in world.contexts.items()}
        self._nodes = {name: ctx.node for name, ctx in world.contexts.items()}
        self._inside = self._copied(
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
        for name, value in self._plain.items():
            setattr(world, name, value)
        world.heap[:] = self._heap
        heapify(world.heap)
        for table, content in zip(self._tables(world), self._links, strict=True):
            table.clear()
            table.update(content)
        world.network_random.setstate(self._draws[0])
        world.faults_random.setstate(self._draws[1])
        inside = self._copied(self._inside)
        for name, ctx in world.contexts.items():
            ctx.go_back_to(self._contexts[name])
            ctx.node = node = self._nodes[name]
            if node is not None:
                node.__dict__ = inside["nodes"][name]
        if world.rules is not None:
            vars(world.rules).update(inside["rules"])
        for listener, state in zip(self._listeners(), inside["listeners"], strict=True):
            vars(listener).update(state)
        world.unbend(0)  # Nothing has this number: only the network is made anew.
        return world

    @staticmethod
    def _tables(world: Simulation) -> tuple[dict[Any, Any], ...]:
        return world.cuts, world.link_counts, world.link_latest, world.bends

    def _listeners(self) -> list[Any]:
        """The objects whose methods listen."""
        return [each.__self__ for each in self._world.listeners if hasattr(each, "__self__")]

    def _copied(self, inside: dict[str, Any]) -> dict[str, Any]:
        world = self._world
        shared = [world, *world.contexts.values(), *self._listeners()]
        shared += [node for node in self._nodes.values() if node is not None]
        shared += [each for each in (world.rules, world.recorder) if each is not None]
        return copy.deepcopy(inside, {id(each): each for each in shared})

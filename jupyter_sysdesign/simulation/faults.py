"""Faults as data: what happens, to whom, when, and for how long.

A schedule is a list of ``Fault``. A ``Trigger`` strikes at a moment that no clock knows: when a
leader appends, when a disk has written.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.simulation.clients import OPERATOR, Request
from jupyter_sysdesign.simulation.disk import PowerCut

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jupyter_sysdesign.simulation.node import NodeId
    from jupyter_sysdesign.simulation.world import Simulation

#: What only disks say.
_OF_DISKS = ("wrote", "syncing", "synced")
#: What undoes a fault.
Undo: TypeAlias = "Callable[[Simulation], None] | None"


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        kind: one of ``KINDS``.
        at_us: when; in a trigger, how long after it.
        target: a server's number, or ``leader``, ``follower``, ``any``, ``all``; in a trigger also
            ``it``, the server that set it off.
        lasts_us: until it is undone; None lasts until everything is healed.
        arguments: see ``KINDS``.

    Raises:
        InvalidRequestError: an unknown kind, or a time before the start.
    """

    kind: str
    at_us: int = 0
    target: int | str = "any"
    lasts_us: int | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InvalidRequestError(
                f"there is no fault {self.kind!r}", hint=f"There are: {', '.join(KINDS)}."
            )
        if self.at_us < 0 or (self.lasts_us is not None and self.lasts_us < 0):
            raise InvalidRequestError(f"a fault cannot happen at {self.at_us} µs")

    def happen(self, world: Simulation) -> None:
        """Let it happen now, and its end later."""
        nodes = _targets(world, self.target)
        if not nodes and self.target != "all":
            return
        world.happened("fault", None, {"fault": self.kind, "nodes": nodes, **self.arguments})
        _, act = KINDS[self.kind]
        undo = act(world, nodes, self)
        if undo is not None and self.lasts_us is not None:
            world.at(world.time + self.lasts_us, _End(self.kind, nodes, world.heals, undo))


@dataclass(frozen=True)
class _End:
    """The end of a fault, unless everything was healed meanwhile."""

    kind: str
    nodes: tuple[NodeId, ...]
    heals: int
    undo: Callable[[Simulation], None]

    def happen(self, world: Simulation) -> None:
        if world.heals == self.heals:
            world.happened("fault ended", None, {"fault": self.kind, "nodes": self.nodes})
            self.undo(world)


@dataclass(frozen=True)
class Heal:
    """The end of all faults."""

    def happen(self, world: Simulation) -> None:
        """Heal everything."""
        world.heal()


@dataclass(frozen=True)
class Trigger:
    """Faults that strike when something happens.

    Attributes:
        on: what the rules, the disk or the clients say: ``appended``, ``elected``, ``committed``,
            ``voted``, ``wrote``, ``syncing``, ``synced``, ``restarted``, …
        then: what happens, each ``at_us`` after it, to ``it``.
        role: only when the server has this role.
        skip: let this many go by first.
        every: then strike on each n-th.
        times: at most so often.
        until_us: not after this moment.
    """

    on: str
    then: tuple[Fault, ...]
    role: str = ""
    skip: int = 0
    every: int = 1
    times: int = 1
    until_us: int = 1 << 62


class Armed:
    """A trigger in a running simulation.

    Attributes:
        strikes: what it did so far, as faults that happen by the clock, a moment later.
    """

    def __init__(self, trigger: Trigger, world: Simulation) -> None:
        self.trigger = trigger
        self._world = world
        self._seen = 0
        self._left = trigger.times
        self.strikes: list[Fault] = []

    def listen(self, kind: str, node: NodeId | None, _: Mapping[str, Any]) -> None:
        """Strike if this is what the trigger waits for."""
        trigger = self.trigger
        if kind != trigger.on or node is None or self._left <= 0 or not self._counts(node):
            return
        self._left -= 1
        world = self._world
        cut_now = False
        for each in trigger.then:
            struck = replace(each, target=node) if each.target == "it" else each
            self.strikes.append(replace(struck, at_us=world.time + each.at_us + 1))
            if kind in _OF_DISKS and _cuts(each):
                cut_now = True
                if each.lasts_us is not None:
                    world.at(world.time + each.lasts_us, _Restart(node))
            else:
                world.at(world.time + each.at_us, struck)
        if cut_now:
            raise PowerCut

    def spared(self, node: NodeId) -> int | None:
        """Return how many of what it waits for surely leave the power of ``node`` on; None: all.

        That holds for the event that is being handled, in which neither time nor role change.
        """
        if self._left <= 0 or not self._concerns(node) or not any(map(_cuts, self.trigger.then)):
            return None
        past = self._seen - self.trigger.skip
        return -past if past < 0 else -past % self.trigger.every

    def _concerns(self, node: NodeId) -> bool:
        world, trigger = self._world, self.trigger
        if world.time > trigger.until_us or node not in world.servers:
            return False
        return not trigger.role or getattr(world.probe(node), "role", "") == trigger.role

    def _counts(self, node: NodeId) -> bool:
        trigger = self.trigger
        if not self._concerns(node):
            return False
        self._seen += 1
        past = self._seen - trigger.skip - 1
        return past >= 0 and past % trigger.every == 0


@dataclass(frozen=True)
class _Restart:
    node: NodeId

    def happen(self, world: Simulation) -> None:
        world.restart(self.node)


def arm(world: Simulation, triggers: tuple[Trigger, ...]) -> list[Armed]:
    """Let ``triggers`` listen; disks tell of their writes only if one waits for them."""
    armed = [Armed(trigger, world) for trigger in triggers]
    world.listeners += [each.listen for each in armed]
    waiting = [each for each in armed if each.trigger.on in _OF_DISKS]
    if waiting:
        for name in world.servers:
            world.contexts[name].disk.tap = _Tap(world, name, waiting)
    return armed


def _cuts(fault: Fault) -> bool:
    """Return whether a fault that a write sets off lets nothing happen after it."""
    return fault.kind == "crash" and fault.at_us == 0


@dataclass(frozen=True)
class _Tap:
    """A ``disk.Tap``: tells everybody what a disk does, for those who wait for it."""

    world: Simulation
    node: NodeId
    waiting: list[Armed]

    def __call__(self, kind: str) -> None:
        for listener in self.world.listeners:
            listener(kind, self.node, {})

    def spared(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for each in self.waiting:
            kind, spared = each.trigger.on, each.spared(self.node)
            if spared is not None:
                found[kind] = min(spared, found.get(kind, spared))
        return found


def _targets(world: Simulation, target: int | str) -> tuple[NodeId, ...]:
    """Return who is meant; chance is the faults' own."""
    if isinstance(target, int):
        return (target,) if target in world.contexts else ()
    servers = world.servers
    if target == "all":
        return servers
    leader = world.leader()
    if target == "leader" and leader is not None:
        return (leader,)
    choice = [each for each in servers if target != "follower" or each != leader]
    return (choice[int(world.faults_random.random() * len(choice))],) if choice else ()


# The kinds ---------------------------------------------------------------------------------


def _crash(now: Simulation, nodes: tuple[NodeId, ...], fault: Fault) -> Undo:
    for each in nodes:
        now.crash(each, kept=fault.arguments.get("kept"))

    def undo(world: Simulation) -> None:
        for each in nodes:
            world.restart(each)

    return undo


def _pause(now: Simulation, nodes: tuple[NodeId, ...], _: Fault) -> Undo:
    for each in nodes:
        now.pause(each)

    def undo(world: Simulation) -> None:
        for each in nodes:
            world.resume(each)

    return undo


def _links(
    world: Simulation, inside: tuple[NodeId, ...], outside: tuple[NodeId, ...], direction: str
) -> Undo:
    links: list[tuple[NodeId, NodeId]] = []
    if direction in ("both", "out"):
        links += [(one, other) for one in inside for other in outside]
    if direction in ("both", "in"):
        links += [(other, one) for one in inside for other in outside]
    world.links.cut(links)
    return lambda world: world.links.mend(links)


def _isolate(world: Simulation, nodes: tuple[NodeId, ...], fault: Fault) -> Undo:
    others = tuple(each for each in world.servers if each not in nodes)
    return _links(world, nodes, others, fault.arguments.get("direction", "both"))


def _partition(world: Simulation, nodes: tuple[NodeId, ...], fault: Fault) -> Undo:
    others = [each for each in world.servers if each not in nodes]
    draw = world.faults_random.random
    more = min(fault.arguments.get("with", 0), len(others) - 1)
    joined = tuple(others.pop(int(draw() * len(others))) for _ in range(more))
    direction = fault.arguments.get("direction", "both")
    return _links(world, nodes + joined, tuple(others), direction)


def _cut(world: Simulation, nodes: tuple[NodeId, ...], fault: Fault) -> Undo:
    return _links(world, nodes, (fault.arguments["to"],), "out")


def _conditions(now: Simulation, _: tuple[NodeId, ...], fault: Fault) -> Undo:
    number = now.links.bend(fault.arguments)
    return lambda world: world.links.unbend(number)


def _skew(now: Simulation, nodes: tuple[NodeId, ...], fault: Fault) -> Undo:
    for each in nodes:
        now.contexts[each].skew(fault.arguments.get("offset_us", 0), fault.arguments.get("ppm", 0))

    def undo(world: Simulation) -> None:
        for each in nodes:
            world.contexts[each].skew(0, 0)

    return undo


def _command(world: Simulation, nodes: tuple[NodeId, ...], fault: Fault) -> Undo:
    for each in nodes:
        world.sequence += 1
        value = fault.arguments.get("value", f"order-{world.sequence}")
        request = Request(OPERATOR, world.sequence, "put", OPERATOR, value)
        world.hand(each, OPERATOR, request)
    return None


#: kind → (what it does, how).
KINDS: dict[str, tuple[str, Callable[[Simulation, tuple[NodeId, ...], Fault], Undo]]] = {
    "crash": ("Stops a server; it forgets what was not synced. ``kept`` writes survive.", _crash),
    "pause": ("Freezes a server, as a long garbage collection does.", _pause),
    "isolate": ("Cuts a server off from the others; ``direction`` in, out or both.", _isolate),
    "partition": ("Cuts a server and ``with`` others off from the rest.", _partition),
    "cut": ("Loses all messages of one link, ``to`` a server.", _cut),
    "network": ("Changes loss, delay, duplicates, order: fields of ``Network``.", _conditions),
    "skew": ("Makes a clock wrong by ``offset_us`` and fast by ``ppm``.", _skew),
    "command": ("Hands a server a client's command at once: a put of ``value``.", _command),
}

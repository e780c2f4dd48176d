"""The third driver: every order of events, up to a depth, for a few nodes.

Time stands still; any message in flight may come next, and any timer may run out. Moments that
look the same (what servers are, what is on their disks, what is in flight) are gone through once.
A rule that holds here holds for *all* runs of that depth, not for those a seed happened to give.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.simulation.play import violation
from jupyter_sysdesign.simulation.snapshot import Snapshot
from jupyter_sysdesign.simulation.values import plain
from jupyter_sysdesign.simulation.verdict import (
    LIMITS,
    BudgetSpent,
    NodeFailed,
    RuleBroken,
    Status,
    Violation,
)
from jupyter_sysdesign.simulation.walk import enabled, take

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import Node, NodeId
    from jupyter_sysdesign.simulation.plan import Plan
    from jupyter_sysdesign.simulation.play import Bench
    from jupyter_sysdesign.simulation.world import Simulation


@dataclass(frozen=True)
class Bounds:
    """How far to look.

    Attributes:
        depth: events in one story.
        states: different moments altogether; more make the answer ``unknown``.
        timeouts: how often the timers of one server may run out in one story.
        crashes: how many crashes (with a restart at once) one story may have.
    """

    depth: int = 12
    states: int = 20_000
    timeouts: int = 1
    crashes: int = 0


@dataclass(frozen=True)
class Explored:
    """What was found.

    Attributes:
        status: ``passed`` only if every order within the bounds was gone through.
        violation: what broke, or which bound was reached.
        states: different moments that were seen.
        story: the events that lead to the violation, in words.
    """

    status: Status
    violation: Violation | None
    states: int
    story: tuple[str, ...] = ()


#: What can happen next: an entry of the heap, or the crash of a server.
_Choice = tuple[Any, ...]


def explore(
    plan: Plan,
    server: Callable[[Context], Node],
    bench: Bench,
    bounds: Bounds | None = None,
) -> Explored:
    """Go through all orders of events of ``plan``'s world, breadth first: the story is short."""
    bounds = bounds or Bounds()
    world = bench.build(plan, server)
    world.start()
    seen = {_fingerprint(world, Counter(), 0)}
    level: list[tuple[Snapshot, Counter[NodeId], int, tuple[str, ...]]]
    level = [(Snapshot(world), Counter(), 0, ())]
    for _ in range(bounds.depth):
        following = []
        for moment, timeouts, crashes, story in level:
            moment.restore()
            for choice in list(_choices(world, bounds, timeouts, crashes)):
                moment.restore()
                told = (*story, _words(choice))
                try:
                    rang, crashed = _happen(world, choice)
                except (RuleBroken, NodeFailed, BudgetSpent) as stop:
                    return Explored("failed", violation(stop, world), len(seen), told)
                now = timeouts + Counter(rang)
                print_ = _fingerprint(world, now, crashes + crashed)
                if print_ in seen:
                    continue
                if len(seen) >= bounds.states:
                    bound = Violation(LIMITS, f"there are more than {bounds.states:,} moments")
                    return Explored("unknown", bound, len(seen))
                seen.add(print_)
                following.append((Snapshot(world), now, crashes + crashed, told))
        level = following
    return Explored("passed", None, len(seen))


def _choices(
    world: Simulation, bounds: Bounds, timeouts: Counter[NodeId], crashes: int
) -> Iterator[_Choice]:
    for place in enabled(world):
        event = world.heap[place]
        _, _, dst, src, _, _ = event
        if dst is None:
            continue
        if src is None and isinstance(dst, int) and timeouts[dst] >= bounds.timeouts:
            continue
        yield event
    if crashes < bounds.crashes:
        for name in world.servers:
            yield ("crash", name)


def _happen(world: Simulation, choice: _Choice) -> tuple[list[NodeId], int]:
    """Let it happen; return whose timer ran out, and how many crashed."""
    if choice[0] == "crash":
        world.crash(choice[1], kept=0)
        world.restart(choice[1])
        return [], 1
    place = next(place for place, event in enumerate(world.heap) if event is choice)
    world.dispatch((0, *take(world, place)[1:]))
    world.time = 0
    return ([choice[2]] if choice[3] is None else []), 0


def _fingerprint(world: Simulation, timeouts: Counter[NodeId], crashes: int) -> int:
    """Return a number for all that decides what can happen from here."""
    nodes = []
    for name, ctx in world.contexts.items():
        inside = {
            field: value
            for field, value in vars(ctx.node).items()
            if field != "ctx" and not callable(value) and not _holds_methods(value)
        }
        nodes.append((str(name), repr(plain(inside)), repr(ctx.disk.state()), sorted(ctx.timers)))
    flying = Counter((event[2], event[3], event[4]) for event in world.heap if event[3] is not None)
    messages = sorted(f"{link!r} {count}" for link, count in flying.items())
    left = sorted((str(name), count) for name, count in timeouts.items())
    return hash((repr(nodes), repr(messages), repr(left), crashes))


def _holds_methods(value: Any) -> bool:
    return isinstance(value, dict) and any(callable(each) for each in value.values())


def _words(choice: _Choice) -> str:
    if choice[0] == "crash":
        return f"S{choice[1]} crashes and restarts"
    _, _, dst, src, payload, _ = choice
    to = f"S{dst}" if isinstance(dst, int) else str(dst)
    if src is None:
        return f"the {payload} timer of {to} runs out"
    sender = f"S{src}" if isinstance(src, int) else str(src)
    return f"{payload!r} of {sender} reaches {to}"

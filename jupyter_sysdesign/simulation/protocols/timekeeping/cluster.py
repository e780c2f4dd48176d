"""Processes that send each other messages as the world wants it, and are asked to compare."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from jupyter_sysdesign.simulation.faults import Fault, Heal, arm
from jupyter_sysdesign.simulation.judge.killers import stored
from jupyter_sysdesign.simulation.judge.suite import Scenario, Suite
from jupyter_sysdesign.simulation.network import Network
from jupyter_sysdesign.simulation.node import Node
from jupyter_sysdesign.simulation.plan import Plan
from jupyter_sysdesign.simulation.protocols.timekeeping.frame import Act, Question
from jupyter_sysdesign.simulation.protocols.timekeeping.rules import ClockRules
from jupyter_sysdesign.simulation.units import MS
from jupyter_sysdesign.simulation.world import Simulation

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.world import Recorder

KILLERS = Path(__file__).with_name("killers.json")


class World(Node):
    """Makes things happen: local events, messages, questions."""

    def on_start(self) -> None:
        """Begin."""
        self.ctx.set_timer("act", 5 * MS)

    def on_timer(self, name: str) -> None:
        """Let one thing happen."""
        del name
        ctx = self.ctx
        draw, peers = ctx.random.random, ctx.peers
        who = peers[int(draw() * len(peers))]
        others = [each for each in peers if each != who]
        kind = draw()
        if kind < ctx.options["questions"]:
            one, other = ({each: int(draw() * 3) for each in peers if draw() < 0.8} for _ in "ab")  # noqa: PLR2004
            ctx.send(who, Question(one, other))
        elif kind < 0.4 or not others:  # noqa: PLR2004
            ctx.send(who, Act(None))
        else:
            ctx.send(who, Act(others[int(draw() * len(others))]))
        ctx.set_timer("act", int(draw() * 2 * ctx.options["every_us"]))


class Processes:
    """The bench clocks are tried out on.

    ``plan.options``: ``clocks`` that count (``lamport``, ``vector``), the share of ``questions``,
    and ``every_us`` something happens.
    """

    def build(
        self, plan: Plan, server: Callable[[Context], Node], *, recorder: Recorder | None = None
    ) -> Simulation:
        """Return the world of ``plan``, not yet started."""
        world = Simulation(plan.seed, network=plan.network, max_events=plan.max_events)
        world.links.lost = frozenset(plan.lost)
        world.recorder = recorder
        everyone = tuple(range(1, plan.servers + 1))
        for name in everyone:
            peers = tuple(each for each in everyone if each != name)
            world.add(name, server, peers=peers, options=plan.options)
        world.add("world", World, peers=everyone, options=plan.options)
        world.rules = ClockRules(world)
        arm(world, plan.triggers)
        for fault in plan.faults:
            world.at(fault.at_us, fault)
        if plan.calm_us is not None:
            world.at(plan.calm_us, Heal())
        return world

    def finish(self, plan: Plan, world: Simulation) -> str:
        """Ask for nothing more: the rules have looked at every stamp."""
        del plan, world
        return ""

    def overspent(self, plan: Plan, world: Simulation) -> None:
        """Blame nobody."""
        del plan, world

    def figures(self, world: Simulation) -> dict[str, int]:
        """Return how many events were stamped."""
        stamped = getattr(world.rules, "committed", 0)
        return {"operations": stamped, "answered": stamped}


def processes(seed: int, servers: int, clocks: tuple[str, ...], *, questions: float = 0.0) -> Plan:
    """Return a run in which something happens every few milliseconds, for 0.4 seconds.

    The clocks on the wall are wrong by up to a fifth of a second: nobody can lean on them.
    """
    random = Random(f"{seed}/wall clocks")
    wrong = tuple(
        Fault("skew", 0, server, None, {"offset_us": int((random.random() - 0.5) * 400 * MS)})
        for server in range(1, servers + 1)
    )
    return Plan(
        seed,
        servers=servers,
        duration_us=400 * MS,
        network=Network(high_us=(5 + seed % 5 * 10) * MS, duplicate=0.1 if seed % 3 == 0 else 0.0),
        faults=wrong,
        options={"clocks": list(clocks), "questions": questions, "every_us": 5 * MS},
    )


def _lamport(seed: int) -> Plan:
    return processes(seed, 2 + seed % 4, ("lamport",))


def _vector(seed: int) -> Plan:
    return processes(seed, 2 + seed % 4, ("vector",))


def _compare(seed: int) -> Plan:
    return processes(seed, 3 + seed % 3, ("lamport", "vector"), questions=0.3)


SCENARIOS: tuple[Scenario, ...] = (
    Scenario("lamport", "Times grow along every message.", 35, _lamport),
    Scenario("vector", "Vectors tell exactly what happened before.", 40, _vector),
    Scenario("compare", "Before, after, equal, concurrent.", 25, _compare),
)

CLOCKS = Suite("clocks", Processes(), SCENARIOS, stored(KILLERS))

"""How fast the simulator is: Raft with and without rules and faults, and messages beside SimPy's.

SimPy knows no networks; its part is what one writes to send messages in it: a process per node
that gets from a store, and a process per message that waits for its delay and puts it there. Ours
sends the same messages, in the same run, and nothing else happens.
"""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.simulation.apart.servers import Apart
from jupyter_sysdesign.simulation.judge import Report, judge
from jupyter_sysdesign.simulation.network import Network
from jupyter_sysdesign.simulation.node import Node
from jupyter_sysdesign.simulation.plan import Plan
from jupyter_sysdesign.simulation.protocols.raft import server as reference
from jupyter_sysdesign.simulation.protocols.raft.cluster import Cluster
from jupyter_sysdesign.simulation.protocols.raft.server import Raft
from jupyter_sysdesign.simulation.protocols.raft.suite import RAFT
from jupyter_sysdesign.simulation.swarm import mix
from jupyter_sysdesign.simulation.trace import Trace
from jupyter_sysdesign.simulation.units import S
from jupyter_sysdesign.simulation.world import Simulation

if TYPE_CHECKING:
    from collections.abc import Generator

    from jupyter_sysdesign.simulation.node import NodeId

ROUNDS = 5
SEEDS = 40
MESSAGES = 100_000
NODES = 5


def measure(*, rounds: int = ROUNDS, seeds: int = SEEDS) -> dict[str, Any]:
    """Return rates per second of CPU time of one process, medians over ``rounds``.

    ``seeds_per_s`` are ten simulated seconds of 5-node Raft with three clients and rules on;
    ``judge_seeds_per_s`` are whole runs of the judge's scenarios, by the wall clock, on all cores;
    ``together_`` and ``apart_seeds_per_s`` are those of one of them, with all servers in one
    process and with each in its own.
    """
    with_rules = [_raft(seeds, rules=True) for _ in range(rounds)]
    without = [_raft(seeds, rules=False) for _ in range(rounds)]
    faults = [_raft(seeds, rules=True, faults=True) for _ in range(rounds)]
    traced = [_raft(max(seeds // 4, 1), rules=True, traced=True) for _ in range(rounds)]
    ours, peers = [], []
    for _ in range(rounds):
        ours.append(_messages())
        peers.append(_simpy_messages())
    installed = [each for each in peers if each is not None]
    rate, peer = statistics.median(ours), statistics.median(installed) if installed else None
    return {
        **_rates("", with_rules),
        **_rates("without_rules_", without),
        **_rates("with_faults_", faults),
        **_rates("traced_", traced),
        "messages_per_s": round(rate),
        "simpy_messages_per_s": None if peer is None else round(peer),
        "times_simpy": None if peer is None else round(rate / peer, 2),
        **_judged(seeds),
        "cores": len(os.sched_getaffinity(0)),
        "simulation_rounds": rounds,
    }


def _rates(prefix: str, taken: list[tuple[float, float]]) -> dict[str, float]:
    events = statistics.median(each[0] for each in taken)
    seeds = statistics.median(each[1] for each in taken)
    return {
        f"{prefix}events_per_s": round(events),
        f"{prefix}seeds_per_s": round(seeds, 1),
        f"{prefix}simulated_s_per_s": round(seeds * 10),
    }


def _raft(
    seeds: int, *, rules: bool, faults: bool = False, traced: bool = False
) -> tuple[float, float]:
    """Return events and seeds per second."""
    cluster, events = Cluster(), 0
    begin = time.process_time()
    for seed in range(seeds):
        plan = Plan(seed, duration_us=10 * S)
        if faults:
            plan = replace(plan, calm_us=8 * S, faults=mix(seed, until_us=7 * S))
        trace = Trace() if traced else None
        world = cluster.build(plan, Raft, recorder=trace, rules=rules)
        if trace is not None:
            trace.watch(world)
        world.start()
        world.run(plan.duration_us)
        events += world.events
    took = time.process_time() - begin
    return events / took, seeds / took


def _judged(seeds: int) -> dict[str, float]:
    """Return runs of the judge per second: with all servers in one process, and with each apart."""
    file = Path(reference.__file__)
    given = [f"raft.{name}" for name in ("consensus", "log", "machine", "messages")]
    apart, only = Apart(file, given), ["agreement"]
    rates = {
        "judge": _runs_per_s(judge(Raft, RAFT, seeds=max(seeds // 2, 1))),
        "together": _runs_per_s(judge(Raft, RAFT, seeds=seeds, only=only)),
        "apart": _runs_per_s(judge(apart, RAFT, seeds=seeds, only=only)),
    }
    times = round(rates["together"] / rates["apart"], 1)
    return {
        **{f"{name}_seeds_per_s": round(rate, 1) for name, rate in rates.items()},
        "times_apart": times,
    }


def _runs_per_s(report: Report) -> float:
    if report.status != "passed":  # a wrong verdict has no speed
        raise AssertionError(str(report))
    return report.runs / report.seconds


class _Passes(Node):
    """Passes every message on to somebody."""

    def on_start(self) -> None:
        self.ctx.send(self.ctx.peers[0], 1)

    def on_message(self, src: NodeId, message: int) -> None:  # noqa: ARG002
        peers = self.ctx.peers
        self.ctx.send(peers[int(self.ctx.random.random() * len(peers))], message + 1)


def _messages() -> float:
    """Return messages delivered per second, five of them on their way at a time."""
    world = Simulation(1, network=Network(1000, 10_000))
    names = tuple(range(1, NODES + 1))
    for name in names:
        world.add(name, _Passes, peers=[each for each in names if each != name])
    begin = time.process_time()
    world.start()
    while world.events < MESSAGES:
        world.run(world.time + S)
    return world.events / (time.process_time() - begin)


def _simpy_messages() -> float | None:
    """Return the same for SimPy; None if it is not installed."""
    try:
        import simpy
    except ImportError:
        return None
    environment = simpy.Environment()
    stores = [simpy.Store(environment) for _ in range(NODES)]
    random = Random(1)  # noqa: S311 (no secret)
    delivered = 0

    def deliver(dst: int, message: int) -> Generator[Any, Any, None]:
        yield environment.timeout(1000 + int(random.random() * 9000))
        yield stores[dst].put(message)

    def node(name: int) -> Generator[Any, Any, None]:
        nonlocal delivered
        others = [each for each in range(NODES) if each != name]
        environment.process(deliver(others[0], 1))
        while True:
            message = yield stores[name].get()
            delivered += 1
            other = others[int(random.random() * len(others))]
            environment.process(deliver(other, message + 1))

    begin = time.process_time()
    for name in range(NODES):
        environment.process(node(name))
    while delivered < MESSAGES:
        environment.run(until=environment.now + S)
    return delivered / (time.process_time() - begin)

"""How fast each protocol is in the simulator: whole runs of the scenarios it is judged by.

A run counts with everything that belongs to it: the world is built, faults happen, every event is
held against the rules, and at the end the clients' history is checked. Nothing else plays such
scenarios, so there is no peer; Raft stands in the same run as all others.
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

from jupyter_sysdesign.simulation.play import play
from jupyter_sysdesign.simulation.protocols.chain.cluster import CHAIN
from jupyter_sysdesign.simulation.protocols.chain.miner import Miner
from jupyter_sysdesign.simulation.protocols.commit.suite import THREE_PHASE, TWO_PHASE
from jupyter_sysdesign.simulation.protocols.commit.three_phase import ThreePhase
from jupyter_sysdesign.simulation.protocols.commit.two_phase import TwoPhase
from jupyter_sysdesign.simulation.protocols.crdt.or_set import ORSet
from jupyter_sysdesign.simulation.protocols.crdt.rga import RGA
from jupyter_sysdesign.simulation.protocols.gossip.suite import SWIM
from jupyter_sysdesign.simulation.protocols.gossip.swim import Swim
from jupyter_sysdesign.simulation.protocols.paxos.multi import MultiPaxos
from jupyter_sysdesign.simulation.protocols.paxos.suite import PAXOS, SYNOD
from jupyter_sysdesign.simulation.protocols.paxos.synod import Synod
from jupyter_sysdesign.simulation.protocols.pbft.replica import Pbft
from jupyter_sysdesign.simulation.protocols.pbft.suite import PBFT
from jupyter_sysdesign.simulation.protocols.primary_backup.server import Server as Primary
from jupyter_sysdesign.simulation.protocols.primary_backup.suite import PRIMARY_BACKUP
from jupyter_sysdesign.simulation.protocols.quorum.replica import Replica
from jupyter_sysdesign.simulation.protocols.quorum.suite import QUORUM
from jupyter_sysdesign.simulation.protocols.raft.server import Raft
from jupyter_sysdesign.simulation.protocols.raft.suite import RAFT
from jupyter_sysdesign.simulation.protocols.timekeeping.cluster import CLOCKS
from jupyter_sysdesign.simulation.protocols.timekeeping.keeper import Keeper
from jupyter_sysdesign.simulation.units import S

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.judge.suite import Suite
    from jupyter_sysdesign.simulation.node import Node

ROUNDS = 3
SEEDS = 4
EDITS = 300

PROTOCOLS: tuple[tuple[Suite, Callable[[Context], Node]], ...] = (
    (RAFT, Raft),
    (PAXOS, MultiPaxos),
    (SYNOD, Synod),
    (TWO_PHASE, TwoPhase),
    (THREE_PHASE, ThreePhase),
    (PRIMARY_BACKUP, Primary),
    (QUORUM, Replica),
    (PBFT, Pbft),
    (SWIM, Swim),
    (CLOCKS, Keeper),
    (CHAIN, Miner),
)


def measure(*, rounds: int = ROUNDS, seeds: int = SEEDS) -> dict[str, dict[str, float]]:
    """Return, by protocol, rates per second of CPU time of one process, medians over ``rounds``.

    ``runs_per_s`` are runs of the judge's scenarios, ``seeds`` of each; ``simulated_s_per_s`` how
    much of the protocol's own time passes in them. Of ``crdt`` there are no runs: two replicas make
    ``EDITS`` edits each, are merged, and read.
    """
    taken: dict[str, list[dict[str, float]]] = {}
    for _ in range(rounds):
        for suite, server in PROTOCOLS:
            taken.setdefault(suite.name, []).append(_played(suite, server, seeds))
        taken.setdefault("crdt", []).append({"or_set_ms": _or_set(), "rga_ms": _rga()})
    return {
        name: {each: round(statistics.median(one[each] for one in found), 1) for each in found[0]}
        for name, found in taken.items()
    }


def _played(suite: Suite, server: Callable[[Context], Node], seeds: int) -> dict[str, float]:
    plans = [
        scenario.plan(seed) for scenario in suite.scenarios for seed in suite.seeds(scenario, seeds)
    ]
    begin, events = time.process_time(), 0
    for plan in plans:
        outcome = play(plan, server, suite.bench)
        if outcome.status != "passed":  # a run that stops in the middle has no speed
            raise AssertionError(f"{suite.name}: {outcome}")
        events += outcome.events
    took = time.process_time() - begin
    return {
        "events_per_s": events / took,
        "runs_per_s": len(plans) / took,
        "simulated_s_per_s": sum(plan.duration_us for plan in plans) / S / took,
    }


def _or_set() -> float:
    """Return ms of CPU time until two replicas of a set agree."""
    begin = time.process_time()
    one, other = ORSet[int](), ORSet[int]()
    for number in range(EDITS):
        one, other = one.add("one", number), other.add("other", number + EDITS // 2)
    if len(one.merge(other).value) != EDITS + EDITS // 2:
        raise AssertionError("the sets do not hold what was added")
    return (time.process_time() - begin) * 1000


def _rga() -> float:
    """Return ms of CPU time until two replicas of a list agree."""
    begin = time.process_time()
    one, other = RGA[int](), RGA[int]()
    for number in range(EDITS):
        one, other = one.insert("one", number, number), other.insert("other", 0, number)
    if one.merge(other).value != other.merge(one).value:
        raise AssertionError("the lists differ")
    return (time.process_time() - begin) * 1000

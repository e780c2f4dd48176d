"""What a policy comes to, in numbers: refused, old, slow; while the network is cut or not."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from jupyter_sysdesign.simulation.checkers import linearizability
from jupyter_sysdesign.simulation.checkers.judgement import Budget
from jupyter_sysdesign.simulation.checkers.specifications import Register
from jupyter_sysdesign.simulation.clients import Workload
from jupyter_sysdesign.simulation.faults import Fault
from jupyter_sysdesign.simulation.plan import Plan
from jupyter_sysdesign.simulation.protocols.quorum.cluster import QuorumCluster, history, made
from jupyter_sysdesign.simulation.protocols.quorum.messages import NOTHING
from jupyter_sysdesign.simulation.protocols.quorum.replica import Replica
from jupyter_sysdesign.simulation.protocols.quorum.rules import StoreRules
from jupyter_sysdesign.simulation.units import MS, S

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jupyter_sysdesign.simulation.protocols.quorum.caller import Made
    from jupyter_sysdesign.simulation.protocols.quorum.policy import Policy
    from jupyter_sysdesign.simulation.world import Simulation

#: When S1 is cut off from the others, and when that ends.
CUT_US = (1 * S, 2500 * MS)
_END_US = 3500 * MS
#: The client whose own server is S1.
ALONE = "c1"


@dataclass(frozen=True)
class Side:
    """The calls of some clients.

    Attributes:
        calls: how many.
        refused: share that was not answered.
        stale: share of the answered reads that missed a write answered before they began.
    """

    calls: int
    refused: float
    stale: float


@dataclass(frozen=True)
class Trial:
    """What came of some runs with one policy.

    Attributes:
        alone: calls at S1 while it is cut off from the other four servers.
        rest: calls at the other servers in that time.
        read_ms, write_ms: medians over all answered calls.
        linearizable: in how many of the runs all answers were those of one register.
        runs: of how many.
    """

    alone: Side
    rest: Side
    read_ms: float
    write_ms: float
    linearizable: int
    runs: int


def cut_plan(policy: Policy, seed: int, *, cut: bool = True, clients: int = 5) -> Plan:
    """Return the run a trial is made of: five servers with a client each, and S1 cut off."""
    start, end = CUT_US
    return Plan(
        seed,
        servers=5,
        duration_us=_END_US,
        workload=Workload(clients, 1, 0.6, 0.0, 60 * MS, start_us=100 * MS),
        options={"policy": policy.as_json(), "keys": ["x"]},
        faults=(Fault("isolate", start, 1, end - start),) if cut else (),
    )


def trial(policy: Policy, *, seeds: int = 20, cut: bool = True) -> Trial:
    """Play some runs with a policy, and count."""
    alone: list[tuple[Made, bool]] = []
    rest: list[tuple[Made, bool]] = []
    every: list[Made] = []
    linearizable = 0
    for seed in range(seeds):
        world = QuorumCluster().build(cut_plan(policy, seed, cut=cut), Replica)
        world.start()
        world.run(_END_US)
        calls = made(world)
        every += calls
        old = stale(world, calls)
        start, end = CUT_US
        for call in calls:
            if start <= call.invoked_us <= end:
                (alone if call.client == ALONE else rest).append((call, call in old))
        judged = linearizability.check(history(world), Register(), Budget(100_000, None))
        linearizable += judged.passed
    return Trial(
        _side(alone), _side(rest), _median(every, "read"), _median(every, "write"),
        linearizable, seeds,
    )  # fmt: skip


def stale(world: Simulation, calls: Iterable[Made]) -> set[Made]:
    """Return the reads that missed a write which was answered before they began."""
    rules = world.rules
    if not isinstance(rules, StoreRules):
        raise TypeError("this is no simulation of a quorum store")
    calls = list(calls)
    writes = [each for each in calls if each.kind == "write" and each.ok]
    found = set()
    for read in calls:
        if read.kind == "read" and read.ok:
            mine = rules.versions.get((read.key, read.result), NOTHING)
            if any(
                write.key == read.key
                and write.returned_us < read.invoked_us
                and rules.versions.get((write.key, write.value), NOTHING) > mine
                for write in writes
            ):
                found.add(read)
    return found


def table(policies: Mapping[str, Policy], *, seeds: int = 20, cut: bool = True) -> str:
    """Return a table of trials, one line for each policy, to be printed."""
    widest = max(map(len, policies), default=0)
    alone, rest = "S1, alone", "the other four"
    head = f"{'':{widest}}  {alone:<22}  {rest:<22}  {'median':<15}  {'as one register'}"
    parts = f"{'refused':>9}{'old reads':>13}"
    lines = [head, f"{'':{widest}}  {parts}  {parts}  {'read':>6}{'write':>9}"]
    for name, policy in policies.items():
        one = trial(policy, seeds=seeds, cut=cut)
        sides = "  ".join(
            f"{side.refused:>9.0%}{side.stale:>13.0%}" for side in (one.alone, one.rest)
        )
        times = f"{one.read_ms:>3.0f} ms{one.write_ms:>6.0f} ms"
        lines.append(f"{name:{widest}}  {sides}  {times}  {one.linearizable} of {one.runs} runs")
    return "\n".join(lines)


def _side(calls: list[tuple[Made, bool]]) -> Side:
    reads = [old for call, old in calls if call.kind == "read" and call.ok]
    refused = sum(not call.ok for call, _ in calls)
    return Side(len(calls), refused / max(len(calls), 1), sum(reads) / max(len(reads), 1))


def _median(calls: list[Made], kind: str) -> float:
    took = [each.returned_us - each.invoked_us for each in calls if each.kind == kind and each.ok]
    return median(took) / MS if took else 0.0

"""What a PBFT replica is judged by: what f liars do in each place they can stand in."""

from __future__ import annotations

from pathlib import Path
from random import Random

from jupyter_sysdesign.simulation.clients import Workload
from jupyter_sysdesign.simulation.faults import Fault
from jupyter_sysdesign.simulation.judge.killers import stored
from jupyter_sysdesign.simulation.judge.suite import Scenario, Suite
from jupyter_sysdesign.simulation.plan import Plan
from jupyter_sysdesign.simulation.protocols.pbft.cluster import Cluster
from jupyter_sysdesign.simulation.units import MS, S

KILLERS = Path(__file__).with_name("killers.json")

_BUSY = Workload(clients=3, think_us=80 * MS, retry_us=300 * MS, operations=6, start_us=50 * MS)


def _normal_case(seed: int) -> Plan:
    return Plan(
        seed,
        servers=4,
        duration_us=2 * S,
        calm_us=0,
        workload=_BUSY,
        messages_per_operation=80,
    )


def _silent_primary(seed: int) -> Plan:
    return Plan(
        seed,
        servers=4 if seed % 3 else 7,
        duration_us=4 * S,
        calm_us=0,
        workload=_BUSY,
        options={"liars": {"1": "silent"} if seed % 3 else {"1": "silent", "2": "silent"}},
    )


def _slow(seed: int) -> Fault:
    return Fault("network", 0, "all", None, {"high_us": (10 + seed % 4 * 40) * MS})


def _equivocation(seed: int) -> Plan:
    if seed % 3 == 2:  # noqa: PLR2004
        return _hoarding(seed)
    random = Random(f"{seed}/equivocation")
    pauses = tuple(
        Fault("pause", int((0.1 + random.random() * 1.5) * S), "any", 200 * MS) for _ in range(3)
    )
    return Plan(
        seed,
        servers=4,
        duration_us=6 * S,
        calm_us=2 * S,
        workload=_BUSY,
        faults=(_slow(seed), *pauses),
        options={"liars": {str(1 + seed % 2): "equivocator"}},
    )


def _hoarding(seed: int) -> Plan:
    """Views change while some are behind: there old proofs meet newer ones."""
    random = Random(f"{seed}/hoarding")
    faults = [Fault("network", 0, "all", 3 * S, {"high_us": (60 + seed % 4 * 60) * MS})]
    at_us = 250 * MS
    while at_us < 2200 * MS:
        lasts_us = int((0.2 + random.random() * 0.5) * S)
        faults.append(Fault("pause", at_us, 2 + int(random.random() * 3), lasts_us))
        at_us += int((0.1 + random.random() * 0.25) * S)
    return Plan(
        seed,
        servers=4,
        duration_us=9 * S,
        calm_us=3 * S,
        workload=_BUSY,
        faults=tuple(faults),
        options={"liars": {"1": "hoarder"}},
    )


def _forgery(seed: int) -> Plan:
    # Of the impostors, the first primary has the most to tell, and the second most to take over.
    liar = {str(1 + seed // 2 % 2): "impostor"} if seed % 2 else {str(1 + seed // 2 % 4): "forger"}
    return Plan(
        seed,
        servers=4,
        duration_us=6 * S,
        calm_us=2 * S,
        workload=_BUSY,
        faults=(_slow(seed // 8),),
        options={"liars": liar},
    )


def _conspiracy(seed: int) -> Plan:
    liars = {"1": "equivocator", str(2 + seed % 6): ("forger", "equivocator", "silent")[seed % 3]}
    return Plan(
        seed,
        servers=7,
        duration_us=7 * S,
        calm_us=2 * S,
        workload=_BUSY,
        faults=(_slow(seed),),
        options={"liars": liars},
        max_events=100_000,
    )


SCENARIOS: tuple[Scenario, ...] = (
    Scenario("normal case", "Nobody lies: three phases, no flood.", 15, _normal_case),
    Scenario("silent primary", "The next one takes over.", 20, _silent_primary),
    Scenario("equivocation", "A primary gives a number to two requests.", 25, _equivocation),
    Scenario("forgery", "Proofs and views that are made up.", 20, _forgery),
    Scenario("conspiracy", "Two liars among seven.", 20, _conspiracy),
)

PBFT = Suite("pbft", Cluster(), SCENARIOS, stored(KILLERS))

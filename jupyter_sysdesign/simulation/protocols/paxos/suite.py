"""What Paxos servers are judged by. Names and aims of the scenarios follow the tests of DSLabs.

One suite for a single value, one for the store. The first part of a run is troubled; then all is
well and there must be progress.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

from jupyter_sysdesign.simulation.clients import Workload
from jupyter_sysdesign.simulation.faults import Fault, Trigger
from jupyter_sysdesign.simulation.judge.killers import stored
from jupyter_sysdesign.simulation.judge.suite import Scenario, Suite
from jupyter_sysdesign.simulation.plan import Plan
from jupyter_sysdesign.simulation.protocols.paxos.cluster import Cluster, Council
from jupyter_sysdesign.simulation.swarm import mix
from jupyter_sysdesign.simulation.units import MS, S

KILLERS = Path(__file__).with_name("killers.json")
SYNOD_KILLERS = Path(__file__).with_name("synod-killers.json")

# One value ---------------------------------------------------------------------------------

_SOON = 1500 * MS
#: Everybody proposes at about the same time, and asks again soon.
_TOGETHER = Workload(
    clients=3, reads=0, appends=0, think_us=15 * MS, retry_us=150 * MS, operations=2, start_us=0
)


def _single_proposer(seed: int) -> Plan:
    return Plan(
        seed,
        servers=3 if seed % 2 else 5,
        duration_us=1500 * MS,
        calm_us=0,
        workload=Workload(clients=1, reads=0, appends=0, operations=3, start_us=0),
        messages_per_operation=40,
    )


def _duelling(seed: int) -> Plan:
    return Plan(
        seed,
        servers=3 if seed % 2 else 5,
        duration_us=3 * S,
        calm_us=_SOON,
        workload=_TOGETHER,
        faults=(
            # Phases of different proposers interleave where messages take their time.
            Fault("network", 0, "all", None, {"high_us": (20 + seed % 5 * 20) * MS}),
            Fault("command", 10 * MS, 2, None, {"value": "blue"}),
            Fault("command", (10 + seed % 30) * MS, 3, None, {"value": "red"}),
        ),
    )


def _lost_and_late(seed: int) -> Plan:
    random = Random(f"{seed}/synod unreliable")
    trouble = {
        "high_us": int((10 + random.random() * 60) * MS),
        "loss": round(random.random() * 0.3, 3),
        "duplicate": round(random.random() * 0.2, 3),
        "reorder": round(random.random() * 0.6, 3),
        "reorder_us": int((50 + random.random() * 300) * MS),
    }
    return Plan(
        seed,
        servers=3 if seed % 2 else 5,
        duration_us=3 * S,
        calm_us=_SOON,
        workload=_TOGETHER,
        faults=(
            Fault("network", 0, "all", None, trouble),
            Fault("command", 10 * MS, 2, None, {"value": "blue"}),
            Fault("command", 12 * MS, 3, None, {"value": "red"}),
        ),
    )


def _synod_restarts(seed: int) -> Plan:
    return _between(seed) if seed % 2 else _forgetful(seed)


def _between(seed: int) -> Plan:
    """Two that do not hear each other, and one between them that dies before a sync."""
    random = Random(f"{seed}/synod between")
    strike = Fault("crash", 0, "it", int((1 + random.random() * 3) * MS))
    skip = 3 + int(random.random() * 6)
    return Plan(
        seed,
        servers=3,
        duration_us=3 * S,
        calm_us=_SOON,
        workload=replace(_TOGETHER, start_us=300 * MS),
        faults=(
            Fault("network", 0, "all", None, {"high_us": 40 * MS}),
            Fault("cut", 0, 1, 300 * MS, {"to": 3}),
            Fault("cut", 0, 3, 300 * MS, {"to": 1}),
            Fault("command", 10 * MS, 1, None, {"value": "blue"}),
            Fault("command", int((10 + random.random() * 40) * MS), 3, None, {"value": "red"}),
        ),
        triggers=(Trigger("syncing", (strike,), skip=skip, until_us=_SOON),),
        in_flight_dies=False,
    )


def _forgetful(seed: int) -> Plan:
    random = Random(f"{seed}/synod restarts")
    down = int((1 + random.random() * 40) * MS)
    strike = Fault("crash", 0, "it", down)
    on = ("wrote", "promised", "accepted", "synced")[seed // 2 % 4]
    skip, every = int(random.random() * 4), 1 + int(random.random() * 4)
    servers = 3 if seed % 3 else 5
    faults = [Fault("network", 0, "all", None, {"high_us": 60 * MS, "loss": 0.1})]
    faults += [
        Fault("crash", at_us + int(random.random() * 100 * MS), "any", down)
        for at_us in range(50 * MS, 1200 * MS, 150 * MS)
    ]
    return Plan(
        seed,
        servers=servers,
        duration_us=3 * S,
        calm_us=_SOON,
        workload=_TOGETHER,
        faults=tuple(faults),
        triggers=(Trigger(on, (strike,), skip=skip, every=every, times=12, until_us=_SOON),),
        in_flight_dies=seed // 8 % 2 == 0,
    )


def _synod_partitions(seed: int) -> Plan:
    kinds = ("partition", "isolate", "pause")
    faults = mix(seed, until_us=1300 * MS, kinds=kinds, start_us=0, gap_us=100 * MS)
    slow = Fault("network", 0, "all", None, {"high_us": 40 * MS})
    return Plan(seed, duration_us=3 * S, calm_us=_SOON, workload=_TOGETHER, faults=(slow, *faults))


SYNOD_SCENARIOS: tuple[Scenario, ...] = (
    Scenario("one proposer", "One client proposes, and is told.", 10, _single_proposer),
    Scenario("duelling", "Proposers interrupt each other, and one gets through.", 20, _duelling),
    Scenario("unreliable", "Messages are lost, late, doubled.", 20, _lost_and_late),
    Scenario("restarts", "A crash makes nobody forget a promise.", 25, _synod_restarts),
    Scenario("partitions", "Minorities choose nothing.", 25, _synod_partitions),
)

# The store ---------------------------------------------------------------------------------

_CALM = 3 * S
_END = 5500 * MS


def _agreement(seed: int) -> Plan:
    return Plan(
        seed,
        servers=3 if seed % 2 else 5,
        duration_us=4 * S,
        calm_us=1 * S,
        workload=Workload(clients=4, think_us=100 * MS),
        messages_per_operation=40,
    )


def _repartition(seed: int) -> Plan:
    kinds = ("partition", "isolate", "pause")
    return Plan(
        seed,
        servers=3 if seed % 3 == 0 else 5,
        duration_us=_END,
        calm_us=_CALM,
        workload=Workload(think_us=40 * MS),
        faults=mix(seed, until_us=_CALM - 200 * MS, kinds=kinds, gap_us=250 * MS),
    )


def _unreliable(seed: int) -> Plan:
    return (_lossy, _overtaken, _slow_promises, _doubled)[seed % 4](seed)


def _overtaken(seed: int) -> Plan:
    """Leaders that are cut off as they begin, and what they said arrives after the next one."""
    random = Random(f"{seed}/paxos overtaken")
    late = {
        "high_us": int((30 + random.random() * 40) * MS),
        "reorder": 0.35,
        "reorder_us": int((400 + random.random() * 300) * MS),
    }
    then = (
        Fault("command", 0, "it"),
        Fault("isolate", int((2 + random.random() * 40) * MS), "it", 220 * MS),
    )
    return Plan(
        seed,
        servers=5,
        duration_us=_END,
        calm_us=_CALM + 1 * S,
        workload=Workload(think_us=100 * MS),
        faults=(Fault("network", 0, "all", None, late),),
        triggers=(Trigger("leads", then, times=60, until_us=_CALM + 1 * S),),
    )


def _slow_promises(seed: int) -> Plan:
    """Promises that come when their ballot is over, and leaders that are cut off."""
    random = Random(f"{seed}/paxos slow promises")
    calm = 6 * S
    # A ballot is on its way, and all that is said just after it takes long.
    late = Fault("network", 0, "all", 10 * MS, {"reorder": 0.9, "reorder_us": 2 * S})
    then = (
        Fault("command", 0, "it"),
        Fault("isolate", int((20 + random.random() * 60) * MS), "it", 300 * MS),
    )
    return Plan(
        seed,
        servers=3,
        duration_us=calm + 1500 * MS,
        calm_us=calm,
        workload=Workload(think_us=100 * MS),
        triggers=(
            Trigger("promised", (late,), role="proposer", times=300, until_us=calm),
            Trigger("leads", then, times=300, until_us=calm),
        ),
    )


def _doubled(seed: int) -> Plan:
    """Two that are cut off, and half of their messages come twice: do they count themselves?"""
    random = Random(f"{seed}/paxos doubled")
    faults: list[Fault] = []
    at_us = 500 * MS
    while at_us < _CALM - 300 * MS:
        lasts = int((0.35 + random.random() * 0.2) * S)
        faults += [
            Fault("partition", at_us, "follower", lasts, {"with": 1}),
            Fault("network", at_us, "all", lasts, {"duplicate": 0.5}),
        ]
        at_us += int((0.6 + random.random() * 0.5) * S)
    # Whoever leads wrongly says something wrong at once.
    command = Trigger("leads", (Fault("command", 0, "it"),), times=60, until_us=_CALM)
    return Plan(
        seed,
        servers=5,
        duration_us=4500 * MS,
        calm_us=_CALM,
        workload=Workload(think_us=80 * MS),
        faults=tuple(faults),
        triggers=(command,),
    )


def _lossy(seed: int) -> Plan:
    random = Random(f"{seed}/paxos unreliable")
    trouble = {
        "high_us": int((10 + random.random() * 30) * MS),
        "loss": round(random.random() * 0.2, 3),
        "duplicate": round(random.random() * 0.2, 3),
        "reorder": round(random.random() * 0.4, 3),
        "reorder_us": int((50 + random.random() * 400) * MS),
    }
    return Plan(
        seed,
        servers=3 if seed // 4 % 2 else 5,
        duration_us=_END,
        calm_us=_CALM,
        workload=Workload(think_us=40 * MS),
        faults=(Fault("network", 0, "all", None, trouble),),
    )


def _restarts(seed: int) -> Plan:
    random = Random(f"{seed}/paxos restarts")
    servers = 3 if seed // 6 % 2 else 5
    faults: list[Fault] = []
    at_us = 400 * MS
    while at_us < _CALM - 400 * MS:
        down = int((0.02 + random.random() * 0.2) * S)
        whom = range(1, servers + 1) if random.random() < 0.4 else ("leader", "any")  # noqa: PLR2004
        faults += [Fault("crash", at_us, each, down) for each in whom]
        at_us += int((0.1 + random.random() * 0.5) * S)
    strike = Fault("crash", 0, "it", int((5 + random.random() * 60) * MS))
    every = 5 + int(random.random() * 20)
    # A power cut before a sync shows who answers too early, if the answer is on its way by then.
    on = ("wrote", "syncing", "promised", "syncing", "synced", "wrote")[seed % 6]
    return Plan(
        seed,
        servers=servers,
        duration_us=_END,
        calm_us=_CALM,
        workload=Workload(think_us=40 * MS),
        faults=tuple(faults),
        triggers=(Trigger(on, (strike,), skip=6, every=every, times=15, until_us=_CALM),),
        in_flight_dies=seed % 2 == 0,
    )


def _new_leaders(seed: int) -> Plan:
    random = Random(f"{seed}/paxos leaders")
    alone = 20 * MS + int(random.random() * 200 * MS)
    back = int(random.random() * 300 * MS)
    if seed % 3:
        # Proposals that only their leader has, or one more; it comes back after the next leader.
        then = (
            Fault("partition", 0, "it", alone + 200 * MS, {"with": seed % 2}),
            Fault("command", 1 * MS, "it"),
            Fault("command", 2 * MS, "it"),
            Fault("crash", alone, "it", back),
        )
    else:
        # A slot that all others hear of, and one before it that nobody does.
        then = (
            Fault("isolate", 0, "it", 1500),
            Fault("command", 1 * MS, "it"),
            Fault("command", 2 * MS, "it"),
            Fault("crash", 13 * MS, "it", 400 * MS + back),
        )
    stranded = Trigger(
        "accepted",
        then,
        role="leader",
        skip=seed % 5,
        every=2 + seed % 4,
        times=20,
        until_us=_CALM,
    )
    return Plan(
        seed,
        servers=3 if seed % 4 == 0 else 5,
        duration_us=_END,
        calm_us=_CALM,
        workload=Workload(think_us=60 * MS),
        triggers=(stranded,),
        in_flight_dies=seed % 2 != 0,
    )


def _reads(seed: int) -> Plan:
    return _scattered(seed) if seed % 2 else _old_leaders(seed)


def _scattered(seed: int) -> Plan:
    """Few writes, and clients everywhere: some read where nothing is open, and others write."""
    random = Random(f"{seed}/paxos scattered")
    calm = 6 * S
    faults = [Fault("network", 0, "all", None, {"loss": 0.2})]
    at_us = 600 * MS
    while at_us < calm - 300 * MS:
        alone = int((0.5 + random.random() * 0.4) * S)
        faults.append(Fault("isolate", at_us, "leader", alone))
        at_us += int((1 + random.random() * 0.4) * S)
    return Plan(
        seed,
        duration_us=calm + 1500 * MS,
        calm_us=calm,
        workload=Workload(clients=6, keys=1, reads=0.9, appends=0.0, think_us=150 * MS),
        faults=tuple(faults),
    )


def _old_leaders(seed: int) -> Plan:
    # Old leaders are what matters; a few seeds lose messages, too.
    kinds = ("isolate", "pause", "partition", *(() if seed % 3 else ("loss",)))
    return Plan(
        seed,
        duration_us=_CALM + 1500 * MS,
        calm_us=_CALM,
        workload=Workload(clients=4, keys=1, reads=0.7, appends=0.0, think_us=80 * MS),
        faults=mix(seed, until_us=_CALM - 200 * MS, kinds=kinds, gap_us=250 * MS),
    )


def _churn(seed: int) -> Plan:
    return Plan(
        seed,
        duration_us=_END,
        calm_us=_CALM,
        workload=Workload(think_us=50 * MS),
        faults=mix(seed, until_us=_CALM - 200 * MS, gap_us=150 * MS),
        in_flight_dies=seed % 2 == 0,
    )


SCENARIOS: tuple[Scenario, ...] = (
    Scenario("agreement", "Commands are chosen, without a flood of messages.", 10, _agreement),
    Scenario("repartition", "A majority goes on, a minority chooses nothing.", 20, _repartition),
    Scenario("unreliable", "Messages are lost, late, doubled, out of order.", 15, _unreliable),
    Scenario("restarts", "Restarts lose nothing that was accepted.", 20, _restarts),
    Scenario("new leaders", "A leader finishes what others began.", 15, _new_leaders),
    Scenario("reads", "Reads see everything written before them.", 10, _reads),
    Scenario("churn", "Everything at once.", 10, _churn),
)

SYNOD = Suite("synod", Council(), SYNOD_SCENARIOS, stored(SYNOD_KILLERS))
PAXOS = Suite("paxos", Cluster(), SCENARIOS, stored(KILLERS))

"""What a Raft server is judged by. Names and aims of the scenarios follow MIT 6.5840's tests.

Every scenario makes a plan for each seed. The first half of a run is troubled; then all is well
and there must be progress. Nothing before ``persistence`` crashes a server: whoever works through
them in order needs no disk until then.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

from jupyter_sysdesign.simulation.clients import Workload
from jupyter_sysdesign.simulation.faults import Fault, Trigger
from jupyter_sysdesign.simulation.judge.killers import stored
from jupyter_sysdesign.simulation.judge.suite import Scenario, Suite
from jupyter_sysdesign.simulation.network import Network
from jupyter_sysdesign.simulation.plan import Plan
from jupyter_sysdesign.simulation.protocols.raft.cluster import Cluster
from jupyter_sysdesign.simulation.swarm import mix
from jupyter_sysdesign.simulation.units import MS, S

_CALM = 4 * S
_END = 7 * S
KILLERS = Path(__file__).with_name("killers.json")


def _elections(seed: int) -> Plan:
    kinds = ("isolate", "partition")
    faults = mix(seed, until_us=_CALM - 500 * MS, kinds=kinds, gap_us=350 * MS)
    if seed % 2:
        # Most messages take as long as an election: votes come when their term is over.
        late = {"high_us": 40 * MS, "reorder": 0.7, "reorder_us": 800 * MS}
        faults = (Fault("network", 0, "all", None, late),)
    elif seed % 4:
        # Votes come twice, and who is cut off gets too few of them.
        faults = (Fault("network", 0, "all", None, {"duplicate": 0.6}), *faults)
    return Plan(
        seed,
        servers=3 if seed % 4 == 0 else 5,
        duration_us=_END,
        calm_us=_CALM,
        workload=Workload(clients=1, think_us=400 * MS),
        faults=faults,
    )


def _agreement(seed: int) -> Plan:
    return Plan(
        seed,
        servers=3 if seed % 2 else 5,
        duration_us=5 * S,
        calm_us=1 * S,
        workload=Workload(clients=4, think_us=100 * MS),
        messages_per_operation=40,
    )


def _failures(seed: int) -> Plan:
    return _again(seed) if seed % 4 == 1 else _cuts(seed)


def _again(seed: int) -> Plan:
    """A leader with entries that only one other has, and that leads again without them."""
    random = Random(f"{seed}/again")
    faults: list[Fault] = []
    at_us = 500 * MS
    while at_us < _CALM - 700 * MS:
        lasts = int((0.3 + random.random() * 0.1) * S)
        faults.append(Fault("partition", at_us, "leader", lasts, {"with": 1}))
        faults += [Fault("command", at_us + each * MS, "leader") for each in range(1, 7)]
        # All have the next leader's log by then; and that one is cut off, too.
        at_us += lasts + int((0.03 + random.random() * 0.08) * S)
        alone = int((0.25 + random.random() * 0.3) * S)
        faults.append(Fault("isolate", at_us, "leader", alone))
        at_us += int((0.35 + random.random() * 0.2) * S)
    return Plan(
        seed,
        duration_us=_END,
        calm_us=_CALM,
        workload=Workload(clients=2, think_us=300 * MS),
        faults=tuple(faults),
    )


def _cuts(seed: int) -> Plan:
    kinds = ("isolate", "partition", "pause")
    return Plan(
        seed,
        duration_us=_END,
        calm_us=_CALM,
        workload=Workload(think_us=60 * MS),
        faults=mix(seed, until_us=_CALM - 200 * MS, kinds=kinds, gap_us=400 * MS),
    )


def _persistence(seed: int) -> Plan:
    kinds = (_entries, _answers, _entries, _votes, _terms, _entries, _terms, _votes)
    return kinds[seed % 8](seed)


def _terms(seed: int) -> Plan:
    """One election after another, and power cuts before a sync: was a vote given too early?"""
    random = Random(f"{seed}/terms")
    calm = 14 * S
    strike = Fault("crash", 0, "it", int((2 + random.random() * 10) * MS))
    skip, every = int(random.random() * 4), 3 + int(random.random() * 3)
    gone = Fault("isolate", 100 * MS, "it", 300 * MS)
    return Plan(
        seed,
        servers=3,
        duration_us=calm + 3 * S,
        calm_us=calm,
        workload=Workload(clients=1, think_us=1 * S),
        faults=(Fault("network", 0, "all", None, {"high_us": 100 * MS}),),
        triggers=(
            Trigger("syncing", (strike,), skip=skip, every=every, times=500, until_us=calm),
            Trigger("elected", (gone,), times=200, until_us=calm),
        ),
        in_flight_dies=False,
    )


def _answers(seed: int) -> Plan:
    """Power cuts before a sync, and a leader that is gone then: was it answered too early?"""
    random = Random(f"{seed}/answers")
    strike = Fault("crash", 0, "it", int((5 + random.random() * 100) * MS))
    gone = Fault("isolate", int((5 + random.random() * 15) * MS), "leader", 400 * MS)
    every = 5 + int(random.random() * 30)
    trigger = Trigger("syncing", (strike, gone), skip=10, every=every, times=20, until_us=_CALM)
    return Plan(
        seed,
        servers=3,
        duration_us=_END,
        calm_us=_CALM,
        workload=Workload(think_us=60 * MS),
        triggers=(trigger,),
        in_flight_dies=False,
    )


def _votes(seed: int) -> Plan:
    """Elections that take long, and servers that die as they have voted: will they vote again?"""
    random = Random(f"{seed}/votes")
    late = {"high_us": int((20 + random.random() * 60) * MS), "reorder": 0.5}
    faults = [Fault("network", 0, "all", None, {**late, "reorder_us": 200 * MS})]
    at_us = 300 * MS
    while at_us < _CALM - 400 * MS:
        down = int((0.2 + random.random() * 0.4) * S)
        faults.append(Fault("crash", at_us, "leader", down))
        at_us += int((0.2 + random.random() * 0.4) * S)
    # Back at once: the others must still be in the same term.
    strike = Fault("crash", 1, "it", int((2 + random.random() * 60) * MS))
    return Plan(
        seed,
        duration_us=_END,
        calm_us=_CALM,
        workload=Workload(think_us=60 * MS),
        faults=tuple(faults),
        triggers=(Trigger("voted", (strike,), every=1 + seed % 3, times=40, until_us=_CALM),),
        in_flight_dies=seed % 8 == 3,  # noqa: PLR2004
    )


def _entries(seed: int) -> Plan:
    random = Random(f"{seed}/persistence")
    faults: list[Fault] = []
    at_us = 500 * MS
    while at_us < _CALM - 400 * MS:
        down = int((0.02 + random.random() * 0.2) * S)
        if random.random() < 0.3:  # noqa: PLR2004
            faults += [Fault("crash", at_us, server, down) for server in range(1, 6)]
        else:
            faults += [
                Fault("crash", at_us + int(random.random() * 40 * MS), target, down)
                for target in ("leader", "any", "follower")
            ]
        at_us += int((0.1 + random.random() * 0.6) * S)
    if seed % 5 == 4:  # noqa: PLR2004
        # Some forget, and others have not heard: together that is worse than each alone.
        kinds = ("isolate", "partition", "pause")
        faults += mix(seed, until_us=_CALM - 400 * MS, kinds=kinds)
    strike = Fault("crash", 0, "it", int((0.005 + random.random() * 0.1) * S))
    # A power cut before a sync shows who answers too early, if the answer is on its way by then.
    on = ("synced", "syncing", "wrote")[seed % 4]
    every = 5 + int(random.random() * 30)
    trigger = Trigger(on, (strike,), skip=10, every=every, times=20, until_us=_CALM)
    return Plan(
        seed,
        servers=3 if seed % 3 == 0 else 5,
        duration_us=_END,
        calm_us=_CALM,
        workload=Workload(think_us=60 * MS),
        faults=tuple(sorted(faults, key=lambda each: each.at_us)),
        triggers=(trigger,) if seed % 3 else (),
        in_flight_dies=on != "syncing" and seed // 8 % 2 == 0,
    )


def _figure_8(seed: int) -> Plan:
    random = Random(f"{seed}/figure 8")
    alone = 10 * MS + int(random.random() * 60 * MS)
    down = 200 * MS + int(random.random() * 1 * S)
    # An entry that only its leader has, and the leader dies …
    stranded = Trigger(
        "appended",
        (
            Fault("isolate", 0, "it", alone + 20 * MS),
            Fault("command", 1 * MS, "it"),
            Fault("crash", alone, "it", down),
        ),
        role="leader",
        every=2 + seed % 3,
        times=40,
        until_us=_CALM,
    )
    # … and a leader that dies as soon as it has committed.
    cut_short = Trigger(
        "committed",
        (Fault("crash", 1, "it", down),),
        role="leader",
        skip=seed % 3,
        every=2,
        times=40,
        until_us=_CALM,
    )
    return Plan(
        seed,
        duration_us=_END,
        calm_us=_CALM,
        workload=Workload(clients=2, think_us=60 * MS),
        triggers=(stranded, cut_short),
    )


def _unreliable(seed: int) -> Plan:
    random = Random(f"{seed}/unreliable")
    network = Network(
        high_us=int((10 + random.random() * 30) * MS),
        loss=round(random.random() * 0.15, 3),
        duplicate=round(random.random() * 0.2, 3),
        reorder=round(random.random() * 0.3, 3),
        reorder_us=int((50 + random.random() * 400) * MS),
        shape="exponential" if seed % 3 == 0 else "uniform",
    )
    return Plan(
        seed,
        duration_us=_END,
        calm_us=_CALM,
        workload=Workload(think_us=60 * MS),
        faults=(Fault("network", 0, "all", None, _changed(network)),),
    )


def _changed(network: Network) -> dict[str, object]:
    usual = Network()
    return {name: value for name, value in vars(network).items() if value != getattr(usual, name)}


def _churn(seed: int) -> Plan:
    return Plan(
        seed,
        duration_us=_END,
        calm_us=_CALM,
        workload=Workload(think_us=50 * MS),
        faults=mix(seed, until_us=_CALM - 200 * MS, gap_us=200 * MS),
        in_flight_dies=seed % 2 == 0,
        options={"snapshot_every": 15} if seed % 3 == 0 else {},
    )


def _snapshots(seed: int) -> Plan:
    servers = 3 if seed % 2 else 5
    kinds = ("crash", "isolate", "disorder", "partition")
    faults = mix(seed, until_us=_CALM - 200 * MS, kinds=kinds, gap_us=350 * MS)
    if seed % 3 == 0:
        # Clients must ask twice, and all servers begin again from what their snapshots say.
        faults = (
            Fault("network", 400 * MS, "all", _CALM, {"loss": 0.25}),
            *(
                Fault("crash", at_us, server, 50 * MS)
                for at_us in range(700 * MS, _CALM - 300 * MS, 500 * MS)
                for server in range(1, servers + 1)
            ),
        )
    return Plan(
        seed,
        servers=servers,
        duration_us=_END,
        calm_us=_CALM,
        workload=Workload(think_us=30 * MS),
        faults=faults,
        options={"snapshot_every": 4 + seed % 9},
    )


def _reads(seed: int) -> Plan:
    # Old leaders are what matters; one seed in six has clocks that lie to who trusts a lease.
    kinds = ("isolate", "pause", "partition", *(() if seed % 3 else ("skew", "loss")))
    return Plan(
        seed,
        duration_us=_CALM + 1500 * MS,
        calm_us=_CALM,
        workload=Workload(clients=5, keys=1, reads=0.7, appends=0.0, think_us=80 * MS),
        faults=mix(seed, until_us=_CALM - 200 * MS, kinds=kinds, gap_us=250 * MS),
    )


def _membership(seed: int) -> Plan:
    random = Random(f"{seed}/membership")
    members, outside = [1, 2, 3], [4, 5]
    orders = []
    at_us = 600 * MS
    while at_us < _CALM:
        if outside and (len(members) < 3 or random.random() < 0.5):  # noqa: PLR2004
            server = outside.pop(int(random.random() * len(outside)))
            members.append(server)
            orders.append((at_us, "add", server))
        else:
            server = members.pop(int(random.random() * len(members)))
            outside.append(server)
            orders.append((at_us, "remove", server))
        at_us += int((0.2 + random.random() * 0.6) * S)
    return Plan(
        seed,
        servers=3,
        spares=2,
        duration_us=_END,
        calm_us=_CALM,
        workload=Workload(think_us=60 * MS),
        orders=tuple(orders),
        faults=mix(seed, until_us=_CALM - 500 * MS, kinds=("crash", "isolate", "loss")),
    )


SCENARIOS: tuple[Scenario, ...] = (
    Scenario("elections", "One leader, and a new one when it is gone.", 10, _elections),
    Scenario("agreement", "Commands are agreed on, without a flood of messages.", 10, _agreement),
    Scenario("failures", "Agreement goes on while a majority is there.", 15, _failures),
    Scenario("persistence", "Restarts lose nothing that was acknowledged.", 15, _persistence),
    Scenario("figure 8", "Leaders that die between append and commit.", 10, _figure_8),
    Scenario("unreliable", "Messages are lost, late, doubled, out of order.", 10, _unreliable),
    Scenario("churn", "Everything at once.", 10, _churn),
    Scenario("snapshots", "Logs are compacted; who lags behind gets a snapshot.", 10, _snapshots),
    Scenario("reads", "Reads see everything written before them.", 5, _reads),
    Scenario("membership", "Servers come and go while clients are served.", 5, _membership),
)

RAFT = Suite("raft", Cluster(), SCENARIOS, stored(KILLERS))

"""What a server of the quorum store is judged by.

Most scenarios want registers: R + W > N, strict, a write asks for the newest version, a read mends
before it answers. Others want what Dynamo wants: an answer always, and copies that become the same.
"""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.simulation.clients import Workload
from jupyter_sysdesign.simulation.faults import Fault, Trigger
from jupyter_sysdesign.simulation.judge.killers import stored
from jupyter_sysdesign.simulation.judge.suite import Scenario, Suite
from jupyter_sysdesign.simulation.plan import Plan
from jupyter_sysdesign.simulation.protocols.quorum.cluster import QuorumCluster
from jupyter_sysdesign.simulation.protocols.quorum.policy import Policy
from jupyter_sysdesign.simulation.swarm import mix
from jupyter_sysdesign.simulation.units import MS, S

if TYPE_CHECKING:
    from collections.abc import Mapping

_CALM = 3 * S
_END = 6 * S
KILLERS = Path(__file__).with_name("killers.json")
#: Registers (ABD).
REGISTER = Policy()
#: An answer from whoever can be reached, if need be from one (Dynamo, §4.6).
ALWAYS = Policy(n=3, r=1, w=1, sloppy=True, versions="clock", repair="after")
#: As little as there is.
ONE = Policy(n=3, r=1, w=1, versions="clock", repair="never")


def _work(
    *, clients: int = 4, keys: int = 2, reads: float = 0.5, think_us: int = 60 * MS
) -> Workload:
    return Workload(clients, keys, reads, 0.0, think_us, start_us=100 * MS)


def _stops(workload: Workload, operations: int) -> Workload:
    """Return the workload with an end, so that the copies can come to rest."""
    return Workload(**{**vars(workload), "operations": operations})


def _options(policy: Policy, **more: Any) -> Mapping[str, Any]:
    return {"policy": policy.as_json(), **more}


def _agreement(seed: int) -> Plan:
    return Plan(
        seed,
        servers=3 + 2 * (seed % 2),
        duration_us=3 * S,
        calm_us=500 * MS,
        workload=_work(),
        options=_options(REGISTER, linearizable="*", available="*"),
        messages_per_operation=30,
    )


def _failures(seed: int) -> Plan:
    kinds = ("crash", "isolate", "partition", "pause", "skew")
    return Plan(
        seed,
        servers=5,
        duration_us=_END,
        calm_us=_CALM,
        workload=_work(clients=5, keys=1, think_us=40 * MS),
        options=_options(REGISTER, linearizable="*"),
        faults=mix(seed, until_us=_CALM - 200 * MS, kinds=kinds, gap_us=250 * MS),
        in_flight_dies=seed % 2 == 0,
    )


def _unreliable(seed: int) -> Plan:
    random = Random(f"{seed}/unreliable")
    conditions = {
        "loss": round(random.random() * 0.2, 2),
        "duplicate": round(random.random() * 0.4, 2),
        "reorder": round(random.random() * 0.5, 2),
        "reorder_us": int((50 + random.random() * 200) * MS),
    }
    return Plan(
        seed,
        servers=3 + 2 * (seed % 2),
        duration_us=_END,
        calm_us=_CALM,
        workload=_work(clients=5, keys=1, think_us=40 * MS),
        options=_options(REGISTER, linearizable="*"),
        faults=(Fault("network", 0, "all", None, conditions),),
    )


def _durability(seed: int) -> Plan:
    random = Random(f"{seed}/durability")
    down = int((0.01 + random.random() * 0.2) * S)
    trigger = Trigger(
        ("wrote", "synced", "stored")[seed % 3],
        (Fault("crash", 0, "it", down),),
        skip=int(random.random() * 10),
        every=3 + int(random.random() * 8),
        times=20,
        until_us=_CALM,
    )
    return Plan(
        seed,
        servers=3,
        duration_us=_END,
        calm_us=_CALM,
        workload=_stops(_work(clients=3), 30),
        options=_options(REGISTER, linearizable="*"),
        triggers=(trigger,),
    )


def _always(seed: int) -> Plan:
    """Return a run in which everything must be answered on both sides of every cut."""
    return Plan(
        seed,
        servers=5,
        duration_us=_END,
        calm_us=_CALM,
        workload=_stops(_work(clients=5, keys=4), 25),
        options=_options(ALWAYS, available="*"),
        faults=mix(seed, until_us=_CALM - 300 * MS, kinds=("crash", "isolate"), gap_us=500 * MS),
    )


def _handoff(seed: int) -> Plan:
    """Return a run in which nothing but hints brings back what a server missed."""
    policy = Policy(n=3, r=2, w=2, sloppy=True, versions="clock", repair="never")
    return Plan(
        seed,
        servers=5,
        duration_us=_END,
        calm_us=_CALM,
        workload=_stops(_work(clients=3, keys=12, reads=0.1, think_us=40 * MS), 25),
        options=_options(policy, anti_entropy=False),
        faults=tuple(
            # Never those that coordinate, nor two at once: then nobody would have a hint.
            Fault("crash", at_us, 4 + (seed + number) % 2, 300 * MS)
            for number, at_us in enumerate(range(300 * MS, _CALM - 500 * MS, 370 * MS))
        ),
    )


def _anti_entropy(seed: int) -> Plan:
    """Return a run in which nothing but the comparison of trees finds what a server missed."""
    kinds = ("crash", "isolate", "partition", "loss")
    return Plan(
        seed,
        servers=3 + 2 * (seed % 2),
        duration_us=_END,
        calm_us=_CALM,
        workload=_stops(_work(clients=3, keys=8, reads=0.2), 30),
        options=_options(ONE),
        faults=mix(seed, until_us=_CALM - 200 * MS, kinds=kinds, gap_us=300 * MS),
    )


QUORUM = Suite(
    "quorum",
    QuorumCluster(),
    (
        Scenario("agreement", "Reads see what was written, without a flood.", 15, _agreement),
        Scenario("failures", "Registers, while servers fail and networks are cut.", 25, _failures),
        Scenario("unreliable", "Messages are lost, late, doubled, out of order.", 15, _unreliable),
        Scenario("durability", "Crashes lose nothing that was acknowledged.", 15, _durability),
        Scenario("always", "Sloppy quorums answer on both sides of a cut.", 10, _always),
        Scenario("handoff", "Hints come to their owners.", 10, _handoff),
        Scenario("anti-entropy", "Trees find what nothing else has mended.", 10, _anti_entropy),
    ),
    stored(KILLERS),
)

"""What a server of atomic commitment is judged by.

The first half of a run is troubled; then all is well and everybody must decide. In some scenarios
it never gets well: those look at the servers that are left.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from jupyter_sysdesign.simulation.clients import Workload
from jupyter_sysdesign.simulation.faults import Fault, Trigger
from jupyter_sysdesign.simulation.judge.killers import stored
from jupyter_sysdesign.simulation.judge.suite import Scenario, Suite
from jupyter_sysdesign.simulation.plan import Plan
from jupyter_sysdesign.simulation.protocols.commit.bank import COORDINATOR, Bank
from jupyter_sysdesign.simulation.swarm import mix
from jupyter_sysdesign.simulation.units import MS, S

if TYPE_CHECKING:
    from collections.abc import Sequence

_CALM = 3 * S
_END = 5 * S
_WORK = Workload(clients=3, keys=3, think_us=60 * MS, retry_us=200 * MS, start_us=100 * MS)
KILLERS = Path(__file__).with_name("killers.json")
KILLERS_3 = Path(__file__).with_name("killers-3pc.json")


def _votes(seed: int) -> Plan:
    return Plan(
        seed,
        servers=3 + seed % 3,
        duration_us=3 * S,
        calm_us=1 * S,
        workload=_WORK,
        messages_per_operation=16,
    )


def _aimed(faults: Sequence[Fault]) -> tuple[Fault, ...]:
    """Return the faults with the coordinator where a leader is meant."""
    return tuple(
        replace(each, target=COORDINATOR) if each.target == "leader" else each for each in faults
    )


def _network(seed: int) -> Plan:
    random = Random(f"{seed}/network")
    conditions = {
        "loss": round(random.random() * 0.25, 2),
        "duplicate": round(random.random() * 0.3, 2),
        "reorder": round(random.random() * 0.3, 2),
        "reorder_us": int((50 + random.random() * 300) * MS),
    }
    mixed = mix(seed, until_us=_CALM - 300 * MS, kinds=("isolate", "partition"), gap_us=500 * MS)
    return Plan(
        seed,
        servers=4,
        duration_us=_END,
        calm_us=_CALM,
        workload=_WORK,
        faults=(Fault("network", 0, "all", None, conditions), *_aimed(mixed)),
    )


def _strikes(random: Random, on: str, **given: object) -> Trigger:
    """Return a crash of whoever does something, at the worst moment."""
    down = int((0.001 + random.random() ** 2 * 0.5) * S)
    after = max(int((random.random() * 16 - 8) * MS), 0)
    strike = Fault("crash", after, "it", down)
    every = 2 + int(random.random() * 5)
    return Trigger(on, (strike,), skip=int(random.random() * 4), every=every, times=12,
                   until_us=_CALM, **given)  # type: ignore[arg-type]  # fmt: skip


def _coordinator(seed: int) -> Plan:
    random = Random(f"{seed}/coordinator")
    on = ("asked", "decided", "promised", "syncing")[seed % 4]
    down = int((0.05 + random.random() * 0.6) * S)
    # A power cut before a sync shows who tells a decision first, if it is on its way by then.
    early = on == "syncing"
    after = 0 if early else int(random.random() * 9 * MS)
    trigger = Trigger(
        on,
        (Fault("crash", after, "it" if early else COORDINATOR, down),),
        skip=int(random.random() * 3),
        every=(2 if early else 3) + int(random.random() * 5),
        times=40 if early else 10,
        until_us=_CALM,
    )
    return Plan(
        seed,
        servers=4,
        duration_us=_END,
        calm_us=_CALM,
        workload=_WORK,
        triggers=(trigger,),
        in_flight_dies=not early and seed // 4 % 2 == 0,
    )


def _crashes(seed: int) -> Plan:
    return _locks(seed) if seed % 4 == 2 else _records(seed)  # noqa: PLR2004


def _locks(seed: int) -> Plan:
    """Whoever promised or decided is back at once, in doubt, and others want the same money."""
    random = Random(f"{seed}/locks")
    strike = Fault("crash", 1, "it", int((1 + random.random() * 4) * MS))
    calm = 1300 * MS
    return Plan(
        seed,
        servers=3,
        duration_us=2600 * MS,
        calm_us=calm,
        workload=replace(_WORK, clients=6, keys=1, think_us=20 * MS),
        faults=(Fault("network", 0, "all", None, {"high_us": 40 * MS}),),
        triggers=(
            Trigger("promised", (strike,), times=60, until_us=calm),
            Trigger("decided", (strike,), every=4, times=60, until_us=calm),
        ),
        in_flight_dies=False,  # else its vote dies with it, and nothing is committed
    )


def _records(seed: int) -> Plan:
    random = Random(f"{seed}/crashes")
    # A power cut before a sync shows who answers too early, if the answer is on its way by then.
    odd = ("syncing", "decided", "synced", "decided")[seed // 2 % 4]
    on = odd if seed % 2 else ("wrote", "promised")[seed // 4 % 2]
    mixed = mix(seed, until_us=_CALM - 300 * MS, kinds=("crash",), gap_us=250 * MS)
    if seed % 3 == 0:
        # Some hear of a transaction when others are in doubt about it already.
        late = {"reorder": 0.5, "reorder_us": 60 * MS}
        mixed = (Fault("network", 0, "all", None, late), *mixed)
    return Plan(
        seed,
        servers=4,
        duration_us=_END,
        calm_us=_CALM,
        workload=_WORK,
        faults=_aimed(mixed),
        triggers=(_strikes(random, on),),
        in_flight_dies=seed % 2 == 0,
    )


def _churn(seed: int) -> Plan:
    kinds = ("crash", "pause", "isolate", "partition", "loss", "disorder", "skew")
    return Plan(
        seed,
        servers=3 + seed % 3,
        duration_us=_END,
        calm_us=_CALM,
        workload=_WORK,
        faults=_aimed(mix(seed, until_us=_CALM - 200 * MS, kinds=kinds, gap_us=150 * MS)),
        in_flight_dies=seed % 2 == 0,
    )


def _dead(seed: int, on: str, option: str) -> Plan:
    """Return a run whose coordinator dies in the middle of a transaction, and stays dead."""
    random = Random(f"{seed}/dead")
    after = int(random.random() * 12 * MS)
    trigger = Trigger(
        on,
        (Fault("crash", after, COORDINATOR),),
        skip=int(random.random() * 12),
        until_us=_CALM,
    )
    return Plan(
        seed,
        servers=4 + seed % 2,
        duration_us=4 * S,
        workload=_WORK,
        triggers=(trigger,),
        options={option: True},
    )


def _cooperation(seed: int) -> Plan:
    return _dead(seed, ("asked", "promised", "decided")[seed % 3], "cooperative")


TWO_PHASE = Suite(
    "2pc",
    Bank(),
    (
        Scenario("votes", "Commit if all say yes, abort if one says no.", 20, _votes),
        Scenario("network", "Messages are lost, late, doubled; servers are cut off.", 20, _network),
        Scenario("coordinator", "The coordinator dies at the worst moment.", 20, _coordinator),
        Scenario("crashes", "Whoever promised or decided dies, and comes back.", 20, _crashes),
        Scenario(
            "cooperation", "The coordinator stays dead; one who knows tells.", 10, _cooperation
        ),
        Scenario("churn", "Everything at once.", 10, _churn),
    ),
    stored(KILLERS),
)


def _non_blocking(seed: int) -> Plan:
    on = ("asked", "promised", "precommitted", "decided")[seed % 4]
    return _dead(seed, on, "non_blocking")


def _two_die(seed: int) -> Plan:
    """Return a run in which the coordinator dies, and then whoever takes its place."""
    random = Random(f"{seed}/two")
    plan = _dead(seed, ("promised", "precommitted")[seed % 2], "non_blocking")
    second = Fault("crash", int((0.06 + random.random() * 0.25) * S), 2)
    (trigger,) = plan.triggers
    return replace(plan, servers=5, triggers=(replace(trigger, then=(*trigger.then, second)),))


def _come_back(seed: int) -> Plan:
    """Return a run of crashes, on a network that is never late."""
    plan = _records(seed)
    return replace(plan, faults=tuple(each for each in plan.faults if each.kind != "network"))


THREE_PHASE = Suite(
    "3pc",
    Bank(),
    (
        Scenario("votes", "Commit if all say yes, abort if one says no.", 25, _votes),
        Scenario(
            "non-blocking", "The coordinator stays dead; the others decide.", 35, _non_blocking
        ),
        Scenario("two die", "So does whoever takes its place.", 20, _two_die),
        Scenario("come back", "Whoever was down decides as the others did.", 20, _come_back),
    ),
    stored(KILLERS_3),
)

"""What a SWIM member is judged by: deaths, slow members, bad links, and what it costs."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.simulation.clients import Workload
from jupyter_sysdesign.simulation.faults import Fault
from jupyter_sysdesign.simulation.judge.killers import stored
from jupyter_sysdesign.simulation.judge.suite import Scenario, Suite
from jupyter_sysdesign.simulation.plan import Plan
from jupyter_sysdesign.simulation.protocols.gossip.cluster import Group
from jupyter_sysdesign.simulation.units import MS, S

if TYPE_CHECKING:
    from collections.abc import Sequence

KILLERS = Path(__file__).with_name("killers.json")

PERIOD_US = 200 * MS
#: Ten periods to defend oneself.
SUSPICION_US = 2 * S


def group(seed: int, members: int, faults: Sequence[Fault] = (), **options: Any) -> Plan:
    """Return a run of ``members``; ``options`` go over the usual ones."""
    return Plan(
        seed,
        servers=members,
        duration_us=options.pop("duration_us", 14 * S),
        workload=Workload(clients=0),
        faults=tuple(faults),
        options={
            "period_us": PERIOD_US,
            "suspicion_us": SUSPICION_US,
            # A round of pings, and what a rumour needs; then the suspicion on top.
            "patience_us": 2 * members * PERIOD_US + SUSPICION_US + 8 * PERIOD_US,
            "spread_us": 10 * PERIOD_US,
            "accurate": True,
            "load": 12,
            **options,
        },
    )


def _deaths(seed: int) -> Plan:
    random = Random(f"{seed}/deaths")
    members = 8 + seed % 5
    dead = random.sample(range(1, members + 1), 2)
    faults = [Fault("crash", int((1 + random.random() * 3) * S), each) for each in dead]
    # Everybody may find out alone, which takes two rounds: to tell the others comes after this.
    return group(seed, members, faults, load=6, spread_us=2 * members * PERIOD_US)


def _death(member: int) -> Fault:
    """Return a death in the midst of other trouble: who suspects nobody ever finds it."""
    return Fault("crash", 1700 * MS, member)


def _many(seed: int) -> Plan:
    random = Random(f"{seed}/many")
    members = 24
    dead = 1 + int(random.random() * members)
    fault = Fault("crash", int((1 + random.random()) * S), dead)
    return group(seed, members, [fault], load=6, duration_us=16 * S)


def _slow(seed: int) -> Plan:
    random = Random(f"{seed}/slow")
    members = 6 + seed % 3
    faults = [
        Fault("pause", at_us, int(1 + random.random() * members), 900 * MS)
        for at_us in range(1 * S, 9 * S, 1500 * MS)
    ]
    return group(seed, members, [*faults, _death(members)])


def _lossy(seed: int) -> Plan:
    random = Random(f"{seed}/lossy")
    loss = {"loss": round(0.05 + random.random() * 0.1, 3), "duplicate": 0.05, "reorder": 0.1}
    members = 6 + seed % 4
    faults = [Fault("network", 0, "all", 8 * S, loss), _death(members)]
    return group(seed, members, faults, duration_us=15 * S, spread_us=20 * PERIOD_US)


def _bad_link(seed: int) -> Plan:
    random = Random(f"{seed}/bad link")
    members = 5 + seed % 4
    one, other = random.sample(range(1, members), 2)
    faults = [Fault("cut", 1 * S, one, None, {"to": other}), _death(members)]
    if seed % 2:
        faults.append(Fault("cut", 1 * S, other, None, {"to": one}))
    return group(seed, members, faults, reached=True, duration_us=11 * S)


def _return(seed: int) -> Plan:
    random = Random(f"{seed}/return")
    members = 6 + seed % 3
    one, other = random.sample(range(1, members), 2)
    faults = [Fault("crash", 1 * S, one, int((0.3 + random.random() * 5) * S)), _death(members)]
    if seed % 4 == 1:
        faults.append(Fault("isolate", 2 * S, other, int((0.5 + random.random() * 4) * S)))
    elif seed % 2:
        # So long that each side buries all of the other: somebody must ask the dead.
        faults.append(Fault("partition", 2 * S, other, int((6 + random.random()) * S), {"with": 1}))
    # Who was away hears late; who is cut off is declared dead with good reason.
    return group(seed, members, faults, duration_us=18 * S, accurate=seed % 2 == 0, spread_us=8 * S)


SCENARIOS: tuple[Scenario, ...] = (
    Scenario("deaths", "Two crash, and everybody knows in bounded time.", 20, _deaths),
    Scenario("many", "Among 24 the news still spreads quickly, and costs no more.", 20, _many),
    Scenario("slow members", "Who is frozen for a while can defend itself.", 20, _slow),
    Scenario("lossy", "Lost messages kill nobody.", 10, _lossy),
    Scenario("bad link", "Two that do not hear each other ask the others.", 15, _bad_link),
    Scenario("return", "Who comes back is alive for everybody.", 15, _return),
)

SWIM = Suite("swim", Group(), SCENARIOS, stored(KILLERS))

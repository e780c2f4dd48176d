"""What a server of a primary and its backup is judged by."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.simulation.clients import Workload
from jupyter_sysdesign.simulation.faults import Fault, Trigger
from jupyter_sysdesign.simulation.judge.killers import stored
from jupyter_sysdesign.simulation.judge.suite import Scenario, Suite
from jupyter_sysdesign.simulation.plan import Plan
from jupyter_sysdesign.simulation.protocols.primary_backup.cluster import PrimaryBackup
from jupyter_sysdesign.simulation.protocols.primary_backup.messages import VIEW_SERVICE
from jupyter_sysdesign.simulation.swarm import mix
from jupyter_sysdesign.simulation.units import MS, S

if TYPE_CHECKING:
    from collections.abc import Sequence

_CALM = 4 * S
_END = 6 * S
KILLERS = Path(__file__).with_name("killers.json")


def _plan(seed: int, faults: Sequence[Fault] = (), **more: Any) -> Plan:
    usual = Plan(
        seed,
        servers=3 + seed % 2,
        duration_us=_END,
        calm_us=_CALM,
        workload=Workload(clients=4, keys=2, think_us=50 * MS),
        faults=tuple(faults),
    )
    return replace(usual, **more)


def _service(seed: int) -> Plan:
    return _plan(seed, calm_us=500 * MS, duration_us=3 * S, messages_per_operation=30)


def _one_dies(seed: int) -> Plan:
    """Return a run in which one server at a time dies, and is replaced before the next one does."""
    random = Random(f"{seed}/one dies")
    faults = []
    at_us = 500 * MS
    while at_us < _CALM - 800 * MS:
        server = 1 + int(random.random() * (3 + seed % 2))
        down = int((0.02 + random.random() * 0.6) * S)
        faults.append(Fault("crash", at_us, server, down))
        at_us += down + 600 * MS
    return _plan(seed, faults, in_flight_dies=seed // 2 % 2 == 0)


def _replaced(seed: int) -> Plan:
    """Return a run in which a server dies just when it has taken over a part."""
    random = Random(f"{seed}/replaced")
    strike = Fault("crash", int(random.random() * 60 * MS), "it", int(random.random() * 400 * MS))
    on = ("backup", "primary")[seed % 2]
    skip, every = int(random.random() * 3), 2 + int(random.random() * 3)
    trigger = Trigger(on, (strike,), "", skip, every, 6, _CALM - 500 * MS)
    return _plan(seed, triggers=(trigger,), options={"loses": True})


def _cut_off(seed: int) -> Plan:
    """Return a run in which a server's pings are lost, and its clients still reach it."""
    random = Random(f"{seed}/cut off")
    faults = []
    at_us = 500 * MS
    while at_us < _CALM - 900 * MS:
        server = 1 + int(random.random() * 3)
        lasts = int((0.3 + random.random() * 0.4) * S)
        faults.append(Fault("cut", at_us, server, lasts, {"to": VIEW_SERVICE}))
        at_us += lasts + int((0.3 + random.random() * 0.3) * S)
    work = Workload(clients=5, keys=1, reads=0.6, think_us=25 * MS)
    return _plan(seed, faults, workload=work, options={"loses": True})


def _unreliable(seed: int) -> Plan:
    random = Random(f"{seed}/unreliable")
    conditions = {
        "loss": round(random.random() * 0.15, 2),
        "duplicate": round(random.random() * 0.3, 2),
        "reorder": round(random.random() * 0.3, 2),
        "reorder_us": int((50 + random.random() * 200) * MS),
    }
    faults = (Fault("network", 0, "all", None, conditions),)
    return _plan(seed, faults, options={"loses": True})


def _churn(seed: int) -> Plan:
    kinds = ("crash", "pause", "isolate", "loss", "disorder")
    faults = mix(seed, until_us=_CALM - 300 * MS, kinds=kinds, gap_us=350 * MS)
    return _plan(seed, faults, options={"loses": True})


PRIMARY_BACKUP = Suite(
    "primary-backup",
    PrimaryBackup(),
    (
        Scenario("service", "Clients are served, without a flood of messages.", 15, _service),
        Scenario("one dies", "Another takes over, and nothing is lost.", 25, _one_dies),
        Scenario("replaced", "Whoever takes over dies on the way.", 15, _replaced),
        Scenario("cut off", "A primary that was replaced does not know it.", 20, _cut_off),
        Scenario("unreliable", "Messages are lost, late, doubled, out of order.", 15, _unreliable),
        Scenario("churn", "Everything at once.", 10, _churn),
    ),
    stored(KILLERS),
)

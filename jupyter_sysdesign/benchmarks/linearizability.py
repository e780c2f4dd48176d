"""How long it takes to judge whether a history of one register is linearizable.

The histories come from one copy: each client asks again and again, each operation takes effect at
a random moment while it lasts, half of them write. The invalid ones are the same, with one read
near the end that answers what was overwritten long before.
"""

from __future__ import annotations

import random
import statistics
import time
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.simulation.checkers import linearizability
from jupyter_sysdesign.simulation.checkers.history import History, Operation
from jupyter_sysdesign.simulation.checkers.specifications import Register

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.checkers.judgement import Judgement

ROUNDS = 5
CLIENTS = 5
MANY_CLIENTS = 20
#: Few values make the search hard: many writes explain a read.
VALUES = 5


def measure(*, rounds: int = ROUNDS) -> dict[str, Any]:
    """Return times in ms, each the median over ``rounds`` histories made from different seeds.

    ``linearizability_20_clients`` tells how often 20 clients' history, which is the hard case, got
    an answer within the default budget, and how long the slowest took.
    """
    return {
        "linearizability_1000_ms": _median(1000, rounds, stale=False),
        "linearizability_1000_invalid_ms": _median(1000, rounds, stale=True),
        "linearizability_5000_ms": _median(5000, rounds, stale=False),
        "linearizability_5000_invalid_ms": _median(5000, rounds, stale=True),
        "linearizability_20_clients": _many_clients(rounds),
        "clients": CLIENTS,
        "rounds": rounds,
    }


def register_history(
    operations: int, clients: int, *, seed: int, stale: bool = False, values: int = VALUES
) -> History:
    """Return a history of one register; with ``stale``, one read in it answers too old a value."""
    rng = random.Random(seed)  # noqa: S311 (no secret)
    free = {client: rng.randrange(5) for client in range(clients)}
    asked = []
    for _ in range(operations):
        client = min(free, key=free.__getitem__)
        invoked = free[client]
        returned = invoked + rng.randint(2, 20)
        free[client] = returned + rng.randint(1, 5)
        value = rng.randrange(values) if rng.random() < 1 / 2 else None
        asked.append((rng.uniform(invoked, returned), client, value, invoked, returned))
    state, done = None, []
    for _, client, value, invoked, returned in sorted(asked, key=lambda each: each[0]):
        if value is None:
            done.append(Operation(client, "read", "x", None, state, invoked, returned))
        else:
            state = value
            done.append(Operation(client, "write", "x", state, None, invoked, returned))
    if stale:
        # The first write of all is made once only, so that its value cannot have come back.
        first = next(index for index, each in enumerate(done) if each.kind == "write")
        late = next(
            index
            for index, each in enumerate(done)
            if each.kind == "read" and index > operations * 0.9
        )
        old, read = done[first], done[late]
        done[first] = Operation(
            old.client, "write", "x", values, None, old.invoked, old.returned or old.invoked
        )
        for index, each in enumerate(done[first + 1 :], start=first + 1):
            if each.kind == "write":
                break
            done[index] = Operation(
                each.client, "read", "x", None, values, each.invoked, each.returned
            )
        done[late] = Operation(read.client, "read", "x", None, values, read.invoked, read.returned)
    return History(done)


def _median(operations: int, rounds: int, *, stale: bool) -> float:
    taken = []
    for seed in range(rounds):
        history = register_history(operations, CLIENTS, seed=seed, stale=stale)
        judgement, ms = _timed(history)
        expected = "failed" if stale else "passed"
        if judgement.status != expected:  # a wrong answer has no speed
            raise AssertionError(f"seed {seed}: {judgement.status}, not {expected}")
        taken.append(ms)
    return round(statistics.median(taken), 2)


def _many_clients(rounds: int) -> dict[str, Any]:
    answered, slowest = 0, 0.0
    for seed in range(rounds):
        for stale in (False, True):
            history = register_history(1000, MANY_CLIENTS, seed=seed, stale=stale)
            judgement, ms = _timed(history)
            answered += judgement.status != "unknown"
            slowest = max(slowest, ms)
    return {"answered": answered, "of": 2 * rounds, "slowest_ms": round(slowest, 1)}


def _timed(history: History) -> tuple[Judgement, float]:
    begin = time.perf_counter()
    judgement = linearizability.check(history, Register())
    return judgement, (time.perf_counter() - begin) * 1e3

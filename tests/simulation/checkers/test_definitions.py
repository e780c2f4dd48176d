"""Many small histories at random, judged by the definitions alone: every order is tried.

Clients ask at the very moment they are answered, and at the moments of others; some never hear
anything; values are written twice. The numbers that the histories are made from are fixed.
"""

from __future__ import annotations

from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from jupyter_sysdesign.simulation.checkers import (
    causal,
    convergence,
    linearizability,
    models,
    sequential,
    sessions,
)
from jupyter_sysdesign.simulation.checkers.history import History, Operation
from jupyter_sysdesign.simulation.checkers.specifications import Register

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.simulation.checkers.judgement import Judgement


def _some_history(random: Random, *, most: int = 7, distinct: bool | None = None) -> History:
    clock = dict.fromkeys(range(random.randint(2, 4)), 0)
    keys = random.choice(["x", "xy"])
    distinct = random.random() < 0.5 if distinct is None else distinct
    asked: list[dict[str, Any]] = []
    for number in range(1, random.randint(3, most) + 1):
        if not clock:
            break
        client = random.choice(list(clock))
        invoked = clock[client] + random.choice([0, 0, 1, 2])
        clock[client] = returned = invoked + random.choice([0, 0, 1, 2, 3])
        status = random.choice(["ok"] * 8 + ["fail", "info", "never"])
        kind = random.choice(["read", "write"])
        value = number if distinct else random.randint(1, 2)
        if status == "never":
            del clock[client]
        asked.append(
            {
                "client": client,
                "kind": kind,
                "key": random.choice(keys),
                "value": value if kind == "write" else None,
                "result": None,
                "invoked": invoked,
                "returned": None if status == "never" else returned,
                "status": "info" if status == "never" else status,
            }
        )
    for each in asked:
        if each["kind"] == "read" and each["status"] == "ok":
            written = [one["value"] for one in asked if one["key"] == each["key"]]
            each["result"] = random.choice([None, *written])
    return History(Operation(**each) for each in asked)


def _has_order(history: History, *, real_time: bool) -> bool:
    """Return whether some order explains every answer.

    One operation comes before another if it was over before the other began (in real time), or if
    the same client asked for it before. Of unknown ones, any may have happened.
    """
    operations = list(history)
    must = {at for at, each in enumerate(operations) if each.status == "ok"}
    may = {
        at for at, each in enumerate(operations) if each.status == "info" and each.kind == "write"
    }
    before = {
        at: {
            earlier
            for earlier in must
            if (operations[earlier].client == operations[at].client and earlier < at)
            or (real_time and (operations[earlier].returned or 0) < operations[at].invoked)
        }
        for at in must | may
    }
    seen = set()
    waiting: list[tuple[frozenset[int], dict[Any, Any]]] = [(frozenset(), {})]
    while waiting:
        done, values = waiting.pop()
        if must <= done:
            return True
        if (place := (done, tuple(sorted(values.items())))) in seen:
            continue
        seen.add(place)
        for at in (must | may) - done:
            each = operations[at]
            if before[at] <= done:
                if each.kind == "write":
                    waiting.append((done | {at}, {**values, each.key: each.value}))
                elif values.get(each.key) == each.result:
                    waiting.append((done | {at}, values))
    return False


@pytest.mark.parametrize(
    ("check", "real_time"), [(linearizability.check, True), (sequential.check, False)]
)
def test_orders_are_found_and_missed_as_by_trying_all(
    check: Callable[..., Judgement], real_time: bool
):
    for seed in range(1500):
        history = _some_history(Random(seed))
        judged = check(history, Register())
        expected = _has_order(history, real_time=real_time)
        assert judged.status == ("passed" if expected else "failed"), seed
        if not expected:
            shown = list(judged.operations)
            assert not _has_order(History(shown), real_time=real_time), seed
            # Without any one of the reads, or of the writes that none of them saw, there is one.
            for each in shown:
                rest = [other for other in shown if other is not each]
                seen = {(other.key, other.result) for other in rest if other.kind == "read"}
                if each.kind == "read" or (each.key, each.value) not in seen:
                    assert _has_order(History(rest), real_time=real_time), (seed, str(each))


@pytest.mark.parametrize(
    "check",
    [
        causal.check_causal,
        causal.check_memory,
        causal.check_convergence,
        convergence.check,
        *(partial(sessions.check, each) for each in models.IMPLIES[causal.CAUSAL]),
    ],
)
def test_what_is_told_shows_by_itself_what_is_broken(check: Callable[[History], Judgement]):
    broken = 0
    for seed in range(1500):
        judged = check(_some_history(Random(seed), most=12, distinct=True))
        if judged.failed:
            broken += 1
            assert check(History(judged.operations)).failed, (seed, judged.why)
    assert broken > 50

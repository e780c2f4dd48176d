"""Many small histories of transactions at random, judged by Adya's definitions alone.

In the end somebody reads all lists, so that the order of all versions is known. The numbers that
the histories are made from are fixed.
"""

from __future__ import annotations

import itertools
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from jupyter_sysdesign.simulation.checkers import isolation
from jupyter_sysdesign.simulation.checkers.anomaly import LEVELS
from jupyter_sysdesign.simulation.checkers.history import History, Operation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_KEYS = ("x", "y")


def _some_history(random: Random) -> tuple[History, dict[str, list[int]]]:
    """Return a history, and the lists as they are in the end."""
    numbers = itertools.count(1)
    clock = [0, 0, 0]
    planned = []
    lists: dict[str, list[int]] = {key: [] for key in _KEYS}
    for _ in range(random.randint(2, 4)):
        client = random.randint(0, 2)
        invoked = clock[client] + random.choice([0, 0, 1])
        clock[client] = returned = invoked + random.choice([0, 1, 2, 4])
        status = random.choice(["ok"] * 8 + ["fail", "info"])
        steps: list[list[Any]] = []
        for _ in range(random.randint(1, 3)):
            key = random.choice(_KEYS)
            value = next(numbers) if random.random() < 0.5 else None
            steps.append([*(("r", key) if value is None else ("append", key)), value])
            if value is not None and status == "ok":
                lists[key].insert(random.randint(0, len(lists[key])), value)
        planned.append((client, steps, invoked, returned, status))
    operations = []
    for client, steps, invoked, returned, status in planned:
        told = []
        for at, (kind, key, value) in enumerate(steps):
            seen = lists[key][: random.randint(0, len(lists[key]))]
            own = [each for step, of, each in steps[:at] if step == "append" and of == key]
            if random.random() < 0.8:
                seen = [*(each for each in seen if each not in own), *own]
            told.append([kind, key, seen if kind == "r" else value])
        result = told if status == "ok" else None
        operations.append(Operation(client, "txn", None, steps, result, invoked, returned, status))
    last = [["r", key, lists[key]] for key in _KEYS]
    operations.append(Operation("last", "txn", None, last, last, 90, 91))
    return History(operations), lists


def _kept(history: History, lists: dict[str, list[int]]) -> set[str]:
    """Return the levels that a history keeps; of what is unknown, nothing has happened."""
    committed = [each for each in history if each.happened]
    writer = {
        (key, value): each
        for each in committed
        for kind, key, value in each.result
        if kind == "append"
    }
    if not all(_possible(each, lists) for each in committed):
        return set()
    ww, wr, rw = set(), set(), set()
    intermediate = False
    for key, order in lists.items():
        ww |= {(writer[key, one], writer[key, other]) for one, other in itertools.pairwise(order)}
    for each, key, seen in _reads(committed):
        others = [writer[key, value] for value in seen if writer[key, value] is not each]
        rest = [writer[key, value] for value in lists[key][len(seen) :]]
        intermediate |= bool(others) and others[-1] in rest
        wr |= {(one, each) for one in others[-1:]}
        rw |= {(each, one) for one in [other for other in rest if other is not each][:1]}
    information = {(one, other) for one, other in ww | wr if one is not other}
    pairs = list(itertools.combinations(committed, 2))
    own_order = [(one, other) for one, other in pairs if one.client == other.client]
    real_time = [(one, other) for one, other in pairs if (one.returned or 0) < other.invoked]
    # No two rw follow each other (Cerone and Gotsman (2018)).
    apart = {(one, last) for one, other in information for begin, last in rw if other is begin}
    forbidden = {
        "read uncommitted": information & ww,
        "read committed": information,
        "snapshot isolation": information | apart,
        "repeatable read": information | rw,
        "serializable": information | rw,
        "strong session serializable": [*information, *rw, *own_order],
        "strict serializable": [*information, *rw, *own_order, *real_time],
    }
    return {
        level
        for level, steps in forbidden.items()
        if not _in_circle(steps) and not (intermediate and level != "read uncommitted")
    }


def _reads(committed: Iterable[Operation]) -> Iterator[tuple[Operation, str, tuple[int, ...]]]:
    return (
        (each, key, seen) for each in committed for kind, key, seen in each.result if kind == "r"
    )


def _possible(transaction: Operation, lists: dict[str, list[int]]) -> bool:
    """Return whether it read what lists can have been, and its own elements once appended."""
    own: dict[str, list[int]] = {key: [] for key in _KEYS}
    every = [value for kind, _, value in transaction.result if kind == "append"]
    for kind, key, value in transaction.result:
        if kind == "append":
            own[key].append(value)
            continue
        seen = [each for each in value if each in every]
        if seen != own[key] or list(value) != lists[key][: len(value)]:
            return False
    return all([each for each in lists[key] if each in every] == own[key] for key in _KEYS)


def _in_circle(steps: Iterable[tuple[Operation, Operation]]) -> bool:
    left = {(id(one), id(other)) for one, other in steps}
    while left:
        begun = {one for one, _ in left}
        fewer = {(one, other) for one, other in left if other in begun}
        if fewer == left:
            return True
        left = fewer
    return False


@pytest.mark.parametrize("tries", [1, 200])
def test_the_levels_kept_are_those_of_the_definitions(tries: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(isolation, "_TRIES", tries)
    for seed in range(1500):
        history, lists = _some_history(Random(seed))
        report = isolation.check(history)
        found = {level for level in LEVELS if report.judge(level).passed}
        assert found == _kept(history, lists), seed

"""Isolation: each anomaly by its name, the level that is left, and databases that keep theirs."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.simulation.checkers import isolation
from jupyter_sysdesign.simulation.checkers.anomaly import FORBIDDEN, LEVELS
from jupyter_sysdesign.simulation.checkers.history import History, Operation


def txn(client: Any, at: int, until: int, *steps: str, status: Any = "ok") -> Operation:
    """Return a transaction of steps like ``a x 1`` (append), ``w x 1``, ``r x 1,2``, ``r x -``."""
    asked, told = [], []
    for step in steps:
        kind, key, value = step.split()[-3:]
        if kind == "r":
            some = [int(each) for each in value.split(",")] if value not in ("-", "?") else []
            answer: Any = some if not _registers(steps) else (some[0] if some else None)
            asked.append(["r", key, None])
            told.append(["r", key, answer])
        else:
            each = ["append" if kind == "a" else "w", key, int(value)]
            asked.append(each)
            told.append(each)
    return Operation(
        client, "txn", None, asked, told if status == "ok" else None, at, until, status
    )


def _registers(steps: tuple[str, ...]) -> bool:
    return any(step.split()[0] in ("w", "registers") for step in steps)


def found(*operations: Operation, **fields: Any) -> isolation.Report:
    return isolation.check(History(operations), **fields)


def names(report: isolation.Report) -> set[str]:
    return {each.name for each in report.anomalies}


#: Histories, the anomalies they show, and the strongest levels that still hold.
STORIES: dict[str, tuple[list[Operation], set[str], tuple[str, ...]]] = {
    "serial": (
        [txn(1, 0, 1, "a x 1"), txn(2, 2, 3, "r x 1", "a x 2"), txn(1, 4, 5, "r x 1,2")],
        set(),
        ("strict serializable",),
    ),
    "dirty write": (
        [
            txn(1, 0, 9, "a x 1", "a y 1"),
            txn(2, 0, 9, "a x 2", "a y 2"),
            txn(3, 10, 11, "r x 1,2", "r y 2,1"),
        ],
        {"G0"},
        (),
    ),
    "aborted read": (
        [txn(1, 0, 9, "a x 1", status="fail"), txn(2, 3, 4, "r x 1")],
        {"G1a"},
        ("read uncommitted",),
    ),
    "intermediate read": (
        [txn(1, 0, 9, "a x 1", "a x 2"), txn(2, 3, 4, "r x 1"), txn(3, 10, 11, "r x 1,2")],
        {"G1b", "G-single"},
        ("read uncommitted",),
    ),
    "circular information flow": (
        [txn(1, 0, 9, "a x 1", "r y 1"), txn(2, 0, 9, "a y 1", "r x 1")],
        {"G1c"},
        ("read uncommitted",),
    ),
    "read skew": (
        [txn(1, 0, 9, "r x -", "r y 1"), txn(2, 2, 3, "a x 1", "a y 1")],
        {"G-single"},
        ("read committed",),
    ),
    "a read that is not repeated": (
        [txn(1, 0, 9, "r x -", "r x 1"), txn(2, 2, 3, "a x 1")],
        {"G-single"},
        ("read committed",),
    ),
    "lost update": (
        [txn(1, 0, 9, "r x -", "a x 1"), txn(2, 0, 9, "r x -", "a x 2")],
        {"lost update"},
        ("read committed",),
    ),
    "write skew": (
        [txn(1, 0, 9, "r x -", "r y -", "a x 1"), txn(2, 0, 9, "r x -", "r y -", "a y 1")],
        {"write skew"},
        ("snapshot isolation",),
    ),
    "write skew of three": (
        [
            txn(1, 0, 9, "r x -", "a y 1"),
            txn(2, 0, 9, "r y -", "a z 1"),
            txn(3, 0, 9, "r z -", "a x 1"),
        ],
        {"G2-item"},
        ("snapshot isolation",),
    ),
    "a reader makes it visible": (
        [
            txn(1, 0, 9, "r z 1", "r x -"),
            txn(2, 0, 9, "r y -", "a x 1"),
            txn(3, 0, 9, "a z 1", "a y 1"),
        ],
        {"G2-item"},
        ("snapshot isolation",),
    ),
    "its client went on before it took effect": (
        [
            txn(1, 0, 1, "a x 1", status="info"),
            txn(1, 2, 3, "r x -"),
            txn(2, 4, 5, "r x 1"),
        ],
        set(),
        ("strict serializable",),
    ),
    "a register is read and then written": (
        [
            txn(1, 0, 1, "w x 1"),
            txn(2, 2, 9, "r x 1", "w x 2", "w y 2"),
            txn(3, 2, 9, "registers r x 1", "r y 2"),
        ],
        {"G-single"},
        ("read committed",),
    ),
    "two readers see two orders": (
        [
            txn(1, 0, 9, "a x 1"),
            txn(2, 0, 9, "a y 1"),
            txn(3, 0, 9, "r x 1", "r y -"),
            txn(4, 0, 9, "r x -", "r y 1"),
        ],
        {"G2-item", "G-nonadjacent"},
        ("read committed",),
    ),
    "its own write not seen": (
        [txn(1, 0, 9, "a x 1", "r x -")],
        {"internal"},
        (),
    ),
    "nobody appended it": ([txn(1, 0, 9, "r x 7", "a x 1")], {"garbage read"}, ()),
    "twice in the list": (
        [txn(1, 0, 9, "a x 1"), txn(2, 10, 11, "r x 1,1")],
        {"duplicate elements"},
        (),
    ),
    "lists that exclude each other": (
        [
            txn(1, 0, 1, "a x 1"),
            txn(2, 0, 1, "a x 2"),
            txn(3, 2, 3, "r x 1,2"),
            txn(4, 2, 3, "r x 2"),
        ],
        {"incompatible order"},
        (),
    ),
    "a client does not see what it committed": (
        [txn(1, 0, 1, "a x 1"), txn(1, 2, 3, "r x -")],
        {"session"},
        ("serializable",),
    ),
    "another does not see what was committed": (
        [txn(1, 0, 1, "a x 1"), txn(2, 2, 3, "r x -")],
        {"realtime"},
        ("strong session serializable",),
    ),
    "one begins at the moment another ends": (
        [
            txn(1, 0, 5, "a x 1"),
            txn(2, 0, 5, "a y 1"),
            txn(1, 5, 9, "a z 1"),
            txn(2, 5, 9, "r x -"),
        ],
        set(),
        ("strict serializable",),
    ),
    "of unknown outcome and seen": (
        [
            txn(1, 0, 1, "a x 1", "a y 1", status="info"),
            txn(2, 2, 9, "r x 1", "r y -"),
        ],
        {"G-single"},
        ("read committed",),
    ),
    "of unknown outcome and never seen": (
        [txn(1, 0, 1, "a x 1", status="info"), txn(2, 2, 9, "r x -")],
        set(),
        ("strict serializable",),
    ),
    "a register is changed twice from one value": (
        [
            txn(1, 0, 1, "w x 1"),
            txn(1, 2, 9, "r x 1", "w x 2"),
            txn(2, 2, 9, "r x 1", "w x 3"),
        ],
        {"lost update"},
        ("read committed",),
    ),
    "registers are skewed": (
        [
            txn(1, 0, 9, "r x -", "r y -", "w x 1"),
            txn(2, 0, 9, "r x -", "r y -", "w y 1"),
        ],
        {"write skew"},
        ("snapshot isolation",),
    ),
    "a register read in the middle": (
        [txn(1, 0, 9, "w x 1", "w x 2"), txn(2, 3, 4, "r x 1", "w y 1")],
        {"G1b", "G-single"},
        ("read uncommitted",),
    ),
    "a register's own write not seen": (
        [txn(1, 0, 9, "w x 1", "r x -")],
        {"internal"},
        (),
    ),
    "a register read from a rollback": (
        [txn(1, 0, 9, "w x 1", status="fail"), txn(2, 0, 9, "r x 1", "w y 1")],
        {"G1a"},
        ("read uncommitted",),
    ),
    "its own element seen before it was appended": (
        [txn(1, 0, 1, "a x 1"), txn(2, 2, 3, "r x 1,2", "a x 2")],
        {"internal"},
        (),
    ),
    "appended in one order and read in another": (
        [txn(1, 0, 1, "a x 1", "a x 2"), txn(2, 2, 3, "r x 2,1")],
        {"incompatible order"},
        (),
    ),
    "the later element seen without the earlier one": (
        [txn(1, 0, 1, "a x 1", "a x 2"), txn(2, 2, 3, "r x 2")],
        {"incompatible order", "G-single"},
        (),
    ),
    "a register's own value read before it was written": (
        [txn(1, 0, 1, "w x 1"), txn(2, 2, 3, "r x 2", "w x 2")],
        {"internal"},
        (),
    ),
    "two registers' writers read each other's value": (
        [txn(1, 0, 9, "r x 2", "w x 1"), txn(2, 0, 9, "r x 1", "w x 2")],
        {"G1c"},
        ("read uncommitted",),
    ),
    "a register's read is not repeated": (
        [
            txn(1, 0, 1, "w x 1"),
            txn(2, 4, 5, "w x 2"),
            txn(3, 2, 7, "registers r x 1", "r x 2", "r x 2"),
        ],
        {"G-single"},
        ("read committed",),
    ),
    "a register read as nobody wrote it": (
        [txn(2, 0, 9, "r x 1", "w y 1")],
        {"garbage read"},
        (),
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_the_anomaly_and_the_level_left_are_named(name: str):
    history, expected, level = STORIES[name]
    report = found(*history)
    assert names(report) == expected
    assert report.holds == level
    for each in report.anomalies:
        judgement = report.judge(FORBIDDEN[each.name][0][0])
        assert judgement.failed
        assert judgement.operations
        for one, following in itertools.pairwise([*each.cycle, *each.cycle[:1]]):
            assert one.second is following.first


def test_a_cycle_is_told_in_words():
    why = found(*STORIES["write skew"][0]).anomalies[0].why
    assert why.splitlines() == [
        "No order of T1 and T2 explains what they did:",
        "  T1 (client 1): read x: [], read y: [], appended to x: 1",
        "  T2 (client 2): read x: [], read y: [], appended to y: 1",
        "Each must come before the next, and the last before the first:",
        "  T1 before T2, because T1 read y as it was before T2 wrote it",
        "  T2 before T1, because T2 read x as it was before T1 wrote it",
    ]


def test_the_order_of_writes_may_be_given():
    history = [
        txn(1, 0, 1, "w x 1", "w y 1"),
        txn(2, 0, 1, "w x 2", "w y 2"),
    ]
    assert found(*history).holds == ("strict serializable",)
    report = found(*history, orders={"x": [1, 2], "y": [2, 1]})
    assert names(report) == {"G0"}
    with pytest.raises(InvalidRequestError, match="names 3, which nobody committed"):
        found(*history, orders={"x": [3]})


def test_what_stands_in_a_register_may_be_a_list():
    written, read = ["w", "x", [1, 2]], ["r", "x", [1, 2]]
    lost = Operation(1, "txn", None, [written], None, 0, 1, "info")
    seen = Operation(2, "txn", None, [["r", "x", None]], [read], 2, 3)
    assert found(lost, seen).holds == ("strict serializable",)


def test_a_read_skew_is_found_behind_any_number_of_readers():
    skew = [txn(1, 0, 9, "r y -", "a x 1"), txn(2, 0, 9, "r x -", "a y 1")]
    readers = [txn(client, 1, 8, "r x -", "r y 1") for client in range(3, 300)]
    torn = [txn(300, 2, 9, "a z 1", "a w 1"), txn(301, 3, 9, "r x -", "r y 1", "r z -", "r w 1")]
    report = found(*skew, *readers, *torn)
    assert report.judge("snapshot isolation").failed
    assert "G-single" in names(report)


def test_levels_are_judged_one_by_one():
    report = found(*STORIES["write skew"][0])
    statuses = {level: report.judge(level).status for level in LEVELS}
    assert statuses == {
        "strict serializable": "failed",
        "strong session serializable": "failed",
        "serializable": "failed",
        "repeatable read": "failed",
        "snapshot isolation": "passed",
        "read committed": "passed",
        "read uncommitted": "passed",
    }


def test_a_value_written_twice_is_unknown():
    report = found(txn(1, 0, 1, "a x 1"), txn(2, 0, 1, "a x 1"))
    assert report.judge("serializable").status == "unknown"
    assert "twice" in report.judge("serializable").why
    assert report.holds == ()


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        (Operation(1, "read", "x", None, 1, 0, 1), "of transactions"),
        (Operation(1, "txn", None, 3, 3, 0, 1), "not a list"),
        (Operation(1, "txn", None, [], [["r", "x"]], 0, 1), "is no step"),
        (Operation(1, "txn", None, [], [["inc", "x", 1]], 0, 1), "is no step"),
        (Operation(1, "txn", None, [], [["w", "x", None]], 0, 1), "writes null"),
        (Operation(1, "txn", None, [], [["w", "x", 1], ["append", "y", 1]], 0, 1), "mixes"),
        (Operation(1, "txn", None, [], [["append", "x", 1], ["r", "y", 3]], 0, 1), "read as 3"),
    ],
)
def test_nonsense_is_refused(operation: Operation, said: str):
    with pytest.raises(InvalidRequestError, match=said):
        found(operation)


def _steps(kind: str) -> st.SearchStrategy[list[tuple[str, str]]]:
    step = st.tuples(st.sampled_from(["r", kind]), st.sampled_from("xy"))
    return st.lists(step, min_size=1, max_size=4)


class _Store:
    """A database of versions, with the isolation asked for; transactions go step by step.

    Who writes what another one has written and not committed is rolled back in the end.
    """

    def __init__(self, kind: str, level: str) -> None:
        self.kind, self.level = kind, level
        self.committed: dict[str, Any] = {}
        self.changed: dict[str, int] = {}
        self.clock = 0
        self.locked: dict[str, Any] = {}

    def begin(self) -> dict[str, Any]:
        return {
            "began": self.clock,
            "snapshot": dict(self.committed),
            "own": {},
            "read": set(),
            "doomed": False,
        }

    def step(self, open_: dict[str, Any], kind: str, key: str, number: int) -> Any:
        if kind == "r":
            open_["read"].add(key)
            base = self.committed if self.level == "read committed" else open_["snapshot"]
            return self._with_own(base.get(key), open_["own"].get(key, ()))
        open_["doomed"] |= self.locked.setdefault(key, open_) is not open_
        open_["own"][key] = (*open_["own"].get(key, ()), number)
        return number

    def commit(self, open_: dict[str, Any]) -> bool:
        self.locked = {key: by for key, by in self.locked.items() if by is not open_}
        if open_["doomed"]:
            return False
        watched = set(open_["own"]) if self.level != "read committed" else set()
        if self.level == "serializable":
            watched |= open_["read"]
        if any(self.changed.get(key, -1) >= open_["began"] for key in watched):
            return False
        for key, own in open_["own"].items():
            self.committed[key] = self._with_own(self.committed.get(key), own)
            self.changed[key] = self.clock
        self.clock += 1
        return True

    def _with_own(self, value: Any, own: tuple[int, ...]) -> Any:
        if self.kind == "append":
            return (*(value or ()), *own)
        return own[-1] if own else value


@st.composite
def _run(draw: st.DrawFn, kind: str, level: str) -> History:
    store = _Store(kind, level)
    plans = draw(st.lists(_steps(kind), min_size=1, max_size=5))
    turns = draw(st.permutations([i for i, plan in enumerate(plans) for _ in range(len(plan) + 2)]))
    numbers = itertools.count(1)
    states: dict[int, Any] = {}
    operations = []
    for at, index in enumerate(turns):
        plan = plans[index]
        if index not in states:
            states[index] = (at, store.begin(), [])
            continue
        began, open_, told = states[index]
        if len(told) < len(plan):
            step, key = plan[len(told)]
            told.append([step, key, store.step(open_, step, key, next(numbers))])
            continue
        ok = store.commit(open_)
        asked = [[step, key, None if step == "r" else value] for step, key, value in told]
        operations.append(
            Operation(
                index, "txn", None, asked, told if ok else None, began, at, "ok" if ok else "fail"
            )
        )
    return History(operations)


@pytest.mark.parametrize("kind", ["append", "w"])
@pytest.mark.parametrize(
    ("level", "kept"),
    [
        ("read committed", "read committed"),
        ("snapshot isolation", "snapshot isolation"),
        ("serializable", "strict serializable"),
    ],
)
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_a_database_that_keeps_a_level_is_never_accused(
    kind: str, level: str, kept: str, data: st.DataObject
):
    report = isolation.check(data.draw(_run(kind, level)))
    assert report.judge(kept).passed, report.judge(kept).why


@pytest.mark.parametrize("kind", ["append", "w"])
@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_trying_every_order_agrees_on_serializability(kind: str, data: st.DataObject):
    level = data.draw(st.sampled_from(["read committed", "snapshot isolation"]))
    history = data.draw(_run(kind, level))
    committed = [each for each in history if each.happened]
    possible = any(_explains(order, kind) for order in itertools.permutations(committed))
    judged = isolation.check(history).judge("serializable")
    if kind == "append":  # lists tell everything
        assert judged.passed == possible, judged.why
    else:  # of registers, not all that is wrong can be seen
        assert judged.passed or not possible, judged.why


def _explains(order: tuple[Operation, ...], kind: str) -> bool:
    state: dict[str, Any] = {}
    for operation in order:
        for step, key, value in operation.result:
            if step != "r":
                state[key] = (*state.get(key, ()), value) if kind == "append" else value
            elif value != state.get(key, () if kind == "append" else None):
                return False
    return True

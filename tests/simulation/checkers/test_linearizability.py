"""Linearizability: what one copy did always passes; an oracle that tries all orders agrees."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulation.checkers.executions import (
    REQUESTS,
    changed,
    executions,
    explains,
    in_real_time,
    some_order,
)

from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.simulation.checkers import linearizability
from jupyter_sysdesign.simulation.checkers.history import History, Operation
from jupyter_sysdesign.simulation.checkers.judgement import Budget
from jupyter_sysdesign.simulation.checkers.specifications import (
    CasRegister,
    Counter,
    Register,
    Set,
)


def write(client: Any, value: Any, invoked: int, returned: int | None, **fields: Any) -> Operation:
    return Operation(client, "write", "x", value, None, invoked, returned, **fields)


def read(client: Any, result: Any, invoked: int, returned: int) -> Operation:
    return Operation(client, "read", "x", None, result, invoked, returned)


@pytest.mark.parametrize("name", REQUESTS)
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_what_one_copy_did_passes(name: str, data: st.DataObject):
    history = data.draw(executions(name))
    found = linearizability.check(history, REQUESTS[name][0])
    assert found.passed
    if found.order:
        assert in_real_time(found.order)
        assert explains(found.order, REQUESTS[name][0])
        assert {id(each) for each in history if each.happened} <= set(map(id, found.order))


@pytest.mark.parametrize("name", REQUESTS)
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_trying_every_order_agrees(name: str, data: st.DataObject):
    specification = REQUESTS[name][0]
    history = data.draw(changed(executions(name, most=5, keys="x")))
    expected = some_order(history, specification, in_real_time)
    found = linearizability.check(history, specification)
    assert found.status == ("passed" if expected else "failed")
    if not expected:  # what it shows is a part of the history, and fails by itself
        assert set(map(id, found.operations)) <= set(map(id, history))
        assert found.why.count("\n") >= len(found.operations)


@settings(deadline=None, max_examples=100)
@given(history=changed(executions("register", most=14, clients=4)))
def test_the_operations_shown_are_not_linearizable_by_themselves(history: History):
    found = linearizability.check(history, Register())
    if found.failed:
        assert linearizability.check(History(found.operations), Register()).failed


def test_a_stale_read_is_told_in_three_lines():
    history = History(
        [
            write(1, 1, 0, 5),
            read(2, 1, 6, 7),
            write(1, 2, 8, 12),
            read(2, 2, 13, 14),
            read(3, 1, 15, 20),
            write(2, 3, 16, 30),
        ]
    )
    found = linearizability.check(history, Register())
    assert found.failed
    assert [str(each) for each in found.operations] == [
        "write x of client 1 invoked 0",
        "write x of client 1 invoked 8",
        "read x of client 3 invoked 15",
    ]
    assert "client 3 read x and got 1" in found.why
    assert "x can only have been 2 by then" in found.why
    assert "was null at first" in found.why


def test_a_read_that_overlaps_the_write_may_see_either():
    for seen in (None, 1):
        assert linearizability.check(
            History([write(1, 1, 0, 10), read(2, seen, 3, 5)]), Register()
        ).passed
    backwards = [write(1, 1, 0, 10), read(2, 1, 3, 5), read(3, None, 6, 7)]
    assert linearizability.check(History(backwards), Register()).failed


def test_at_one_moment_operations_overlap_unless_one_client_made_both():
    assert linearizability.check(
        History([write(1, 1, 0, 5), read(2, None, 5, 6)]), Register()
    ).passed
    assert linearizability.check(
        History([write(1, 1, 0, 5), read(1, None, 5, 6)]), Register()
    ).failed
    assert linearizability.check(
        History([write(1, 1, 5, 5), read(1, 1, 5, 5), write(1, 2, 5, 5), read(1, 2, 5, 5)]),
        Register(),
    ).passed
    both = [write(1, 1, 0, 5), read(2, None, 0, 5), read(2, None, 5, 9)]
    assert linearizability.check(History(both), Register()).passed


def test_what_a_client_asked_at_one_moment_keeps_its_order_in_a_contradiction():
    early, late = read(1, 2, 3, 3), read(1, 1, 3, 6)
    history = History([write(2, 1, 0, 1), write(3, 2, 0, 1), early, late, read(4, 2, 7, 8)])
    found = linearizability.check(history, Register())
    assert found.failed
    assert [each for each in found.operations if each.client == 1] == [early, late]


def test_an_answer_that_never_came_may_have_happened_later_or_never():
    lost = write(1, 1, 0, 3, status="info")
    for seen in ([None, 1, 1], [None, None, None]):
        reads = [read(2, value, 10 + i, 10 + i) for i, value in enumerate(seen)]
        assert linearizability.check(History([lost, *reads]), Register()).passed
    reads = [read(2, value, 10 + i, 10 + i) for i, value in enumerate([None, 1, None])]
    assert linearizability.check(History([lost, *reads]), Register()).failed


def test_what_failed_did_not_happen():
    refused = write(1, 1, 0, 3, status="fail")
    assert linearizability.check(History([refused, read(2, 1, 5, 6)]), Register()).failed
    assert linearizability.check(History([refused, read(2, None, 5, 6)]), Register()).passed


def test_keys_are_objects_of_their_own():
    first = Operation(1, "write", "x", 1, None, 0, 1)
    other = Operation(2, "read", "y", None, None, 2, 3)
    assert linearizability.check(History([first, other]), Register()).passed
    same = Operation(2, "read", "x", None, None, 2, 3)
    assert linearizability.check(History([first, same]), Register()).failed


def test_two_winners_of_one_compare_and_set_are_found():
    both = [
        Operation(client, "cas", "lock", [None, client], result=True, invoked=0, returned=10)
        for client in ("a", "b")
    ]
    found = linearizability.check(History(both), CasRegister())
    assert found.failed
    assert "did cas lock [null," in found.why


def test_increments_that_answer_the_same_sum_are_found():
    two = [Operation(client, "increment", "n", 1, 1, 0, 10) for client in (1, 2)]
    assert linearizability.check(History(two), Counter()).failed


def test_a_set_is_read_in_any_order():
    added = [Operation(1, "add", "s", value, None, value, value) for value in (1, 2)]
    shuffled = Operation(1, "read", "s", None, [2, 1], 3, 4)
    twice = Operation(1, "read", "s", None, [2, 1, 1], 3, 4)
    assert linearizability.check(History([*added, shuffled]), Set()).passed
    assert linearizability.check(History([*added, twice]), Set()).failed


def test_the_limit_answers_unknown():
    # Thirty writes in any order, of few values: then nobody may have read what nobody wrote.
    many = [write(client, client % 3, 0, 100) for client in range(30)]
    reads = [read(31, 0, 101, 102), read(32, 1, 103, 104), read(33, 2, 101, 104)]
    found = linearizability.check(
        History([*many, *reads]), Register(), Budget(states=500, seconds=None)
    )
    assert found.status == "unknown"
    assert found.states == 501
    assert "given up" in found.why
    found = linearizability.check(History([*many, *reads]), Register(), Budget(seconds=0))
    assert found.status == "unknown"


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [("enqueue", 1, "has no operation 'enqueue'"), ("cas", 3, r"cas needs \[expected, new\]")],
)
def test_operations_the_object_does_not_know_are_refused(kind: str, value: Any, said: str):
    with pytest.raises(InvalidRequestError, match=said):
        linearizability.check(History([Operation(1, kind, "x", value, None, 0, 1)]), CasRegister())

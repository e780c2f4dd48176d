"""Sequential consistency: an oracle that tries all orders agrees; the clock does not matter."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulation.checkers.executions import (
    REQUESTS,
    changed,
    executions,
    explains,
    in_program_order,
    some_order,
)

from jupyter_sysdesign.simulation.checkers import linearizability, sequential
from jupyter_sysdesign.simulation.checkers.history import History, Operation
from jupyter_sysdesign.simulation.checkers.judgement import Budget
from jupyter_sysdesign.simulation.checkers.specifications import Register


@pytest.mark.parametrize("name", REQUESTS)
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_trying_every_order_agrees(name: str, data: st.DataObject):
    specification = REQUESTS[name][0]
    history = data.draw(changed(executions(name, most=5)))
    expected = some_order(history, specification, in_program_order)
    found = sequential.check(history, specification)
    assert found.status == ("passed" if expected else "failed")
    if expected:
        assert in_program_order(found.order)
        assert explains(found.order, specification)
    else:
        assert sequential.check(History(found.operations), specification).failed


@pytest.mark.parametrize("name", REQUESTS)
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_what_is_linearizable_is_sequential(name: str, data: st.DataObject):
    specification = REQUESTS[name][0]
    history = data.draw(changed(executions(name, most=10)))
    if linearizability.check(history, specification).passed:
        assert sequential.check(history, specification).passed


def test_a_stale_read_is_sequential_but_not_linearizable():
    history = History(
        [
            Operation(1, "write", "x", 1, None, 0, 1),
            Operation(2, "read", "x", None, None, 5, 6),
        ]
    )
    assert sequential.check(history, Register()).passed
    assert linearizability.check(history, Register()).failed


def test_two_keys_that_are_fine_alone_may_not_be_together():
    # Each writes one key and does not see the other: the store buffer of a processor.
    history = History(
        [
            Operation(1, "write", "x", 1, None, 0, 1),
            Operation(1, "read", "y", None, None, 2, 3),
            Operation(2, "write", "y", 1, None, 0, 1),
            Operation(2, "read", "x", None, None, 2, 3),
        ]
    )
    found = sequential.check(history, Register())
    assert found.failed
    assert len(found.operations) == 4
    for part in history.by_key().values():
        assert sequential.check(part, Register()).passed


def _reads(client: str, *results: int) -> list[Operation]:
    return [Operation(client, "read", "x", None, each, i, i) for i, each in enumerate(results)]


def test_what_nobody_knows_comes_after_what_its_client_did_before():
    first = Operation(1, "write", "x", 1, None, 0, 1)
    lost = Operation(1, "write", "x", 2, None, 2, 3, "info")
    assert sequential.check(History([first, lost, *_reads("b", 1, 2)]), Register()).passed
    assert sequential.check(History([first, lost, *_reads("b", 2, 1)]), Register()).failed


def test_what_nobody_knows_may_bring_a_value_back():
    first = Operation("b", "write", "x", 1, None, -2, -1)
    second = Operation(2, "write", "x", 2, None, 0, 1)
    lost = Operation(3, "write", "x", 1, None, 0, 1, "info")
    assert sequential.check(History([first, second, *_reads("b", 1, 2, 1)]), Register()).failed
    assert sequential.check(
        History([first, second, lost, *_reads("b", 1, 2, 1)]), Register()
    ).passed


def test_the_limit_answers_unknown():
    history = History(
        Operation(client, "write", "x", client % 3, None, at, at + 1)
        for client in range(8)
        for at in (0, 1, 2)
    )
    last = [Operation(9, "read", "x", None, value, 10 + value, 11 + value) for value in (0, 1, 0)]
    last[2] = Operation(9, "read", "y", None, 5, 20, 21)
    found = sequential.check(
        History([*history, *last]), Register(), Budget(states=300, seconds=None)
    )
    assert found.status == "unknown"
    assert found.states == 301

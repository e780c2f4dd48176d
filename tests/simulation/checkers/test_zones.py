"""Values that exclude each other, against the search that tries orders."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from simulation.checkers.executions import executions

from jupyter_sysdesign.simulation.checkers import linearizability, zones
from jupyter_sysdesign.simulation.checkers.history import History, Operation
from jupyter_sysdesign.simulation.checkers.judgement import Budget, Meter
from jupyter_sysdesign.simulation.checkers.placing import search
from jupyter_sysdesign.simulation.checkers.specifications import Register


@st.composite
def _distinct(draw: st.DrawFn) -> History:
    """Draw a history in which each value is written once, and read at any time at all."""
    history = draw(executions("register", most=10, clients=4, keys="x"))
    numbers = itertools.count(1)
    values: dict[int, Any] = {id(each): next(numbers) for each in history if each.kind == "write"}
    return History(
        Operation(
            each.client,
            each.kind,
            each.key,
            values.get(id(each)),
            draw(st.sampled_from([None, *values.values(), 99]))
            if each.kind == "read" and each.happened
            else None,
            2 * each.invoked + at % 2,  # no two clients' moments are the same
            None if each.returned is None else 2 * each.returned,
            each.status,
        )
        for at, each in enumerate(history)
    )


def _apart(history: History) -> bool:
    """Return whether no operation begins when another of the same client ends."""
    return not any(
        one.returned == other.invoked
        for sequence in history.by_client().values()
        for one, other in itertools.pairwise(sequence)
    )


@settings(deadline=None, max_examples=300)
@given(history=_distinct())
def test_what_excludes_each_other_is_found_where_no_order_is(history: History):
    clash = zones.conflict(history.operations, Register())
    found = search(history.operations, Register(), Meter(Budget()))
    if clash:
        assert found.status == "failed"
        alone = search(History(clash).operations, Register(), Meter(Budget()))
        assert alone.status == "failed"
    elif _apart(history):
        assert found.status == "passed"


def test_values_written_twice_are_left_to_the_search():
    history = History(
        [
            Operation(1, "write", "x", 1, None, 0, 1),
            Operation(1, "write", "x", 1, None, 2, 3),
            Operation(1, "write", "x", 2, None, 4, 5),
            Operation(1, "read", "x", None, 1, 6, 7),
        ]
    )
    assert zones.conflict(history.operations, Register()) == ()
    assert linearizability.check(history, Register()).failed


def test_twenty_clients_with_values_of_their_own_need_no_search():
    operations = [
        Operation(client, "write", "x", 100 * turn + client, None, 10 * turn, 10 * turn + 9)
        for turn in range(20)
        for client in range(20)
    ]
    stale = Operation("reader", "read", "x", None, 3, 300, 301)
    found = linearizability.check(History([*operations, stale]), Register())
    assert found.failed
    assert found.states == 0
    assert len(found.operations) == 3

"""Whatever a history holds, a checker judges it or says in words what is wrong with it."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulation.checkers.executions import REQUESTS

from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.simulation.checkers import (
    convergence,
    isolation,
    linearizability,
    models,
    sequential,
)
from jupyter_sysdesign.simulation.checkers.history import History, Operation
from jupyter_sysdesign.simulation.checkers.judgement import Budget

_kinds = sorted({kind for spec, _ in REQUESTS.values() for kind in spec.kinds} | {"txn"})
_scalars = st.sampled_from([None, True, 0, 1, 2, -1, 1.5, "", "x", "a"])
_steps = st.tuples(st.sampled_from(["r", "w", "append", "x"]), _scalars, _scalars)
_values = (
    _scalars
    | st.lists(_scalars | _steps, max_size=3)
    | st.lists(st.lists(_scalars, max_size=3), max_size=3)
)


@st.composite
def _histories(draw: st.DrawFn, kinds: list[str]) -> History:
    clocks = dict.fromkeys("abc", 0)
    operations = []
    for _ in range(draw(st.integers(0, 6))):
        client = draw(st.sampled_from("abc"))
        invoked = clocks[client] + draw(st.integers(0, 2))
        clocks[client] = invoked + draw(st.integers(0, 5))
        status = draw(st.sampled_from(["ok", "ok", "fail", "info"]))
        operations.append(
            Operation(
                client,
                draw(st.sampled_from(kinds)),
                draw(_scalars),
                draw(_values),
                draw(_values) if status == "ok" else None,
                invoked,
                clocks[client],
                status,
            )
        )
    return History(operations)


@pytest.mark.parametrize("name", REQUESTS)
@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_any_object_is_judged_or_refused(name: str, data: st.DataObject):
    specification = REQUESTS[name][0]
    kinds = data.draw(st.sampled_from([sorted(specification.kinds), _kinds]))
    history = data.draw(_histories(kinds))
    budget = Budget(states=2000, seconds=None)
    for check in (linearizability.check, sequential.check):
        with contextlib.suppress(InvalidRequestError):
            assert check(history, specification, budget).why


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_any_history_is_classified_or_refused(data: st.DataObject):
    kinds = data.draw(st.sampled_from([["read", "write"], ["txn"], _kinds]))
    history = data.draw(_histories(kinds))
    assert convergence.check(history).why
    for check in (models.classify, isolation.check):
        with contextlib.suppress(InvalidRequestError):
            assert check(history) is not None

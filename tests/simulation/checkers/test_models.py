"""The lattice of consistency models: each broken by what breaks it, and by nothing weaker."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulation.checkers.executions import executions

from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.simulation.checkers import causal, convergence, models, sessions
from jupyter_sysdesign.simulation.checkers.history import History, Operation
from jupyter_sysdesign.simulation.checkers.judgement import Budget

if TYPE_CHECKING:
    from collections.abc import Iterator


def told(*lines: str) -> History:
    """Return a history from lines like ``a w x 1``, ``b r y -``, each taking one moment."""
    operations = []
    for at, line in enumerate(lines):
        client, kind, key, value = line.split()[:4]
        status: Any = line.split()[4] if len(line.split()) > 4 else "ok"
        given = None if value == "-" else int(value)
        operations.append(
            Operation(client, "write", key, given, None, 2 * at, 2 * at + 1, status)
            if kind == "w"
            else Operation(client, "read", key, None, given, 2 * at, 2 * at + 1, status)
        )
    return History(operations)


#: Histories, and the weakest models they break.
STORIES = {
    "nothing": (("a w x 1", "b r x 1", "b w x 2", "a r x 2"), ()),
    "a stale read": (("a w x 1", "b r x -", "b r x 1"), ("linearizable",)),
    "store buffers": (
        ("a w x 1", "b w y 1", "a r y -", "b r x -", "a r y 1", "b r x 1"),
        ("sequential",),
    ),
    "own write not seen": (("a w x 1", "a w x 2", "a r x 1", "a r x 2"), ("read your writes",)),
    "reads go back": (
        ("a w x 1", "a w x 2", "b r x 2", "b r x 1", "b r x 2"),
        ("monotonic reads",),
    ),
    "a later write seen first": (
        ("a w x 1", "a w y 1", "b r y 1", "b r x -", "b r x 1"),
        ("monotonic writes",),
    ),
    "the answer seen before the question": (
        ("a w x 1", "b r x 1", "b w y 1", "c r y 1", "c r x -", "c r x 1"),
        ("writes follow reads",),
    ),
    "the answer to an answer seen before the question": (
        (
            "a w x 1",
            "b r x 1",
            "b w y 1",
            "c r y 1",
            "c w z 1",
            "d r z 1",
            "d r x -",
            "d r x 1",
        ),
        ("writes follow reads",),
    ),
    "what it learns later changes what it should have seen": (
        (
            "p w z 1",
            "p w x 1",
            "p w u 1",
            "q w x 2",
            "q w y 5",
            "c r y 5",
            "c r z -",
            "c r u 1",
            "c r x 2",
            "c r z 1",
        ),
        ("causal memory",),
    ),
    "known only by several steps": (
        (
            "a w x 1",
            "a w y 1",
            "b r y 1",
            "b w z 1",
            "c r z 1",
            "c r x -",
            "c r x 1",
        ),
        ("causal",),
    ),
    "read before it was written": (("a r x 1", "a w x 1", "a r x 1"), ("causal",)),
    "nobody wrote it": (("a w x 1", "a r x 7", "a r x 1"), ("causal",)),
    "two clients disagree on the order": (
        (
            "a w x 1",
            "b w x 2",
            "c r x 1",
            "c r x 2",
            "d r x 2",
            "d r x 1",
        ),
        ("causal convergence", "eventual convergence"),
    ),
    "one client changes its mind": (
        ("a w x 1", "b w x 2", "c r x 1", "c r x 2", "c r x 1"),
        ("causal convergence", "causal memory"),
    ),
    "copies stay apart": (
        ("a w x 1", "b w x 2", "a r x 1", "b r x 2"),
        ("eventual convergence",),
    ),
    "lost at the end": (
        ("a w x 1", "b r x -"),
        ("eventual convergence",),
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_the_weakest_broken_model_is_named(name: str):
    lines, expected = STORIES[name]
    found = models.classify(told(*lines))
    broken = tuple(each.model for each in found.weakest_broken)
    assert broken == expected
    for each in found.weakest_broken:
        assert each.operations
        assert "\n  client" in each.why


def test_the_strongest_kept_models_are_named():
    found = models.classify(told(*STORIES["a stale read"][0]))
    assert [each.model for each in found.strongest_kept] == ["sequential", "eventual convergence"]
    assert models.weakest_violated(told(*STORIES["nothing"][0])) == ()


def test_a_broken_session_is_told_in_words():
    why = models.weakest_violated(told(*STORIES["a later write seen first"][0]))[0].why
    assert why.splitlines()[0] == (
        "client b read x and got null, although it had seen a write whose client had written a "
        "newer version before: client a wrote x = 1."
    )


def test_a_write_of_unknown_outcome_binds_nobody_until_it_is_read():
    lost = told("a w x 1 info", "a r x -", "b r x -")
    assert models.weakest_violated(lost) == ()
    seen = told("a w x 1 info", "a r x -", "b r x 1", "b r x -")
    assert "monotonic reads" in [each.model for each in models.weakest_violated(seen)]
    open_end = convergence.check(told("a w x 1 info", "a r x -", "b r x 1"))
    assert open_end.status == "unknown"


def test_values_written_twice_tell_nothing_but_what_a_stronger_model_says():
    twice = told("a w x 1", "b w x 1", "a r x 1")
    assert causal.check_causal(twice).status == "unknown"
    assert "written more than once" in causal.check_causal(twice).why
    assert models.classify(twice).judgements["causal"].passed
    same = told("a w x -", "a r x -")
    assert "also what was there at first" in causal.check_causal(same).why


def test_other_operations_are_refused():
    with pytest.raises(InvalidRequestError, match="no operation 'add'"):
        models.classify(History([Operation(1, "add", "x", 1, None, 0, 1)]))


def test_a_search_that_gave_up_is_helped_by_the_others():
    lines = STORIES["reads go back"][0]
    many = [Operation(f"w{i}", "write", "z", i, None, 0, 100) for i in range(9)]
    history = History([*told(*lines), *many, Operation("r", "read", "z", None, 3, 50, 101)])
    found = models.classify(history, budget=Budget(states=2, seconds=None))
    assert found.judgements["sequential"].failed
    assert "It implies" in found.judgements["sequential"].why


def test_nothing_read_at_the_end_is_unknown():
    assert convergence.check(told("a r x -", "a w x 1")).status == "unknown"
    assert convergence.check(told("a w x 1", "a w x 2", "a r x 2", "b r x 2")).passed


def _restamped(history: History, values: st.DataObject) -> History:
    """Give each write a value of its own, and each read the value of some write, or none."""
    writes = itertools.count(1)
    stamped = [
        Operation(
            each.client,
            each.kind,
            each.key,
            next(writes) if each.kind == "write" else None,
            None,
            each.invoked,
            each.returned,
            each.status,
        )
        for each in history
    ]
    return History(
        Operation(
            each.client,
            each.kind,
            each.key,
            each.value,
            values.draw(
                st.sampled_from(
                    [None, *(w.value for w in stamped if w.kind == "write" and w.key == each.key)]
                )
            )
            if each.kind == "read" and each.happened
            else None,
            each.invoked,
            each.returned,
            each.status,
        )
        for each in stamped
    )


@settings(deadline=None, max_examples=250)
@given(data=st.data())
def test_a_stronger_model_implies_the_weaker_ones(data: st.DataObject):
    history = _restamped(data.draw(executions("register", most=9, clients=4)), data)
    found = models.classify(history).judgements
    for model, judgement in found.items():
        for each in models.weaker(model):
            assert not (judgement.passed and found[each].failed), (model, each)


@settings(deadline=None, max_examples=400)
@given(data=st.data())
def test_the_definitions_tried_in_every_order_agree(data: st.DataObject):
    history = _restamped(data.draw(executions("register", most=6, clients=3, doubts=False)), data)
    past = _pasts(history)
    for check, holds in (
        (causal.check_causal, _causal),
        (causal.check_memory, _memory),
        (causal.check_convergence, _convergence),
    ):
        expected = past is not None and holds(history, past)
        assert check(history).status == ("passed" if expected else "failed"), check


def _pasts(history: History) -> dict[Operation, set[Operation]] | None:
    """Return what happened before each operation, step by step; None if it goes in a circle."""
    operations = list(history)
    past: dict[Operation, set[Operation]] = {each: set() for each in operations}
    for each in operations:
        for other in operations:
            own = other.client == each.client and other.invoked < each.invoked
            read = (
                each.kind == "read"
                and other.kind == "write"
                and (other.key, other.value) == (each.key, each.result)
            )
            if own or read:
                past[each].add(other)
    for _ in operations:
        for each in operations:
            for other in list(past[each]):
                past[each] |= past[other]
    return None if any(each in past[each] for each in operations) else past


def _orders(
    some: set[Operation], past: dict[Operation, set[Operation]]
) -> Iterator[tuple[Operation, ...]]:
    for order in itertools.permutations(some):
        if not any(
            later in past[earlier]
            for position, earlier in enumerate(order)
            for later in order[position + 1 :]
        ):
            yield order


def _answers(order: tuple[Operation, ...], checked: set[Operation]) -> bool:
    state: dict[Any, Any] = {}
    for each in order:
        if each.kind == "write":
            state[each.key] = each.value
        elif each in checked and state.get(each.key) != each.result:
            return False
    return True


def _causal(history: History, past: dict[Operation, set[Operation]]) -> bool:
    return all(
        any(_answers(order, {each}) for order in _orders(past[each] | {each}, past))
        for each in history
    )


def _memory(history: History, past: dict[Operation, set[Operation]]) -> bool:
    return all(
        any(
            _answers(order, set(sequence))
            for order in _orders(past[sequence[-1]] | {sequence[-1]}, past)
        )
        for sequence in history.by_client().values()
    )


def _convergence(history: History, past: dict[Operation, set[Operation]]) -> bool:
    return any(
        all(
            _answers(tuple(o for o in order if o in past[each] or o is each), {each})
            for each in history
        )
        for order in _orders(set(history), past)
    )


def test_every_guarantee_has_a_name():
    assert set(models.IMPLIES["causal"]) == {
        sessions.READ_YOUR_WRITES,
        sessions.MONOTONIC_READS,
        sessions.MONOTONIC_WRITES,
        sessions.WRITES_FOLLOW_READS,
    }

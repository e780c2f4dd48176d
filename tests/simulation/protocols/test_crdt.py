"""Replicated data types: the laws of merging, convergence, and what each type means by it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_sysdesign.simulation.protocols.clocks import Stamp
from jupyter_sysdesign.simulation.protocols.crdt.counters import GCounter, PNCounter
from jupyter_sysdesign.simulation.protocols.crdt.lww_register import LWWRegister
from jupyter_sysdesign.simulation.protocols.crdt.or_set import ORSet
from jupyter_sysdesign.simulation.protocols.crdt.rga import RGA

if TYPE_CHECKING:
    from collections.abc import Callable

NODES = ("a", "b", "c")
_changes = itertools.count(1)


def _count(state: GCounter, node: str, choice: int) -> GCounter:
    return state.increment(node, choice)


def _count_both_ways(state: PNCounter, node: str, choice: int) -> PNCounter:
    return state.increment(node, choice) if choice % 2 else state.decrement(node, choice)


def _write(state: LWWRegister[int], node: str, choice: int) -> LWWRegister[int]:
    number = next(_changes)
    return state.write(number, Stamp(state.stamp.time + choice, f"{node}{number}"))


def _add_or_remove(state: ORSet[int], node: str, choice: int) -> ORSet[int]:
    return state.remove(choice // 2) if choice % 3 == 0 else state.add(node, choice // 2)


def _edit(state: RGA[int], node: str, choice: int) -> RGA[int]:
    length = len(state.value)
    if length and choice % 3 == 0:
        return state.delete(choice % length)
    return state.insert(node, choice % (length + 1), next(_changes))


TYPES: dict[str, tuple[Any, Callable[[Any, str, int], Any]]] = {
    "G-counter": (GCounter(), _count),
    "PN-counter": (PNCounter(), _count_both_ways),
    "LWW register": (LWWRegister(0, Stamp(0, "")), _write),
    "OR-set": (ORSet(), _add_or_remove),
    "RGA": (RGA(), _edit),
}

#: Who changes its state, with what choice; or who merges whose.
_events = st.lists(
    st.tuples(st.sampled_from(NODES), st.integers(0, 8) | st.sampled_from(NODES)), max_size=25
)


def _run(name: str, events: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the state of each replica after ``events``."""
    initial, change = TYPES[name]
    states = dict.fromkeys(NODES, initial)
    for node, what in events:
        states[node] = (
            states[node].merge(states[what])
            if isinstance(what, str)
            else change(states[node], node, what)
        )
    return states


@pytest.mark.parametrize("name", TYPES)
@settings(deadline=None)
@given(events=_events)
def test_the_laws_of_merging_hold(name: str, events: list[tuple[str, Any]]):
    a, b, c = _run(name, events).values()
    assert a.merge(b) == b.merge(a)
    assert a.merge(b.merge(c)) == a.merge(b).merge(c)
    assert a.merge(a) == a
    assert a.merge(b).merge(b) == a.merge(b)


@pytest.mark.parametrize("name", TYPES)
@settings(deadline=None)
@given(events=_events, choice=st.integers(0, 8))
def test_a_change_goes_up_and_is_not_lost(name: str, events: list[tuple[str, Any]], choice: int):
    before = _run(name, events)["a"]
    after = TYPES[name][1](before, "a", choice)
    assert after.merge(before) == after


@pytest.mark.parametrize("name", TYPES)
@settings(deadline=None)
@given(events=_events, order=st.permutations(NODES))
def test_replicas_that_have_heard_the_same_agree(
    name: str, events: list[tuple[str, Any]], order: list[str]
):
    states = _run(name, events)
    one, other = TYPES[name][0], TYPES[name][0]
    for node in NODES:
        one = one.merge(states[node])
    for node in [*order, *order]:
        other = other.merge(states[node])
    assert one == other
    assert one.value == other.value


@given(events=_events)
def test_counters_count_every_step_once(events: list[tuple[str, Any]]):
    steps = [what for _, what in events if isinstance(what, int)]
    a, b, c = _run("G-counter", events).values()
    assert a.merge(b).merge(c).value == sum(steps)
    a, b, c = _run("PN-counter", events).values()
    assert a.merge(b).merge(c).value == sum(each if each % 2 else -each for each in steps)


def test_a_counter_that_grows_refuses_to_shrink():
    with pytest.raises(ValueError, match="only grows"):
        GCounter().increment("a", -1)


def test_the_last_write_wins_and_the_other_is_gone():
    start = LWWRegister("", Stamp(0, ""))
    one, other = start.write("one", Stamp(1, "a")), start.write("other", Stamp(1, "b"))
    assert one.merge(other).value == other.merge(one).value == "other"
    assert one.write("late", Stamp(0, "z")).value == "one"


def test_an_addition_wins_over_a_removal_that_did_not_know_of_it():
    shared: ORSet[str] = ORSet().add("a", "milk")
    removed, again = shared.remove("milk"), shared.add("b", "milk")
    assert removed.merge(again).value == {"milk"}
    assert removed.merge(shared).value == frozenset()
    assert removed.merge(again).remove("milk").merge(again).value == frozenset()


@given(events=_events)
def test_what_is_not_removed_stays_in_the_set(events: list[tuple[str, Any]]):
    only_added = [(n, w) for n, w in events if isinstance(w, str) or w % 3]
    a, b, c = _run("OR-set", only_added).values()
    added = {what // 2 for _, what in only_added if isinstance(what, int)}
    assert a.merge(b).merge(c).value == added


@given(events=_events, position=st.integers(0, 30))
def test_an_insertion_stands_where_it_was_made(events: list[tuple[str, Any]], position: int):
    state = _run("RGA", events)["a"]
    before = state.value
    at = position % (len(before) + 1)
    assert state.insert("a", at, -1).value == [*before[:at], -1, *before[at:]]
    if before:
        gone = position % len(before)
        assert state.delete(gone).value == [*before[:gone], *before[gone + 1 :]]


@given(events=_events)
def test_merging_never_changes_the_order_of_what_was_there(events: list[tuple[str, Any]]):
    a, b, _ = _run("RGA", events).values()
    merged = list(a.merge(b).order())
    for state in (a, b):
        assert [stamp for stamp in merged if stamp in state.elements] == list(state.order())


def test_what_two_type_at_one_place_is_not_mixed():
    shared: RGA[str] = RGA()
    one = other = shared
    for position, letter in enumerate("one"):
        one = one.insert("a", position, letter)
    for position, letter in enumerate("two"):
        other = other.insert("b", position, letter)
    assert "".join(one.merge(other).value) == "twoone"


def test_a_position_outside_is_refused():
    with pytest.raises(IndexError, match="position 1 in a list of 0"):
        RGA().insert("a", 1, "x")
    with pytest.raises(IndexError, match="position 0 in a list of 0"):
        RGA().delete(0)

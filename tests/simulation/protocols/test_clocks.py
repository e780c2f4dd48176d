"""Logical clocks against the happened-before relation itself, of random runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from jupyter_sysdesign.simulation.protocols.clocks import LamportClock, Order, Stamp, VectorClock

if TYPE_CHECKING:
    from collections.abc import Sequence

NODES = "abc"


@st.composite
def _runs(draw: st.DrawFn) -> list[tuple[str, int | None]]:
    """Draw events: the node, and the event it hears of (the sending of a message), if any."""
    events: list[tuple[str, int | None]] = []
    for number in range(draw(st.integers(1, 15))):
        heard = draw(st.none() | st.integers(0, number - 1)) if number else None
        events.append((draw(st.sampled_from(NODES)), heard))
    return events


def _before(events: Sequence[tuple[str, int | None]]) -> list[set[int]]:
    """Return, for each event, those that happened before it."""
    found: list[set[int]] = []
    for number, (node, heard) in enumerate(events):
        direct = {each for each in range(number) if events[each][0] == node}
        direct |= {heard} if heard is not None else set()
        found.append(direct.union(*(found[each] for each in direct)))
    return found


@given(_runs())
def test_a_lamport_stamp_never_contradicts_what_happened_before(
    events: list[tuple[str, int | None]],
):
    clocks = {node: LamportClock(node) for node in NODES}
    stamps: list[Stamp] = []
    for node, heard in events:
        clock = clocks[node]
        stamps.append(clock.tick() if heard is None else clock.receive(stamps[heard]))
    assert len(set(stamps)) == len(stamps)
    for number, before in enumerate(_before(events)):
        assert all(stamps[each] < stamps[number] for each in before)


@given(_runs())
def test_a_vector_clock_tells_exactly_what_happened_before(events: list[tuple[str, int | None]]):
    here = {node: VectorClock() for node in NODES}
    clocks: list[VectorClock] = []
    for node, heard in events:
        known = here[node] if heard is None else here[node].merge(clocks[heard])
        here[node] = known.tick(node)
        clocks.append(here[node])
    before = _before(events)
    for one in range(len(events)):
        for other in range(len(events)):
            expected = (
                Order.EQUAL
                if one == other
                else Order.BEFORE
                if one in before[other]
                else Order.AFTER
                if other in before[one]
                else Order.CONCURRENT
            )
            assert clocks[one].compare(clocks[other]) is expected


def test_a_node_that_is_missing_counts_as_nothing():
    assert VectorClock({"a": 0}).compare(VectorClock()) is Order.EQUAL
    assert VectorClock().compare(VectorClock({"a": 1})) is Order.BEFORE

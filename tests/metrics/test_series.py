"""Ring buffers over one time axis, against a plain list."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from jupyter_sysdesign.metrics.series import MAX_NAMES, Ring, Series

samples = st.lists(
    st.dictionaries(st.sampled_from("abcd"), st.floats(-10, 10), max_size=4), max_size=30
)


@given(st.integers(1, 8), st.lists(st.floats(-5, 5), max_size=30))
def test_a_ring_keeps_the_last(capacity: int, items: list[float]):
    ring = Ring(capacity)
    for item in items:
        ring.append(item)
    assert ring.list() == items[-capacity:]
    assert len(ring) == len(items[-capacity:])


@given(st.integers(1, 8), samples, st.integers(0, 30))
def test_every_metric_shares_the_times(capacity: int, taken: list[dict[str, float]], since: int):
    series = Series(capacity)
    for ts, values in enumerate(taken):
        series.append(float(ts), values)
    kept = [(ts, values) for ts, values in enumerate(taken)][-capacity:]
    shown = [(ts, values) for ts, values in kept if ts >= since]
    expected: dict[str, Any] = {
        name: [values.get(name) for _, values in shown]
        for name in dict.fromkeys(name for values in taken for name in values)
    }
    assert series.window(float(since)) == ([float(ts) for ts, _ in shown], expected)
    assert series.window(float(since), ["a", "nobody"])[1] == (
        {"a": expected["a"]} if "a" in expected else {}
    )


def test_a_new_metric_was_missing_before():
    series = Series(3)
    series.append(1.0, {"a": 1.0})
    series.append(2.0, {"b": 2.0})
    assert series.window() == ([1.0, 2.0], {"a": [1.0, None], "b": [None, 2.0]})


def test_names_are_bounded():
    series = Series(2)
    for ts in range(3):
        series.append(float(ts), {f"n{number}": 1.0 for number in range(MAX_NAMES + 50)})
    assert len(series.names) == MAX_NAMES


def test_a_name_without_a_value_makes_room_for_others():
    series = Series(3)
    series.append(0.0, {f"old{number}": 1.0 for number in range(MAX_NAMES)})
    series.append(1.0, {"old0": 1.0})
    series.append(2.0, {"early": 1.0})
    assert "early" not in series.names  # there is a value of each yet
    series.append(3.0, {"new": 1.0})
    assert series.names == ["old0", "new"]
    assert series.window()[1]["new"] == [None, None, 1.0]


def test_what_is_no_number_is_missing():
    series = Series(2)
    series.append(1.0, {"a": math.nan})
    assert series.window()[1] == {"a": [None]}

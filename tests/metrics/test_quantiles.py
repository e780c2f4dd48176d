"""Quantiles from buckets, as Prometheus computes them; counters that begin anew."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_sysdesign.metrics.counters import Counters
from jupyter_sysdesign.metrics.quantiles import quantile

INF = math.inf


@pytest.mark.parametrize(
    ("q", "buckets", "expected"),
    [
        (0.2, [(0.1, 5), (0.2, 7), (1.0, 11), (INF, 12)], 0.048),
        (0.5, [(0.1, 5), (0.2, 7), (1.0, 11), (INF, 12)], 0.15),
        (0.8, [(0.1, 5), (0.2, 7), (1.0, 11), (INF, 12)], 0.72),
        (1.0, [(0.1, 5), (0.2, 7), (1.0, 11), (INF, 12)], 1.0),
        (0.95, [(0.1, 5), (0.2, 7), (1.0, 11), (INF, 12)], 1.0),
        (0.8, [(-0.2, 1), (-0.1, 2), (0.3, 4), (INF, 4)], 0.14),
        (0.2, [(-0.2, 1), (-0.1, 2), (0.3, 4), (INF, 4)], -0.2),
        (0.5, [(-0.2, 1), (-0.1, 3), (INF, 3)], -0.175),
        (0.5, [(INF, 3)], 0.0),
        (0.5, [], None),
        (0.5, [(1.0, 0), (INF, 0)], None),
        (1.5, [(1.0, 1), (INF, 1)], None),
        (0.5, [(INF, 4), (1.0, 4)], 0.5),
        (0.99, [(1.0, 10), (2.0, 9), (INF, 10)], 0.99),
    ],
)
def test_quantiles(q: float, buckets: list[tuple[float, float]], expected: float | None):
    found = quantile(q, buckets)
    assert found == (None if expected is None else pytest.approx(expected))


bounds = st.lists(st.floats(0.001, 100), min_size=1, max_size=12, unique=True)


@given(bounds, st.data())
def test_quantiles_rise_and_stay_within_the_bounds(uppers: list[float], data: st.DataObject):
    size = len(uppers)
    counts = data.draw(st.lists(st.integers(0, 50), min_size=size, max_size=size))
    buckets = list(zip(sorted(uppers), itertools.accumulate(counts), strict=True))
    if not sum(counts):
        return
    found = [quantile(q / 20, buckets) for q in range(21)]
    assert found == sorted(found)
    assert found[0] is not None
    assert found[0] >= 0
    highest = max(upper for upper, count in zip(sorted(uppers), counts, strict=True) if count)
    assert found[-1] == pytest.approx(highest)


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_counters_tell_increases_and_rates():
    clock = Clock()
    counters = Counters[str](clock)
    assert counters.update({"a": 5, "b": 1}) is None
    clock.now = 2.0
    increases = counters.update({"a": 9, "b": 1})
    assert increases is not None
    assert increases.by == {"a": 4, "b": 0}
    assert increases.rate("a") == 2
    assert increases.rate("a", "nobody") == 2
    assert increases.total() == 4


def test_a_counter_that_fell_began_anew_and_a_new_one_began_at_nothing():
    clock = Clock()
    counters = Counters[str](clock)
    counters.update({"a": 100})
    clock.now = 1.0
    increases = counters.update({"a": 3, "new": 7})
    assert increases is not None
    assert increases.by == {"a": 3, "new": 7}
    clock.now = 2.0
    increases = counters.update({"a": 4, "late": 7}, complete=False)
    assert increases is not None
    assert increases.by == {"a": 1, "late": 0}
    counters.forget()
    assert counters.update({"a": 5}) is None


def test_all_begin_anew_where_one_fell():
    clock = Clock()
    counters = Counters[str](clock)
    counters.update({"quick": 100, "slow": 2})
    clock.now = 1.0
    increases = counters.update({"quick": 30, "slow": 90})
    assert increases is not None
    assert increases.by == {"quick": 30, "slow": 90}


def test_a_counter_that_fell_alone_lost_a_part():
    clock = Clock()
    counters = Counters[str](clock)
    counters.update({"all": 10, "a": 100}, anchor="all")
    clock.now = 1.0
    increases = counters.update({"all": 12, "a": 90}, anchor="all")
    assert increases is not None
    assert increases.by == {"all": 2, "a": 0}
    clock.now = 2.0
    increases = counters.update({"all": 3, "a": 4}, anchor="all")
    assert increases is not None
    assert increases.by == {"all": 3, "a": 4}

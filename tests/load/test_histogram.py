"""Histograms: a quantile is as exact as a bucket is narrow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_sysdesign.load.histogram import BUCKETS, Histogram, bucket_of, lower_bound

latencies = st.lists(st.integers(0, 2**41 - 1), min_size=1, max_size=200)


@given(latencies)
def test_every_value_lies_in_its_bucket_and_buckets_are_narrow(values: list[int]):
    array = np.array(values, dtype=np.int64)
    bucket = bucket_of(array)
    low, high = lower_bound(bucket), lower_bound(bucket + 1)
    assert (low <= array).all()
    assert (array < high).all()
    assert (bucket < BUCKETS).all()
    assert ((high - low) <= np.maximum(low / 128, 1)).all()


@given(latencies, st.floats(0, 1))
def test_a_quantile_is_within_a_bucket_of_the_exact_one(values: list[int], quantile: float):
    histogram = Histogram()
    histogram.add(values)
    (found,) = histogram.quantiles_ms(quantile)
    assert found is not None
    rank = max(int(np.ceil(quantile * len(values))), 1)
    exact = sorted(values)[rank - 1]
    assert exact * (1 - 1 / 100) - 1 <= found * 1e6 <= exact * (1 + 1 / 100) + 1


@given(latencies, latencies)
def test_merged_is_the_same_as_counted_together(one: list[int], other: list[int]):
    first, second, both = Histogram(), Histogram(), Histogram()
    first.add(one)
    second.add(other)
    first.merge(second)
    both.add(one + other)
    quantiles = (0, 0.5, 0.95, 0.99, 1)
    assert first.quantiles_ms(*quantiles) == both.quantiles_ms(*quantiles)
    assert (first.count, first.max_ns) == (both.count, both.max_ns)
    assert first.distribution() == both.distribution()


def test_an_empty_one_knows_nothing():
    histogram = Histogram()
    histogram.add([])
    assert histogram.quantiles_ms(0.5, 0.99) == [None, None]
    assert histogram.max_ms() is None
    assert histogram.distribution() == []


def test_the_distribution_counts_everything_once():
    histogram = Histogram()
    histogram.add([1_000_000] * 3 + [50_000_000] * 2)
    distribution = histogram.distribution()
    assert [count for _, count in distribution] == [3, 2]
    assert distribution[0][0] == pytest.approx(1, rel=0.2)
    assert distribution[1][0] == pytest.approx(50, rel=0.2)


def test_what_lasts_longer_than_the_last_bucket_still_counts():
    histogram = Histogram()
    histogram.add([2**60])
    assert histogram.count == 1
    assert histogram.max_ns == 2**60

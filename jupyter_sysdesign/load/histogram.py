"""Log-linear histograms of latencies: constant relative error, mergeable.

Each power of two is cut into 128 equal buckets (the layout of HdrHistogram, after Gil Tene), so a
bucket is at most 1/128 of its value wide. The unit is the nanosecond.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_SUB_BITS = 7
_SUB = 1 << _SUB_BITS
#: Up to 2^41 ns, which is 36 minutes; whatever lasts longer falls into the last bucket.
BUCKETS = (41 - _SUB_BITS + 1) * _SUB
_MS = 1e6


def bucket_of(values_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the bucket of each value."""
    values = np.maximum(values_ns, 0)
    # frexp's exponent is the bit length; below 2^7 every value has a bucket of its own.
    shift = np.maximum(np.frexp(values.astype(np.float64))[1] - (_SUB_BITS + 1), 0).astype(np.int64)
    bucket: NDArray[np.int64] = np.minimum((shift << _SUB_BITS) + (values >> shift), BUCKETS - 1)
    return bucket


def lower_bound(bucket: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the smallest value (ns) of each bucket; that of the next one is the upper bound."""
    shift = np.maximum((bucket >> _SUB_BITS) - 1, 0)
    bound: NDArray[np.int64] = (bucket - (shift << _SUB_BITS)) << shift
    return bound


_BOUNDS = lower_bound(np.arange(BUCKETS + 1, dtype=np.int64)).astype(np.float64)


class Histogram:
    """Counts of latencies.

    Attributes:
        count: how many there are.
        max_ns: the largest, exactly; 0 when there is none.
    """

    __slots__ = ("_counts", "count", "max_ns")

    def __init__(self) -> None:
        self._counts = np.zeros(BUCKETS, dtype=np.int64)
        self.count = 0
        self.max_ns = 0

    def add(self, values_ns: Sequence[int] | NDArray[np.int64]) -> None:
        """Count many values at once."""
        values = np.asarray(values_ns, dtype=np.int64)
        if len(values):
            self._counts += np.bincount(bucket_of(values), minlength=BUCKETS)
            self.count += len(values)
            self.max_ns = max(self.max_ns, int(values.max()))

    def merge(self, other: Histogram) -> None:
        """Count what ``other`` has counted as well."""
        self._counts += other._counts
        self.count += other.count
        self.max_ns = max(self.max_ns, other.max_ns)

    def quantiles_ms(self, *quantiles: float) -> list[float | None]:
        """Return each quantile (0 to 1) in ms, interpolated within its bucket; None when empty."""
        if not self.count:
            return [None] * len(quantiles)
        reached = np.cumsum(self._counts)
        found: list[float | None] = []
        for quantile in quantiles:
            rank = quantile * self.count
            bucket = int(np.searchsorted(reached, max(rank, 1)))
            inside = int(self._counts[bucket])
            share = (rank - (int(reached[bucket]) - inside)) / inside
            low, high = float(_BOUNDS[bucket]), float(_BOUNDS[bucket + 1])
            value = low + (high - low) * min(max(share, 0.0), 1.0)
            found.append(min(value, self.max_ns) / _MS)
        return found

    def max_ms(self) -> float | None:
        """Return the largest value in ms, or None."""
        return self.max_ns / _MS if self.count else None

    def distribution(self, per_octave: int = 8) -> list[tuple[float, int]]:
        """Return ``(upper bound in ms, count)`` of every coarser bucket that is not empty."""
        width = _SUB // per_octave
        coarse = self._counts.reshape(-1, width).sum(axis=1)
        return [
            (round(float(_BOUNDS[(place + 1) * width]) / _MS, 6), int(coarse[place]))
            for place in np.flatnonzero(coarse).tolist()
        ]

"""Quantiles from histogram buckets."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def quantile(q: float, buckets: Sequence[tuple[float, float]]) -> float | None:
    """Return the ``q``-quantile (0 to 1) of cumulative buckets ``(upper bound, count up to it)``.

    As Prometheus's ``histogram_quantile``: linear within a bucket, the lowest bucket starts at 0,
    and what lies in the bucket without an upper bound is told as the highest bound there is. None
    when nothing was counted.
    """
    ordered = sorted(buckets)
    if not ordered or not 0 <= q <= 1:
        return None
    total = ordered[-1][1]
    if not total > 0 or not math.isfinite(total):
        return None
    rank = q * total
    below, low = 0.0, min(ordered[0][0], 0.0)
    for upper, count in ordered:
        if count >= rank and count > below:
            if math.isinf(upper):
                return low
            return low + (upper - low) * (rank - below) / (count - below)
        if math.isfinite(upper):
            low = upper
        below = max(below, count)  # buckets scraped while being written may not be monotonic
    return low

"""Random numbers that are a pure function of (seed, stream, block).

Philox is counter-based: any block of any stream can be drawn by itself, in any order, and its raw
output is the same with every numpy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Streams of one seed that must not have anything to do with each other.
REQUESTS, ARRIVALS, SAMPLE = 0, 1, 2


def uniforms(seed: int, stream: int, block: int, count: int) -> NDArray[np.float64]:
    """Return ``count`` numbers in [0, 1), 53 bits each."""
    # The generator counts in the lowest of the four 64-bit words of its counter.
    bits = np.random.Philox(key=seed, counter=(block << 64) | (stream << 128))
    numbers: NDArray[np.float64] = (bits.random_raw(count) >> np.uint64(11)) * 2.0**-53
    return numbers

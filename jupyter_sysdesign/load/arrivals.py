"""When requests are due in an open loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from jupyter_sysdesign.load.plan import NS
from jupyter_sysdesign.load.randomness import ARRIVALS, uniforms

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from jupyter_sysdesign.load.plan import Level

_BLOCK = 1024


def arrivals(levels: Sequence[Level], *, poisson: bool, seed: int) -> Iterator[int]:
    """Yield the due times of all requests, in ns since the start of the run.

    Arrivals at rate 1 are stretched by the inverse of the rate's integral; that keeps a Poisson
    process one, and constant arrivals evenly spaced, whatever the levels do.
    """
    durations = np.array([level.duration_s for level in levels])
    first = np.array([level.start for level in levels])
    slope = np.array([(level.end - level.start) / level.duration_s for level in levels])
    expected = np.array([(level.start + level.end) / 2 * level.duration_s for level in levels])
    begin = np.concatenate([[0.0], np.cumsum(durations)])
    reached = np.concatenate([[0.0], np.cumsum(expected)])

    for block in _at_rate_one(poisson=poisson, seed=seed):
        marks = block[block < reached[-1]]
        stage = np.searchsorted(reached, marks, side="right") - 1
        rest = marks - reached[stage]
        # Solves first·t + slope·t²/2 = rest; in this form it also holds for slope 0 or first 0.
        root = np.sqrt(np.maximum(first[stage] ** 2 + 2 * slope[stage] * rest, 0.0))
        divisor = first[stage] + root
        within = np.divide(2 * rest, divisor, out=np.zeros_like(rest), where=divisor > 0)
        yield from np.rint((begin[stage] + within) * NS).astype(np.int64).tolist()
        if len(marks) < len(block):
            return


def _at_rate_one(*, poisson: bool, seed: int) -> Iterator[NDArray[np.float64]]:
    number, reached = 0, 0.0
    while True:
        if poisson:
            gaps = -np.log1p(-uniforms(seed, ARRIVALS, number, _BLOCK))
            block = reached + np.cumsum(gaps)
            reached = float(block[-1])
        else:
            block = np.arange(number * _BLOCK, (number + 1) * _BLOCK, dtype=np.float64)
        yield block
        number += 1

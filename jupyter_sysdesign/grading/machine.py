"""Whether this machine has time for a measurement."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING, TypeVar

from jupyter_sysdesign.grading.outcome import Crowded

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

#: Starting a system, which is what others mostly do beside us, takes about that long.
_CALM_S = 2.0


def room() -> int:
    """Return how many can measure here at a time: a core for a system, and one for its load."""
    return max(1, (os.cpu_count() or 1) // 2)


def crowding() -> float:
    """Return how long one second of computing takes on this machine just now, in seconds."""
    began, spent = time.perf_counter(), time.process_time()
    while time.process_time() - spent < 0.4:  # noqa: PLR2004
        pass
    return (time.perf_counter() - began) / (time.process_time() - spent)


def undisturbed(measure: Callable[[], T], *, attempts: int = 3) -> T:
    """Return what ``measure`` returns, done again where the load generator was the bottleneck.

    For loads that may be put on a system a second time. What else wants the machine is given time,
    each time more.

    Raises:
        Crowded: each time it was.
    """
    for made in range(1, attempts):
        with contextlib.suppress(Crowded):
            return measure()
        time.sleep(made * _CALM_S)
    return measure()

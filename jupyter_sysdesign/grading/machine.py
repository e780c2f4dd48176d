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

_BUSY = (
    "This machine is busy with something else, so what was measured on it says nothing. Close what "
    "is running, and check again."
)
_CROWDED = 1.5
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


def refuse_if_crowded(above: float = _CROWDED) -> None:
    """Do not decide by what was measured just now if the machine had no time for it.

    Raises:
        Crowded: a second of computing takes longer than ``above``.
    """
    if crowding() > above:
        raise Crowded(_BUSY)


def best(
    first: T, again: Callable[[], T], *, doubtful: Callable[[T], bool], worth: Callable[[T], float]
) -> T:
    """Return what was measured, or where that is ``doubtful`` the best of up to three.

    A machine that is busy with something else can only make a system look worse than it is. What is
    clearly bad needs no second look.

    Raises:
        Crowded: the best is still doubtful, and the machine was crowded after one of them.
    """
    found, crowded = first, 0.0
    for _ in range(2):
        if not doubtful(found):
            return found
        crowded = max(crowded, crowding())
        found = max(found, again(), key=worth)
    if doubtful(found) and max(crowded, crowding()) > _CROWDED:
        raise Crowded(_BUSY)
    return found


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

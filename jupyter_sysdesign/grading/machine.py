"""Whether this machine has time for a measurement."""

from __future__ import annotations

import time


def crowding() -> float:
    """Return how long one second of computing takes on this machine just now, in seconds."""
    began, spent = time.perf_counter(), time.process_time()
    while time.process_time() - spent < 0.4:  # noqa: PLR2004
        pass
    return (time.perf_counter() - began) / (time.process_time() - spent)

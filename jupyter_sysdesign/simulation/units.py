"""Time in the simulator is a whole number of microseconds since the start of the run."""

from __future__ import annotations

from typing import Final

MS: Final = 1_000
S: Final = 1_000_000


def clock(at_us: int) -> str:
    """Return a moment as a person reads it: ``1.204 s``."""
    return f"{at_us / S:.3f} s"

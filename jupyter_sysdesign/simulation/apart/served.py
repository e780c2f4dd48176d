"""What servers are to be made of, and what they may use."""

from __future__ import annotations

from typing import NamedTuple


class Served(NamedTuple):
    """What is to be served.

    Attributes:
        file: where the source is from, for tracebacks.
        modules: whose classes travel between servers and world.
        given: modules of ``simulation.protocols`` that the source may import.
        run_s: CPU seconds that a server may take.
        memory_bytes: that it may take on top of what this process has.
    """

    file: str
    source: str
    modules: list[str]
    given: list[str]
    run_s: float
    memory_bytes: int

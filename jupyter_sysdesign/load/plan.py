"""What the engine is told: one validated run, as plain values (the engine has no pydantic)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from jupyter_sysdesign.load.target import Target

NS = 1_000_000_000


@dataclass(frozen=True)
class Level:
    """A part of the run: connections or arrivals per second, in a straight line."""

    duration_s: float
    start: float
    end: float


@dataclass(frozen=True)
class Plan:
    """One run. ``Profile.plan`` writes it, and answers for its values.

    Attributes:
        connections: the most there may be.
        levels: of connections (closed loop) or arrivals per second (open loop).
        mix, parameters: see ``requests.RequestStream``.
        parent: the process whose death ends the run, or None.
        keep: how many answers to keep whole.
    """

    run: str
    seed: int
    target: Target
    open_loop: bool
    poisson: bool
    connections: int
    levels: tuple[Level, ...]
    timeout_ns: int
    keep_alive: bool
    mix: tuple[dict[str, Any], ...]
    parameters: dict[str, dict[str, Any]]
    parent: int | None = None
    keep: int = 0

    @classmethod
    def read(cls, document: dict[str, Any]) -> Plan:
        """Return the plan a document holds.

        Raises:
            KeyError, TypeError, ValueError: not a document of ``Profile.plan``.
        """
        return cls(
            run=document["run"],
            seed=document["seed"],
            target=Target(**document["target"]),
            open_loop=document["mode"] == "open",
            poisson=document["arrivals"] == "poisson",
            connections=document["connections"],
            levels=tuple(Level(*level) for level in document["levels"]),
            timeout_ns=int(document["timeout_s"] * NS),
            keep_alive=document["keep_alive"],
            mix=tuple(document["mix"]),
            parameters=document["parameters"],
            parent=document.get("parent"),
            keep=document.get("keep", 0),
        )

    @property
    def duration_ns(self) -> int:
        """Return how long requests are sent."""
        return int(sum(level.duration_s for level in self.levels) * NS)

    def level(self, elapsed_ns: int) -> float:
        """Return the level at a time of the run; the last one holds afterwards."""
        ends = itertools.accumulate(level.duration_s for level in self.levels)
        for level, end in zip(self.levels, ends, strict=True):
            left = end - elapsed_ns / NS
            if left > 0:
                done = 1 - left / level.duration_s
                return level.start + (level.end - level.start) * done
        return self.levels[-1].end

"""A mix of faults for each seed: some kinds, at some rates, and not the others.

Runs in which everything goes wrong a little find less than runs in which a few things go wrong a
lot and the others not at all (Groce et al., "Swarm Testing", 2012).
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from jupyter_sysdesign.simulation.faults import Fault
from jupyter_sysdesign.simulation.units import MS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_TARGETS = ("leader", "leader", "follower", "any")
_DIRECTIONS = ("both", "both", "in", "out")


def _between(random: Random, low_us: int, high_us: int) -> int:
    return low_us + int(random.random() * (high_us - low_us))


def _one_of(random: Random, choice: Sequence[str]) -> str:
    return choice[int(random.random() * len(choice))]


def _crash(random: Random, at_us: int) -> Fault:
    return Fault("crash", at_us, _one_of(random, _TARGETS), _between(random, 20 * MS, 1500 * MS))


def _pause(random: Random, at_us: int) -> Fault:
    return Fault("pause", at_us, _one_of(random, _TARGETS), _between(random, 20 * MS, 800 * MS))


def _isolate(random: Random, at_us: int) -> Fault:
    lasts = _between(random, 100 * MS, 1500 * MS)
    direction = _one_of(random, _DIRECTIONS)
    return Fault("isolate", at_us, _one_of(random, _TARGETS), lasts, {"direction": direction})


def _partition(random: Random, at_us: int) -> Fault:
    lasts = _between(random, 200 * MS, 2000 * MS)
    return Fault("partition", at_us, _one_of(random, _TARGETS), lasts, {"with": 1})


def _loss(random: Random, at_us: int) -> Fault:
    lasts = _between(random, 200 * MS, 1500 * MS)
    share = 0.05 + random.random() * 0.35
    return Fault("network", at_us, "all", lasts, {"loss": round(share, 2)})


def _disorder(random: Random, at_us: int) -> Fault:
    lasts = _between(random, 200 * MS, 2000 * MS)
    share = round(0.1 + random.random() * 0.4, 2)
    return Fault("network", at_us, "all", lasts, {"reorder": share, "duplicate": share / 2})


def _skew(random: Random, at_us: int) -> Fault:
    arguments = {
        "offset_us": _between(random, -500 * MS, 500 * MS),
        "ppm": _between(random, -50_000, 50_000),
    }
    return Fault("skew", at_us, "any", _between(random, 500 * MS, 3000 * MS), arguments)


#: name → how one of these faults is made.
MIX: dict[str, Callable[[Random, int], Fault]] = {
    "crash": _crash,
    "pause": _pause,
    "isolate": _isolate,
    "partition": _partition,
    "loss": _loss,
    "disorder": _disorder,
    "skew": _skew,
}


def mix(
    seed: int,
    *,
    until_us: int,
    kinds: Sequence[str] = tuple(MIX),
    start_us: int = 400 * MS,
    gap_us: int = 600 * MS,
) -> tuple[Fault, ...]:
    """Return the faults of one seed, from some of ``kinds``, in order of time.

    Args:
        seed: the same gives the same.
        until_us: none begins after that.
        kinds: names of ``MIX``; each takes part in about half of the seeds.
        start_us: none begins before that.
        gap_us: mean time between two of them.
    """
    random = Random(f"{seed}/swarm")
    chosen = [kind for kind in kinds if random.random() < 0.5] or [_one_of(random, kinds)]  # noqa: PLR2004
    faults: list[Fault] = []
    at_us = start_us
    while True:
        at_us += int(random.random() * 2 * gap_us)
        if at_us >= until_us:
            return tuple(faults)
        faults.append(MIX[_one_of(random, chosen)](random, at_us))

"""What a protocol is judged by: scenarios, and a stored run for every bug that is known."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.simulation.plan import Plan
    from jupyter_sysdesign.simulation.play import Bench


@dataclass(frozen=True)
class Scenario:
    """One thing a server must be able to do.

    Attributes:
        name: its id.
        aim: what it shows.
        points: what it is worth.
        plan: makes the plan of a seed.
    """

    name: str
    aim: str
    points: int
    plan: Callable[[int], Plan]


@dataclass(frozen=True)
class Killer:
    """A run that shows one known bug.

    Attributes:
        bug: the mutant's name.
        scenario: whose seed it was.
        rule: id of the rule that breaks.
        plan: the run, independent of what the scenario makes of its seed today.
    """

    bug: str
    scenario: str
    rule: str
    plan: Plan


@dataclass(frozen=True)
class Suite:
    """All of it.

    Attributes:
        name: the protocol's.
        bench: what servers are tried out on.
        scenarios: in the order they are worked on.
        killers: run first: a known bug is found at once.
    """

    name: str
    bench: Bench
    scenarios: tuple[Scenario, ...]
    killers: tuple[Killer, ...] = ()

    def seeds(self, scenario: Scenario, count: int, secret: bytes = b"") -> list[int]:
        """Return the seeds of a scenario: 0, 1, 2, … or those only the owner of ``secret`` knows.

        A learner who has seen the public ones has not seen these.
        """
        if not secret:
            return list(range(count))
        texts = [f"{self.name}/{scenario.name}/{n}".encode() for n in range(count)]
        digests = [hmac.digest(secret, text, hashlib.sha256) for text in texts]
        return [int.from_bytes(each[:6], "big") for each in digests]

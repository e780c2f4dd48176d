"""What a checker says of a history: passed, failed or unknown, and why."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.checkers.history import Operation

Status: TypeAlias = Literal["passed", "failed", "unknown"]


@dataclass(frozen=True)
class Judgement:
    """The answer of one checker.

    Attributes:
        model: what was checked, e.g. ``linearizable``.
        status: ``unknown`` when the budget ran out or the history does not tell.
        why: for a reader who sees the history for the first time.
        operations: those the reason speaks of; a few, in the order they were invoked.
        order: an order that explains every answer; only where one was looked for and found.
        states: how many states the search visited.
    """

    model: str
    status: Status
    why: str
    operations: tuple[Operation, ...] = ()
    order: tuple[Operation, ...] = ()
    states: int = 0

    @property
    def passed(self) -> bool:
        """Whether the history satisfies the model."""
        return self.status == "passed"

    @property
    def failed(self) -> bool:
        """Whether it certainly does not."""
        return self.status == "failed"


@dataclass(frozen=True)
class Budget:
    """How far a search may go before it answers ``unknown``.

    Attributes:
        states: states visited; the same on every machine.
        seconds: wall clock; None where the answer must not depend on the machine.
    """

    states: int = 200_000
    seconds: float | None = 10.0


class Meter:
    """Counts a search's states against its budget.

    Attributes:
        states: visited so far.
    """

    __slots__ = ("_budget", "_until", "states")

    _LOOK_AT_CLOCK = 1024

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._until = None if budget.seconds is None else time.monotonic() + budget.seconds
        self.states = 0

    def spent(self) -> bool:
        """Count one state, and return whether the budget is used up."""
        self.states += 1
        if self.states > self._budget.states:
            return True
        return (
            self._until is not None
            and self.states % self._LOOK_AT_CLOCK == 0
            and time.monotonic() > self._until
        )

    def exhausted(self) -> str:
        """Return, in words, that the search was given up."""
        return (
            f"The search was given up after {self.states:,} states: there may be an order that "
            "explains every answer, or none."
        )

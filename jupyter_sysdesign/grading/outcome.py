"""What a check finds: passed or failed with its figures, or that it could not tell."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from jupyter_sysdesign.control.models import Status


class CannotTell(Exception):  # noqa: N818 (a verdict, not an error)
    """The check could not be made, and it is nobody's fault: the result is unknown."""


class Crowded(CannotTell):
    """This machine had no time for it: the figures say nothing about the system."""


class Failed(Exception):  # noqa: N818 (a verdict, not an error)
    """The learner's system failed the check; the message is the reason a beginner reads."""


@dataclass(frozen=True)
class Outcome:
    """What a check found.

    Attributes:
        passed: whether the requirement holds.
        measured: with its unit.
        required: with its unit.
        why: one sentence; why it failed, or what it shows that it passed.
        evidence: further figures, JSON values (never expected values of held-out requests).
        credit: share of the points a failed check still earns, 0 to 1.
    """

    passed: bool
    measured: str
    required: str
    why: str
    evidence: dict[str, Any] = field(default_factory=dict)
    credit: float = 0.0

    @classmethod
    def at_most(
        cls,
        measured: float,
        required: float,
        unit: str,
        why_failed: str,
        *,
        evidence: dict[str, Any] | None = None,
        credit: float = 0.0,
    ) -> Outcome:
        """Pass when ``measured`` is no more than ``required`` (both in ``unit``)."""
        shown, bound = f"{_number(measured)} {unit}", f"at most {_number(required)} {unit}"
        return cls.is_true(
            measured <= required, shown, bound, why_failed, evidence=evidence, credit=credit
        )

    @classmethod
    def at_least(
        cls,
        measured: float,
        required: float,
        unit: str,
        why_failed: str,
        *,
        evidence: dict[str, Any] | None = None,
        credit: float = 0.0,
    ) -> Outcome:
        """Pass when ``measured`` is no less than ``required`` (both in ``unit``)."""
        shown, bound = f"{_number(measured)} {unit}", f"at least {_number(required)} {unit}"
        return cls.is_true(
            measured >= required, shown, bound, why_failed, evidence=evidence, credit=credit
        )

    @classmethod
    def is_true(
        cls,
        holds: bool,
        measured: str,
        required: str,
        why_failed: str,
        *,
        evidence: dict[str, Any] | None = None,
        credit: float = 0.0,
    ) -> Outcome:
        """Pass when ``holds``; ``measured`` and ``required`` say in words what was compared."""
        measured, required = measured.strip(), required.strip()
        compared = f"{measured}; required: {required}." if measured else "This holds."
        why = compared if holds else why_failed
        return cls(bool(holds), measured, required, why, evidence or {}, credit)

    @classmethod
    def all_of(cls, *outcomes: Outcome) -> Outcome:
        """Return the first failed outcome, else the last; evidence of all is kept."""
        chosen = next((each for each in outcomes if not each.passed), outcomes[-1])
        merged: dict[str, Any] = {}
        for each in outcomes:
            merged.update(each.evidence)
        return cls(
            chosen.passed, chosen.measured, chosen.required, chosen.why, merged, chosen.credit
        )

    @property
    def status(self) -> Status:
        """``passed`` or ``failed``; unknown is raised, not returned."""
        return Status.PASSED if self.passed else Status.FAILED


def _number(value: float) -> str:
    """Return ``value`` with three significant digits, never in powers of ten."""
    if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 (NaN)
        return "no number"
    if abs(value) >= 100 or value == int(value):  # noqa: PLR2004
        return f"{value:,.0f}"
    return f"{value:.3g}"

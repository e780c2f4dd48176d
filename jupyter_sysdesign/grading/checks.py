"""What an author of ``checks.py`` writes with: ``check``, ``Outcome``, ``Context``, ``CannotTell``.

::

    from jupyter_sysdesign.grading.checks import Context, Outcome, check

    @check("category-p95", title="The category page is fast", points=20, kind="slo")
    def category_p95(ctx: Context) -> Outcome:
        before = ctx.pristine.load("browse").endpoints["category"].p95_ms
        after = ctx.system.load("browse").endpoints["category"].p95_ms
        return Outcome.at_least(
            before / after, 5, "times faster", why_failed="The category page still reads ..."
        )

A check looks at the system from outside. What it returns decides; what it raises is judged by its
cause: ``CannotTell`` is unknown, a request the learner's system did not answer is failed, a bug in
the check itself is unknown.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from jupyter_sysdesign.control.models import Status
from jupyter_sysdesign.grading.system import System

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CannotTell", "Check", "Context", "Failed", "Kind", "Outcome", "System", "check"]

Kind = Literal["slo", "correctness", "cost", "blast_radius", "recovery"]


class CannotTell(Exception):  # noqa: N818 (a verdict, not an error)
    """The check could not be made, and it is nobody's fault: the result is unknown."""


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
        return cls._compare(
            measured <= required,
            measured,
            f"at most {_number(required)}",
            unit,
            why_failed,
            evidence,
            credit,
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
        return cls._compare(
            measured >= required,
            measured,
            f"at least {_number(required)}",
            unit,
            why_failed,
            evidence,
            credit,
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
        why = "This holds." if holds else why_failed
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

    @classmethod
    def _compare(
        cls,
        holds: bool,
        measured: float,
        required: str,
        unit: str,
        why_failed: str,
        evidence: dict[str, Any] | None,
        credit: float,
    ) -> Outcome:
        shown, bound = f"{_number(measured)} {unit}".strip(), f"{required} {unit}".strip()
        why = f"{shown} is {bound}." if holds else why_failed
        return cls(bool(holds), shown, bound, why, evidence or {}, credit)

    @property
    def status(self) -> Status:
        """``passed`` or ``failed``; unknown is raised, not returned."""
        return Status.PASSED if self.passed else Status.FAILED


@dataclass(frozen=True)
class Context:
    """What one check works with.

    Attributes:
        system: the learner's system, rebuilt from pristine plus the editable files.
        seed: the held-out seed of this verdict.
        random: seeded by ``seed`` and the check's id, so that leaving other checks out changes
            nothing.
    """

    seed: int
    random: random.Random
    system: System
    _pristine: Callable[[], System]

    @property
    def pristine(self) -> System:
        """A fresh, untouched copy of the lesson's system, for ratios within one run.

        Started at the first use; ``load`` sends it the same requests as the learner's.
        """
        return self._pristine()


@dataclass(frozen=True)
class Check:
    """One outcome test, as declared by its author."""

    id: str
    title: str
    points: float
    kind: Kind
    deadline_s: float
    fresh: bool
    function: Callable[[Context], Outcome]

    def __call__(self, context: Context) -> Outcome:
        return self.function(context)


def check(
    check_id: str,
    *,
    title: str,
    points: float,
    kind: Kind,
    deadline_s: float = 120.0,
    fresh: bool = False,
) -> Callable[[Callable[[Context], Outcome]], Check]:
    """Declare a check; they run in the order they stand in the file.

    Args:
        check_id: stable, e.g. ``category-p95``; cheats name it.
        title: what must hold, in the learner's words.
        points: what it is worth.
        kind: which column of the scorecard it counts in.
        deadline_s: when it is given up.
        fresh: reset the learner's system (pristine data, migrations applied again) before it.
    """

    def declare(function: Callable[[Context], Outcome]) -> Check:
        return Check(check_id, title, float(points), kind, deadline_s, fresh, function)

    return declare


def _number(value: float) -> str:
    """Return ``value`` with three significant digits, never in powers of ten."""
    if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 (NaN)
        return "no number"
    if abs(value) >= 100 or value == int(value):  # noqa: PLR2004
        return f"{value:,.0f}"
    return f"{value:.3g}"

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

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from jupyter_sysdesign.grading.machine import best, refuse_if_crowded, undisturbed
from jupyter_sysdesign.grading.outcome import CannotTell, Crowded, Failed, Outcome
from jupyter_sysdesign.grading.system import System
from jupyter_sysdesign.grading.told import Loaded, Told

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path

__all__ = [
    "CannotTell",
    "Check",
    "Context",
    "Crowded",
    "Failed",
    "Kind",
    "Loaded",
    "Outcome",
    "System",
    "Told",
    "best",
    "check",
    "refuse_if_crowded",
    "undisturbed",
]

Kind = Literal["slo", "correctness", "cost", "blast_radius", "recovery"]


@dataclass(frozen=True)
class Context:
    """What one check works with.

    Attributes:
        system: the learner's system, rebuilt from pristine plus the editable files.
        seed: the held-out seed of this verdict.
        random: seeded by ``seed`` and the check's id, so that leaving other checks out changes
            nothing.
        workspace: the folder ``system`` was built from, for lessons about code that no service
            runs.
        refused: what was changed in ``compose.yaml`` and does not count, a sentence each with its
            line.
    """

    seed: int
    random: random.Random
    system: System
    workspace: Path
    refused: tuple[str, ...]
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
    timed: bool
    function: Callable[[Context], Outcome]

    def __call__(self, context: Context) -> Outcome:
        """Make the check."""
        return self.function(context)


def check(
    check_id: str,
    *,
    title: str,
    points: float,
    kind: Kind,
    deadline_s: float = 120.0,
    fresh: bool = False,
    timed: bool = False,
) -> Callable[[Callable[[Context], Outcome]], Check]:
    """Declare a check; they run in the order they stand in the file.

    Args:
        check_id: stable, e.g. ``category-p95``; cheats name it.
        title: what must hold, in the learner's words.
        points: what it is worth.
        kind: which column of the scorecard it counts in.
        deadline_s: when it is given up.
        fresh: reset the learner's system (pristine data, migrations applied again) before it.
        timed: it measures times. Of all such checks of a user on a machine one for each pair of
            cores is made at a time (``deadline_s`` begins with its turn), and the gate makes
            nothing beside it.
    """

    def declare(function: Callable[[Context], Outcome]) -> Check:
        return Check(check_id, title, float(points), kind, deadline_s, fresh, timed, function)

    return declare

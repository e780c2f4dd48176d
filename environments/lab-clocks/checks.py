"""What must hold of a learner's clocks: hundreds of runs, and every pair of events in each."""

from __future__ import annotations

from jupyter_sysdesign.grading import judged
from jupyter_sysdesign.grading.checks import Context, Outcome, check
from jupyter_sysdesign.simulation.protocols.timekeeping.cluster import CLOCKS


def holds(ctx: Context, scenario: str) -> Outcome:
    """Judge ``clocks.py``."""
    return judged.holds(
        ctx, CLOCKS, scenario, file="clocks.py", seeds=100, given=["timekeeping.frame"]
    )


@check("lamport", title="No time contradicts what happened before", points=35,
       kind="correctness", deadline_s=320)  # fmt: skip
def lamport(ctx: Context) -> Outcome:
    return holds(ctx, "lamport")


@check("vector", title="Vectors tell exactly what happened before", points=40,
       kind="correctness", deadline_s=320)  # fmt: skip
def vector(ctx: Context) -> Outcome:
    return holds(ctx, "vector")


@check("compare", title="Before, after, equal, concurrent", points=25, kind="correctness",
       deadline_s=320)  # fmt: skip
def compare(ctx: Context) -> Outcome:
    return holds(ctx, "compare")

"""What must hold of a learner's failure detector: groups, faults and seeds that nobody has seen."""

from __future__ import annotations

from jupyter_sysdesign.grading import judged
from jupyter_sysdesign.grading.checks import Context, Outcome, check
from jupyter_sysdesign.simulation.protocols.gossip.suite import SWIM


def holds(ctx: Context, scenario: str, seeds: int) -> Outcome:
    """Judge ``swim.py``."""
    return judged.holds(ctx, SWIM, scenario, file="swim.py", seeds=seeds, given=["gossip.messages"])


@check("deaths", title="Every death is found out in bounded time", points=20,
       kind="correctness", deadline_s=320)  # fmt: skip
def deaths(ctx: Context) -> Outcome:
    return holds(ctx, "deaths", 40)


@check("many", title="News spreads quickly among many, and costs no more", points=20, kind="cost",
       deadline_s=320)  # fmt: skip
def many(ctx: Context) -> Outcome:
    return holds(ctx, "many", 12)


@check("slow-members", title="Who is only slow is not declared dead", points=20,
       kind="correctness", deadline_s=320)  # fmt: skip
def slow_members(ctx: Context) -> Outcome:
    return holds(ctx, "slow members", 40)


@check("lossy", title="Lost messages kill nobody", points=10, kind="correctness",
       deadline_s=320)  # fmt: skip
def lossy(ctx: Context) -> Outcome:
    return holds(ctx, "lossy", 40)


@check("bad-link", title="One bad link makes nobody suspect", points=15, kind="blast_radius",
       deadline_s=320)  # fmt: skip
def bad_link(ctx: Context) -> Outcome:
    return holds(ctx, "bad link", 40)


@check("return", title="Who comes back is alive for everybody", points=15, kind="recovery",
       deadline_s=320)  # fmt: skip
def comes_back(ctx: Context) -> Outcome:
    return holds(ctx, "return", 40)

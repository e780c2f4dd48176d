"""What must hold of a learner's two-phase commit: scenarios of the judge, with hidden seeds."""

from __future__ import annotations

from jupyter_sysdesign.grading import judged
from jupyter_sysdesign.grading.checks import Context, Outcome, check
from jupyter_sysdesign.simulation.protocols.commit.suite import TWO_PHASE

GIVEN = ["commit.accounts", "commit.messages"]
#: Runs of each scenario, beside the stored ones.
SEEDS = 40


def holds(ctx: Context, *scenarios: str, seeds: int = SEEDS) -> Outcome:
    """Judge the learner's server by some scenarios."""
    return judged.holds(ctx, TWO_PHASE, *scenarios, file="two_phase.py", seeds=seeds, given=GIVEN)


@check("votes", title="All say yes, or nothing happens", points=25,
       kind="correctness", deadline_s=320)  # fmt: skip
def votes(ctx: Context) -> Outcome:
    return holds(ctx, "votes")


@check("network", title="Late, lost and doubled messages move no money", points=20,
       kind="correctness", deadline_s=320)  # fmt: skip
def network(ctx: Context) -> Outcome:
    return holds(ctx, "network")


@check("coordinator", title="A coordinator that dies takes nothing back", points=20,
       kind="recovery", deadline_s=320)  # fmt: skip
def coordinator(ctx: Context) -> Outcome:
    return holds(ctx, "coordinator")


@check("promises", title="A promise survives a crash", points=25,
       kind="recovery", deadline_s=320)  # fmt: skip
def promises(ctx: Context) -> Outcome:
    return holds(ctx, "crashes", "churn")


@check("cooperation", title="One who knows is enough", points=10,
       kind="recovery", deadline_s=320)  # fmt: skip
def cooperation(ctx: Context) -> Outcome:
    # Only some of the coordinator's deaths leave somebody who knows beside somebody in doubt.
    return holds(ctx, "cooperation", seeds=150)

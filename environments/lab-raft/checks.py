"""What must hold of a learner's Raft: scenarios of the judge, with seeds that nobody has seen."""

from __future__ import annotations

from jupyter_sysdesign.grading import judged
from jupyter_sysdesign.grading.checks import Context, Outcome, check
from jupyter_sysdesign.simulation.protocols.raft.suite import RAFT

#: Runs of each scenario, beside the stored ones. A rare bug is a bug: all of them must pass.
SEEDS = 30


def holds(ctx: Context, *scenarios: str, seeds: int = SEEDS) -> Outcome:
    """Judge the learner's server by some scenarios."""
    return judged.holds(ctx, RAFT, *scenarios, file="raft.py", seeds=seeds, given=["raft.messages"])


@check("elections", title="One leader, and a new one when it is gone", points=20,
       kind="correctness", deadline_s=320)  # fmt: skip
def elections(ctx: Context) -> Outcome:
    return holds(ctx, "elections", seeds=60)  # short runs


@check("agreement", title="Commands are agreed on while a majority is there", points=25,
       kind="correctness", deadline_s=320)  # fmt: skip
def agreement(ctx: Context) -> Outcome:
    return holds(ctx, "agreement", "failures")


@check("bad-network", title="Late, lost and doubled messages do no harm", points=15,
       kind="correctness", deadline_s=320)  # fmt: skip
def bad_network(ctx: Context) -> Outcome:
    return holds(ctx, "unreliable")


@check("reads", title="A read sees everything that was written before it", points=10,
       kind="correctness", deadline_s=320)  # fmt: skip
def reads(ctx: Context) -> Outcome:
    return holds(ctx, "reads", seeds=40)


@check("persistence", title="A crash loses nothing that was acknowledged", points=20,
       kind="recovery", deadline_s=320)  # fmt: skip
def persistence(ctx: Context) -> Outcome:
    # One run in four is about votes, the others are about entries.
    return holds(ctx, "persistence", seeds=60)


@check("figure-8", title="Old entries are committed only with one of this term", points=10,
       kind="recovery", deadline_s=320)  # fmt: skip
def figure_8(ctx: Context) -> Outcome:
    # The rarest of all mistakes: three runs in ten show it.
    return holds(ctx, "figure 8", seeds=60)

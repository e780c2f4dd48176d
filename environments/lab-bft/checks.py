"""What must hold of a learner's replica among liars, and of its merchant."""

from __future__ import annotations

from jupyter_sysdesign.grading import judged
from jupyter_sysdesign.grading.checks import Context, Outcome, check
from jupyter_sysdesign.simulation.protocols.chain.merchant import MERCHANT
from jupyter_sysdesign.simulation.protocols.pbft.suite import PBFT

GIVEN = ["pbft.frame", "pbft.messages", "pbft.seals", "chain.messages"]


def holds(ctx: Context, scenario: str, seeds: int) -> Outcome:
    """Judge ``pbft.py``."""
    return judged.holds(ctx, PBFT, scenario, file="pbft.py", seeds=seeds, given=GIVEN)


@check("normal-case", title="Three phases, and clients are answered", points=15,
       kind="correctness", deadline_s=320)  # fmt: skip
def normal_case(ctx: Context) -> Outcome:
    return holds(ctx, "normal case", 30)


@check("silent-primary", title="A primary that says nothing is replaced", points=15,
       kind="recovery", deadline_s=320)  # fmt: skip
def silent_primary(ctx: Context) -> Outcome:
    return holds(ctx, "silent primary", 40)


@check("equivocation", title="A primary with two tongues splits nobody", points=25,
       kind="correctness", deadline_s=320)  # fmt: skip
def equivocation(ctx: Context) -> Outcome:
    return holds(ctx, "equivocation", 120)


@check("forgery", title="Made-up proofs and views are seen through", points=20,
       kind="correctness", deadline_s=320)  # fmt: skip
def forgery(ctx: Context) -> Outcome:
    return holds(ctx, "forgery", 80)


@check("conspiracy", title="Two liars among seven are outvoted", points=10,
       kind="blast_radius", deadline_s=320)  # fmt: skip
def conspiracy(ctx: Context) -> Outcome:
    return holds(ctx, "conspiracy", 40)


@check("confirmations", title="A merchant waits as long as it must, and no longer", points=15,
       kind="correctness", deadline_s=320)  # fmt: skip
def confirmations(ctx: Context) -> Outcome:
    return judged.holds(ctx, MERCHANT, "payments", file="finality.py", seeds=60, given=GIVEN)

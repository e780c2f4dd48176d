"""What must hold of a learner's Paxos: scenarios of the judge, with seeds that nobody has seen."""

from __future__ import annotations

from jupyter_sysdesign.grading import judged
from jupyter_sysdesign.grading.checks import Context, Outcome, check
from jupyter_sysdesign.simulation.protocols.paxos.suite import PAXOS, SYNOD

GIVEN = ["paxos.messages"]


def one_value_by(ctx: Context, *scenarios: str) -> Outcome:
    """Judge ``synod.py``. Its runs are short, and its mistakes rare."""
    return judged.holds(ctx, SYNOD, *scenarios, file="synod.py", seeds=300, given=GIVEN)


def store_by(ctx: Context, *scenarios: str, seeds: int = 16) -> Outcome:
    """Judge ``paxos.py``."""
    return judged.holds(ctx, PAXOS, *scenarios, file="paxos.py", seeds=seeds, given=GIVEN)


@check("one-value", title="One value is chosen, whoever proposes", points=20, kind="correctness",
       deadline_s=320)  # fmt: skip
def one_value(ctx: Context) -> Outcome:
    return one_value_by(ctx, "one proposer", "duelling", "unreliable", "partitions")


@check("promises", title="A crash makes nobody forget a promise", points=15, kind="recovery",
       deadline_s=320)  # fmt: skip
def promises(ctx: Context) -> Outcome:
    return one_value_by(ctx, "restarts")


@check("agreement", title="Commands are chosen while a majority is there", points=20,
       kind="correctness", deadline_s=320)  # fmt: skip
def agreement(ctx: Context) -> Outcome:
    return store_by(ctx, "agreement", "repartition")


@check("bad-network", title="Late, lost and doubled messages do no harm", points=10,
       kind="correctness", deadline_s=320)  # fmt: skip
def bad_network(ctx: Context) -> Outcome:
    return store_by(ctx, "unreliable")


@check("new-leaders", title="A leader finishes what others began", points=15,
       kind="correctness", deadline_s=320)  # fmt: skip
def new_leaders(ctx: Context) -> Outcome:
    return store_by(ctx, "new leaders", seeds=24)


@check("reads", title="A read sees everything that was written before it", points=5,
       kind="correctness", deadline_s=320)  # fmt: skip
def reads(ctx: Context) -> Outcome:
    return store_by(ctx, "reads", seeds=20)


@check("restarts", title="Restarts lose nothing that was accepted", points=15, kind="recovery",
       deadline_s=320)  # fmt: skip
def restarts(ctx: Context) -> Outcome:
    return store_by(ctx, "restarts")

"""What must hold of a learner's Raft: scenarios of the judge, with seeds that nobody has seen.

The learner's file is read and run in the judge's worker processes only, never in this one. There
the reference cannot be imported.
"""

from __future__ import annotations

import pkgutil
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.grading.checks import CannotTell, Context, Outcome, check
from jupyter_sysdesign.simulation.judge import judge
from jupyter_sysdesign.simulation.protocols import raft
from jupyter_sysdesign.simulation.protocols.raft.suite import RAFT
from jupyter_sysdesign.simulation.server_file import loaded

if TYPE_CHECKING:
    from pathlib import Path

#: Runs of each scenario, beside the stored ones. A rare bug is a bug: all of them must pass.
SEEDS = 30
#: What a learner may import of the protocol.
GIVEN = frozenset({f"{raft.__name__}.messages"})


class Learner:
    """Makes servers of the class in a file; the file is read where the first one is made."""

    __name__ = "Raft"

    def __init__(self, file: Path) -> None:
        self._file = file

    def __call__(self, ctx: Any) -> Any:
        return served(self._file)(ctx)


@cache
def served(file: Path) -> Any:
    """Return the learner's class, with everything else of the protocol out of reach."""
    for each in pkgutil.iter_modules(raft.__path__, f"{raft.__name__}."):
        if each.name not in GIVEN:
            sys.modules[each.name] = None  # type: ignore[assignment] (an import of it fails)
    return loaded(file)


def holds(ctx: Context, *scenarios: str, seeds: int = SEEDS) -> Outcome:
    """Judge the learner's server by some scenarios."""
    report = judge(
        Learner(ctx.workspace / "raft.py"),
        RAFT,
        seeds=seeds,
        secret=ctx.seed.to_bytes(16, "big"),
        only=scenarios,
        seconds=150,
        explain=False,
    )
    wanted = sum(each.wanted for each in report.scenarios)
    passed = sum(each.passed for each in report.scenarios)
    found = report.failure
    if found is None and report.status == "unknown":
        raise CannotTell(f"The judge got through {passed} of {wanted} runs in its time.")
    why = "" if found is None else f"{found.title} ({found.source}): {found.why}."
    return Outcome.is_true(found is None, f"{passed} of {wanted} runs", "all of them", why)


@check("elections", title="One leader, and a new one when it is gone", points=20,
       kind="correctness", deadline_s=170)  # fmt: skip
def elections(ctx: Context) -> Outcome:
    return holds(ctx, "elections")


@check("agreement", title="Commands are agreed on while a majority is there", points=25,
       kind="correctness", deadline_s=170)  # fmt: skip
def agreement(ctx: Context) -> Outcome:
    return holds(ctx, "agreement", "failures")


@check("bad-network", title="Late, lost and doubled messages do no harm", points=15,
       kind="correctness", deadline_s=170)  # fmt: skip
def bad_network(ctx: Context) -> Outcome:
    return holds(ctx, "unreliable")


@check("reads", title="A read sees everything that was written before it", points=10,
       kind="correctness", deadline_s=170)  # fmt: skip
def reads(ctx: Context) -> Outcome:
    return holds(ctx, "reads", seeds=40)


@check("persistence", title="A crash loses nothing that was acknowledged", points=20,
       kind="recovery", deadline_s=170)  # fmt: skip
def persistence(ctx: Context) -> Outcome:
    # A vote that is forgotten shows only where the same term is still going on after the restart.
    return holds(ctx, "persistence", seeds=150)


@check("figure-8", title="Old entries are committed only with one of this term", points=10,
       kind="recovery", deadline_s=170)  # fmt: skip
def figure_8(ctx: Context) -> Outcome:
    # Short runs, and the rarest of all mistakes.
    return holds(ctx, "figure 8", seeds=100)

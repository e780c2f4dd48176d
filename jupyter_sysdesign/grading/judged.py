"""Checks of lessons that take place in the simulator: a learner's server, and unseen seeds.

The learner's file is run in processes of their own, one for each start of a server, where neither
the verdict nor another server nor a reference is within reach.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.environment import confinement
from jupyter_sysdesign.grading.outcome import CannotTell, Outcome
from jupyter_sysdesign.simulation.apart.servers import Apart
from jupyter_sysdesign.simulation.judge import judge

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyter_sysdesign.grading.checks import Context
    from jupyter_sysdesign.simulation.judge.suite import Suite


def holds(
    ctx: Context,
    suite: Suite,
    *scenarios: str,
    file: str,
    seeds: int,
    given: Iterable[str] = (),
    seconds: float = 300.0,
) -> Outcome:
    """Judge the learner's server by some scenarios of a suite.

    Args:
        ctx: of the check.
        suite: the protocol's.
        scenarios: their names.
        file: the learner's, in the workspace.
        seeds: runs of each scenario, beside the stored ones. A rare bug is a bug: all must pass.
        given: modules of ``simulation.protocols`` that the file may import, as ``raft.messages``.
        seconds: of wall clock; what is not done by then is unknown.
    """
    report = judge(
        Apart(ctx.workspace / file, given, boxed=confinement.alone),
        suite,
        seeds=seeds,
        secret=ctx.seed.to_bytes(16, "big"),
        only=scenarios,
        seconds=seconds,
        explain=False,
    )
    wanted = sum(each.wanted for each in report.scenarios)
    passed = sum(each.passed for each in report.scenarios)
    found = report.failure
    if found is None and report.status == "unknown":
        raise CannotTell(f"The judge got through {passed} of {wanted} runs in its time.")
    why = "" if found is None else f"{found.title} ({found.source}): {found.why}."
    return Outcome.is_true(found is None, f"{passed} of {wanted} runs", "all of them", why)

"""Checks of lessons that take place in the simulator: a learner's server, and unseen seeds.

The learner's file is read and run in the judge's worker processes only, never in this one. There
the references cannot be imported.
"""

from __future__ import annotations

import pkgutil
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.grading.outcome import CannotTell, Outcome
from jupyter_sysdesign.simulation import protocols
from jupyter_sysdesign.simulation.judge import judge
from jupyter_sysdesign.simulation.server_file import loaded

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from jupyter_sysdesign.grading.checks import Context
    from jupyter_sysdesign.simulation.judge.suite import Suite


class Learner:
    """Makes servers of the class in a file; the file is read where the first one is made.

    Args:
        file: the learner's.
        given: modules of ``simulation.protocols`` that it may import, such as ``raft.messages``.
    """

    def __init__(self, file: Path, given: Iterable[str] = ()) -> None:
        self.__name__ = file.name
        self._file = file
        self._given = frozenset(given)

    def __call__(self, ctx: Any) -> Any:
        """Make one server."""
        return _served(self._file, self._given)(ctx)


@cache
def _served(file: Path, given: frozenset[str]) -> Any:
    """Return the learner's class, with everything else of the protocols out of reach."""
    prefix = f"{protocols.__name__}."
    for each in pkgutil.walk_packages(protocols.__path__, prefix):
        if not each.ispkg and each.name.removeprefix(prefix) not in given:
            sys.modules[each.name] = None  # type: ignore[assignment] # an import of it fails
    return loaded(file)


def holds(
    ctx: Context,
    suite: Suite,
    *scenarios: str,
    file: str,
    seeds: int,
    given: Iterable[str] = (),
    seconds: float = 150.0,
) -> Outcome:
    """Judge the learner's server by some scenarios of a suite.

    Args:
        ctx: of the check.
        suite: the protocol's.
        scenarios: their names.
        file: the learner's, in the workspace.
        seeds: runs of each scenario, beside the stored ones. A rare bug is a bug: all must pass.
        given: see ``Learner``.
        seconds: of wall clock; what is not done by then is unknown.
    """
    report = judge(
        Learner(ctx.workspace / file, given),
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

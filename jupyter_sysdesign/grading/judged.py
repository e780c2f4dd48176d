"""Checks of a server that a learner wrote for the simulator: scenarios with seeds nobody has seen.

The learner's file is read and run in the judge's worker processes only, never in this one. There
the reference cannot be imported.
"""

from __future__ import annotations

import pkgutil
import sys
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.grading.checks import CannotTell, Outcome
from jupyter_sysdesign.simulation.judge import judge
from jupyter_sysdesign.simulation.server_file import loaded

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from jupyter_sysdesign.grading.checks import Context
    from jupyter_sysdesign.simulation.judge.suite import Suite


@dataclass(frozen=True)
class Exercise:
    """What a learner writes, and what it is judged by.

    Attributes:
        file: its name in the workspace.
        suite: of the protocol.
        protocol: the package with the reference in it.
        given: modules of that package that the learner may import.
    """

    file: str
    suite: Suite
    protocol: ModuleType
    given: frozenset[str]

    def holds(self, ctx: Context, *scenarios: str, seeds: int) -> Outcome:
        """Judge the learner's server by some scenarios.

        Raises:
            CannotTell: the time did not suffice.
        """
        report = judge(
            _Learner(ctx.workspace / self.file, self.protocol, self.given),
            self.suite,
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


class _Learner:
    """Makes servers of the class in a file; the file is read where the first one is made."""

    def __init__(self, file: Path, protocol: ModuleType, given: frozenset[str]) -> None:
        self.__name__ = file.stem
        self._file, self._protocol, self._given = file, protocol, given

    def __call__(self, ctx: Any) -> Any:
        return _served(self._file, self._protocol, self._given)(ctx)


@cache
def _served(file: Path, protocol: ModuleType, given: frozenset[str]) -> Any:
    """Return the learner's class, with everything else of the protocol out of reach."""
    for each in pkgutil.iter_modules(protocol.__path__):
        if each.name not in given:
            # An import of it fails from now on.
            sys.modules[f"{protocol.__name__}.{each.name}"] = None  # type: ignore[assignment]
    return loaded(file)

"""The stored run of every known bug: reading the file, and finding the runs for it.

They are whole plans, so that a scenario may change without losing them.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.simulation.judge.suite import Killer
from jupyter_sysdesign.simulation.plan import Plan
from jupyter_sysdesign.simulation.play import play

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_sysdesign.simulation.judge.gallery import Gallery, Mutant
    from jupyter_sysdesign.simulation.judge.suite import Suite


def stored(file: Path) -> tuple[Killer, ...]:
    """Return the stored runs, one for each mutant of the gallery."""
    found = json.loads(file.read_text(encoding="utf-8"))
    return tuple(
        Killer(bug, each["scenario"], each["rule"], Plan.from_json(each["plan"]))
        for bug, each in found.items()
    )


def find(mutant: Mutant, suite: Suite, seeds: int) -> dict[str, Any] | None:
    """Return the first run of the suite that shows the mutant's mistake; None if none does."""
    for seed in range(seeds):
        for scenario in suite.scenarios:
            plan = scenario.plan(seed)
            outcome = play(plan, mutant.server, suite.bench)
            broken = outcome.violation
            if broken is None or outcome.status != "failed":
                continue
            if broken.rule.id in mutant.shown_by:
                return {
                    "scenario": scenario.name,
                    "rule": broken.rule.id,
                    "plan": plan.as_json(),
                }
    return None


def write(file: Path, suite: Suite, gallery: Gallery, *, seeds: int = 1000) -> bool:
    """Find a run for every mutant and write the file; return whether all were found."""
    found: dict[str, Any] = {}
    for name, mutant in gallery.items():
        killer = find(mutant, suite, seeds)
        if killer is None:
            sys.stderr.write(f"{name}: not found in {seeds:,} seeds of each scenario\n")
            return False
        found[name] = killer
        seed = killer["plan"]["seed"]
        sys.stderr.write(f"{name}: {killer['rule']} in {killer['scenario']}, seed {seed}\n")
    file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return True

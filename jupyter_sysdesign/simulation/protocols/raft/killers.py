"""Finds the stored run for each mutant of the gallery.

    python -m jupyter_sysdesign.simulation.protocols.raft.killers

writes ``killers.json`` anew: needed when a mutant is added, not when a scenario changes, because
the stored runs are whole plans.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from jupyter_sysdesign.simulation.play import play
from jupyter_sysdesign.simulation.protocols.raft.mutants import GALLERY, Mutant
from jupyter_sysdesign.simulation.protocols.raft.suite import KILLERS, RAFT

if TYPE_CHECKING:
    from typing import Any


def find(mutant: Mutant, seeds: int) -> dict[str, Any] | None:
    """Return the first run of the suite that shows the mutant's mistake; None if none does."""
    for seed in range(seeds):
        for scenario in RAFT.scenarios:
            plan = scenario.plan(seed)
            outcome = play(plan, mutant.server, RAFT.bench)
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


def main() -> int:
    """Write the file; fail if a mutant is not found."""
    found: dict[str, Any] = {}
    for name, mutant in GALLERY.items():
        killer = find(mutant, seeds=1000)
        if killer is None:
            sys.stderr.write(f"{name}: not found in 1,000 seeds of each scenario\n")
            return 1
        found[name] = killer
        seed = killer["plan"]["seed"]
        sys.stderr.write(f"{name}: {killer['rule']} in {killer['scenario']}, seed {seed}\n")
    KILLERS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

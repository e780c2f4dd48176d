"""Finds the stored run for each mutant of the galleries.

    python -m jupyter_sysdesign.simulation.protocols.commit.killers

writes ``killers.json`` and ``killers-3pc.json`` anew: needed when a mutant is added.
"""

from __future__ import annotations

import sys

from jupyter_sysdesign.simulation.judge.killers import write
from jupyter_sysdesign.simulation.protocols.commit.mutants import (
    THREE_PHASE_MUTANTS,
    TWO_PHASE_MUTANTS,
)
from jupyter_sysdesign.simulation.protocols.commit.suite import (
    KILLERS,
    KILLERS_3,
    THREE_PHASE,
    TWO_PHASE,
)

if __name__ == "__main__":
    sys.exit(
        not write(KILLERS, TWO_PHASE, TWO_PHASE_MUTANTS)
        or not write(KILLERS_3, THREE_PHASE, THREE_PHASE_MUTANTS)
    )

"""Finds the stored run for each mutant of the galleries.

    python -m jupyter_sysdesign.simulation.protocols.commit.killers

writes ``killers.json`` and ``killers-3pc.json`` anew: needed when a mutant is added.
"""

from __future__ import annotations

import sys

from jupyter_sysdesign.simulation.judge.gallery import store
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


def main() -> int:
    """Write the files; fail if a mutant is not found."""
    return store(TWO_PHASE_MUTANTS, TWO_PHASE, KILLERS) or store(
        THREE_PHASE_MUTANTS, THREE_PHASE, KILLERS_3
    )


if __name__ == "__main__":
    sys.exit(main())

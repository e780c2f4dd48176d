"""Finds the stored run for each mutant of the gallery.

    python -m jupyter_sysdesign.simulation.protocols.quorum.killers

writes ``killers.json`` anew: needed when a mutant is added.
"""

from __future__ import annotations

import sys

from jupyter_sysdesign.simulation.judge.killers import write
from jupyter_sysdesign.simulation.protocols.quorum.mutants import QUORUM_MUTANTS
from jupyter_sysdesign.simulation.protocols.quorum.suite import KILLERS, QUORUM

if __name__ == "__main__":
    sys.exit(not write(KILLERS, QUORUM, QUORUM_MUTANTS, seeds=100))

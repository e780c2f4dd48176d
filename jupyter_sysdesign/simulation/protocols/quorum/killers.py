"""Finds the stored run for each mutant of the gallery.

    python -m jupyter_sysdesign.simulation.protocols.quorum.killers

writes ``killers.json`` anew: needed when a mutant is added.
"""

from __future__ import annotations

import sys

from jupyter_sysdesign.simulation.judge.gallery import store
from jupyter_sysdesign.simulation.protocols.quorum.mutants import QUORUM_MUTANTS
from jupyter_sysdesign.simulation.protocols.quorum.suite import KILLERS, QUORUM

if __name__ == "__main__":
    sys.exit(store(QUORUM_MUTANTS, QUORUM, KILLERS, seeds=100))

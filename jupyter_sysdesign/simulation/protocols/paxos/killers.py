"""Finds the stored run for each mutant of the two galleries.

    python -m jupyter_sysdesign.simulation.protocols.paxos.killers

writes ``killers.json`` and ``synod-killers.json`` anew: needed when a mutant is added, not when a
scenario changes, because the stored runs are whole plans.
"""

from __future__ import annotations

import sys

from jupyter_sysdesign.simulation.judge.killers import write
from jupyter_sysdesign.simulation.protocols.paxos.mutants import GALLERY, SYNOD_GALLERY
from jupyter_sysdesign.simulation.protocols.paxos.suite import (
    KILLERS,
    PAXOS,
    SYNOD,
    SYNOD_KILLERS,
)

if __name__ == "__main__":
    found = [write(SYNOD_KILLERS, SYNOD, SYNOD_GALLERY), write(KILLERS, PAXOS, GALLERY)]
    sys.exit(not all(found))

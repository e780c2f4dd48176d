"""Finds the stored run for each mutant of the gallery.

    python -m jupyter_sysdesign.simulation.protocols.gossip.killers

writes ``killers.json`` anew: needed when a mutant is added, not when a scenario changes, because
the stored runs are whole plans.
"""

from __future__ import annotations

import sys

from jupyter_sysdesign.simulation.judge.killers import write
from jupyter_sysdesign.simulation.protocols.gossip.mutants import GALLERY
from jupyter_sysdesign.simulation.protocols.gossip.suite import KILLERS, SWIM

if __name__ == "__main__":
    sys.exit(not write(KILLERS, SWIM, GALLERY, seeds=200))

"""Finds the stored run for each mutant of the gallery.

    python -m jupyter_sysdesign.simulation.protocols.timekeeping.killers

writes ``killers.json`` anew: needed when a mutant is added, not when a scenario changes, because
the stored runs are whole plans.
"""

from __future__ import annotations

import sys

from jupyter_sysdesign.simulation.judge.killers import write
from jupyter_sysdesign.simulation.protocols.timekeeping.cluster import CLOCKS, KILLERS
from jupyter_sysdesign.simulation.protocols.timekeeping.mutants import GALLERY

if __name__ == "__main__":
    sys.exit(not write(KILLERS, CLOCKS, GALLERY, seeds=200))

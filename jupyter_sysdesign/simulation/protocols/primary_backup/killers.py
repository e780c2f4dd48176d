"""Finds the stored run for each mutant of the gallery.

    python -m jupyter_sysdesign.simulation.protocols.primary_backup.killers

writes ``killers.json`` anew: needed when a mutant is added.
"""

from __future__ import annotations

import sys

from jupyter_sysdesign.simulation.judge.killers import write
from jupyter_sysdesign.simulation.protocols.primary_backup.mutants import PRIMARY_BACKUP_MUTANTS
from jupyter_sysdesign.simulation.protocols.primary_backup.suite import KILLERS, PRIMARY_BACKUP

if __name__ == "__main__":
    sys.exit(not write(KILLERS, PRIMARY_BACKUP, PRIMARY_BACKUP_MUTANTS, seeds=200))

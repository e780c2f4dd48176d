"""Runs in the simulator: watch one, change it, have your own server judged.

    from jupyter_sysdesign.notebook.simulation import judge, simulate

    simulate(seed=3)                        # the reference, to watch and to break
    judge("raft.py", only=["elections"])    # yours, and the smallest run of what it does wrong

Nothing here needs a lesson, a system or a server: only this kernel.
"""

from __future__ import annotations

from jupyter_sysdesign.notebook.errors import install
from jupyter_sysdesign.notebook.judging import Judgement, judge
from jupyter_sysdesign.notebook.simulating import SimulationView, simulate

__all__ = ["Judgement", "SimulationView", "judge", "simulate"]

install()

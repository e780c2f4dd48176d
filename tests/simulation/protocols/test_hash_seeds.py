"""Nothing in a run depends on the order of a set: the same traces under another hash seed."""

from __future__ import annotations

import os
import subprocess
import sys

SCRIPT = """
from jupyter_sysdesign.simulation.play import play
from jupyter_sysdesign.simulation.protocols.commit.suite import THREE_PHASE, TWO_PHASE
from jupyter_sysdesign.simulation.protocols.commit.three_phase import ThreePhase
from jupyter_sysdesign.simulation.protocols.commit.two_phase import TwoPhase
from jupyter_sysdesign.simulation.protocols.primary_backup.server import Server
from jupyter_sysdesign.simulation.protocols.primary_backup.suite import PRIMARY_BACKUP
from jupyter_sysdesign.simulation.protocols.quorum.replica import Replica
from jupyter_sysdesign.simulation.protocols.quorum.suite import QUORUM
from jupyter_sysdesign.simulation.trace import Trace

for suite, server in (
    (TWO_PHASE, TwoPhase),
    (THREE_PHASE, ThreePhase),
    (PRIMARY_BACKUP, Server),
    (QUORUM, Replica),
):
    for scenario in suite.scenarios:
        trace = Trace(keep=False)
        play(scenario.plan(3), server, suite.bench, trace=trace)
        print(suite.name, scenario.name, trace.hash)
"""


def hashes(seed: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": seed},
    )
    return done.stdout.splitlines()


def test_hash_seeds_change_nothing():
    one = hashes("1")
    assert one == hashes("4242")
    assert len(one) == 23
    assert len({line.rpartition(" ")[2] for line in one}) == len(one)

"""The same seed gives the same trace hash, in whatever process and Python it runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_sysdesign.simulation.play import play
from jupyter_sysdesign.simulation.protocols.raft.server import Raft
from jupyter_sysdesign.simulation.protocols.raft.suite import RAFT
from jupyter_sysdesign.simulation.trace import Trace, header, read

ROOT = Path(__file__).parents[2]
SEEDS = (3,)

#: suite → where it and its reference stand, under ``protocols``.
PROTOCOLS = {
    "RAFT": ("raft.suite", "raft.server", "Raft"),
    "SYNOD": ("paxos.suite", "paxos.synod", "Synod"),
    "PAXOS": ("paxos.suite", "paxos.multi", "MultiPaxos"),
    "TWO_PHASE": ("commit.suite", "commit.two_phase", "TwoPhase"),
    "THREE_PHASE": ("commit.suite", "commit.three_phase", "ThreePhase"),
    "PRIMARY_BACKUP": ("primary_backup.suite", "primary_backup.server", "Server"),
    "QUORUM": ("quorum.suite", "quorum.replica", "Replica"),
    "PBFT": ("pbft.suite", "pbft.replica", "Pbft"),
    "SWIM": ("gossip.suite", "gossip.swim", "Swim"),
    "CLOCKS": ("timekeeping.cluster", "timekeeping.keeper", "Keeper"),
    "CHAIN": ("chain.cluster", "chain.miner", "Miner"),
}

SCRIPT = f"""
import importlib, json, sys
sys.path.insert(0, {str(ROOT)!r})
from jupyter_sysdesign.simulation.play import play
from jupyter_sysdesign.simulation.trace import Trace
hashes = {{}}
for name, (where, module, server) in {PROTOCOLS!r}.items():
    prefix = "jupyter_sysdesign.simulation.protocols."
    suite = getattr(importlib.import_module(prefix + where), name)
    made = getattr(importlib.import_module(prefix + module), server)
    for scenario in suite.scenarios:
        for seed in {SEEDS!r}:
            trace = Trace(keep=False)
            play(scenario.plan(seed), made, suite.bench, trace=trace)
            hashes[f"{{name}} {{scenario.name}} {{seed}}"] = trace.hash
print(json.dumps(hashes))
"""


def interpreters() -> dict[str, str]:
    """Every CPython 3.10 to 3.13 on this machine, by version; ours is one."""
    found = {f"3.{sys.version_info.minor}": sys.executable}
    siblings = Path(sys.base_prefix).parent
    for minor in (10, 11, 12, 13):
        name = f"python3.{minor}"
        candidates = [shutil.which(name), *sorted(map(str, siblings.glob(f"*/bin/{name}")))]
        for candidate in filter(None, candidates):
            probe = subprocess.run([candidate, "-c", ""], capture_output=True, check=False)
            if probe.returncode == 0:
                found.setdefault(f"3.{minor}", candidate)
    return found


def hashes(python: str, hash_seed: str) -> dict[str, str]:
    done = subprocess.run(
        [python, "-c", SCRIPT],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def ours() -> dict[str, str]:
    return hashes(sys.executable, "0")


@pytest.mark.parametrize(("python", "hash_seed"), [(each, "1") for each in interpreters()])
def test_the_hash_does_not_depend_on_process_or_python(
    python: str, hash_seed: str, ours: dict[str, str]
):
    assert hashes(interpreters()[python], hash_seed) == ours


def test_different_runs_give_different_hashes(ours: dict[str, str]):
    # The clocks' first two scenarios make the same runs, and hold them against different rules.
    different = {name: hash_ for name, hash_ in ours.items() if not name.startswith("CLOCKS vec")}
    assert len(set(different.values())) == len(different)


def test_recording_changes_nothing():
    for scenario in RAFT.scenarios:
        plan = scenario.plan(5)
        assert play(plan, Raft, RAFT.bench) == play(plan, Raft, RAFT.bench, trace=Trace())


def test_a_trace_file_can_be_read_again():
    plan = RAFT.scenarios[0].plan(1)
    trace = Trace()
    trace.header = header(plan, Raft)
    play(plan, Raft, RAFT.bench, trace=trace)
    head, lines = read(trace.write())
    assert head["seed"] == 1
    assert head["code"]
    assert lines == trace.lines
    assert lines[-1]["kind"] == "end"
    ids = {line["id"] for line in lines if line["kind"] == "send"}
    arrived = [line for line in lines if line["kind"] == "message"]
    assert arrived
    assert all(line["cause"] < line["id"] for line in arrived)
    assert sum(line["id"] in ids for line in arrived) > len(arrived) / 2
    assert any(line["kind"] == "keyframe" for line in lines)
    with pytest.raises(ValueError, match="not a trace"):
        read("{}")

"""A run with servers in processes of their own is the run with all of them in one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_sysdesign.simulation.apart import wire
from jupyter_sysdesign.simulation.apart.servers import Apart
from jupyter_sysdesign.simulation.faults import Fault
from jupyter_sysdesign.simulation.play import play
from jupyter_sysdesign.simulation.protocols.chain.merchant import MERCHANT
from jupyter_sysdesign.simulation.protocols.commit.suite import TWO_PHASE
from jupyter_sysdesign.simulation.protocols.gossip.suite import SWIM
from jupyter_sysdesign.simulation.protocols.paxos.suite import PAXOS, SYNOD
from jupyter_sysdesign.simulation.protocols.pbft.suite import PBFT
from jupyter_sysdesign.simulation.protocols.raft.suite import RAFT
from jupyter_sysdesign.simulation.protocols.timekeeping.cluster import CLOCKS
from jupyter_sysdesign.simulation.server_file import loaded
from jupyter_sysdesign.simulation.trace import Trace
from jupyter_sysdesign.simulation.units import S

LABS = Path(__file__).parents[3] / "environments"

#: The labs' reference solutions, what they may import, and what they are judged by.
CASES = {
    "raft": ("lab-raft/solution/raft.py", ["raft.messages"], RAFT),
    "synod": ("lab-paxos/solution/synod.py", ["paxos.messages"], SYNOD),
    "paxos": ("lab-paxos/solution/paxos.py", ["paxos.messages"], PAXOS),
    "commit": (
        "lab-commit/solution/two_phase.py",
        ["commit.accounts", "commit.messages"],
        TWO_PHASE,
    ),
    "gossip": ("lab-gossip/solution/swim.py", ["gossip.messages"], SWIM),
    "pbft": (
        "lab-bft/solution/pbft.py",
        ["pbft.frame", "pbft.messages", "pbft.seals"],
        PBFT,
    ),
    "merchant": ("lab-bft/solution/finality.py", ["chain.messages"], MERCHANT),
    "clocks": ("lab-clocks/solution/clocks.py", ["timekeeping.frame"], CLOCKS),
}


@pytest.fixture
def servers(case: str):
    """The class, and what makes servers of it in processes of their own."""
    file, given, _ = CASES[case]
    with Apart(LABS / file, given) as apart:
        yield loaded(LABS / file), apart


@pytest.mark.parametrize("case", CASES)
def test_the_same_run_event_for_event(case, servers):
    suite = CASES[case][2]
    for scenario in suite.scenarios:
        plan = replace(scenario.plan(7), duration_us=2 * S)
        traces = Trace(), Trace()
        outcomes = [
            play(plan, each, suite.bench, trace=trace)
            for each, trace in zip(servers, traces, strict=True)
        ]
        lines = zip(traces[0].lines, traces[1].lines, strict=False)
        differ = [(mine, theirs) for mine, theirs in lines if mine != theirs]
        assert not differ, (scenario.name, differ[0])
        assert traces[0].hash == traces[1].hash
        # Without a record, messages between servers are not read on the way.
        assert outcomes[0] == outcomes[1] == play(plan, servers[1], suite.bench)


@pytest.mark.parametrize("case", ["raft", "synod", "paxos", "commit"])
def test_the_power_is_cut_at_the_same_write(case, servers):
    suite = CASES[case][2]
    triggered = [each for each in suite.killers if each.plan.triggers]
    assert triggered
    for killer in triggered:
        traces = Trace(keep=False), Trace(keep=False)
        for each, trace in zip(servers, traces, strict=True):
            play(replace(killer.plan, duration_us=2 * S), each, suite.bench, trace=trace)
        assert traces[0].hash == traces[1].hash, killer.bug


@pytest.mark.parametrize("on", ["wrote", "syncing", "synced"])
def test_a_server_waits_only_at_the_writes_that_may_be_its_last(monkeypatch, on):
    waited = []

    class Counted(wire.Line):
        def hear(self):
            said = super().hear()
            waited.extend(["waited"] if said[0] == "more" else [])
            return said

    monkeypatch.setattr(wire, "Line", Counted)
    plan = RAFT.scenarios[3].plan(5)
    (trigger,) = plan.triggers
    plan = replace(plan, triggers=(replace(trigger, on=on),))
    trace = Trace()
    with Apart(LABS / CASES["raft"][0], CASES["raft"][1]) as apart:
        assert play(plan, apart, RAFT.bench, trace=trace).status == "passed"
    cut = [each for each in trace.lines if each.get("kind") == "crashed"]
    assert 0 < len(waited) <= min(trigger.times, len(cut))


OWN_CLASSES = """
class Entry(NamedTuple):
    term: int
    command: Any


class Role(str, enum.Enum):
    FOLLOWER = "follower"
    CANDIDATE = "candidate"
    LEADER = "leader"


class Vote(NamedTuple):
"""


def test_what_a_class_of_the_files_own_is_made_of_is_seen_apart_too(tmp_path):
    """A named tuple is a tuple, and a text that is an enum's is that text."""
    text = (LABS / "lab-raft/solution/raft.py").read_text()
    for old, new in {
        "from typing": "import enum\nfrom typing",
        "append((self.term, command))": "append(Entry(self.term, command))",
        '"follower"\n': "Role.FOLLOWER\n",
        '"candidate"\n': "Role.CANDIDATE\n",
        '"leader"\n': "Role.LEADER\n",
        "class Vote(NamedTuple):\n": OWN_CLASSES.lstrip(),
    }.items():
        assert old in text
        text = text.replace(old, new)
    file = tmp_path / "raft.py"
    file.write_text(text)
    plan = replace(RAFT.scenarios[0].plan(6), duration_us=2 * S)
    plan = replace(plan, faults=(*plan.faults, Fault("crash", S, "leader", S // 4)))
    traces = Trace(), Trace()
    with Apart(file, ["raft.messages"]) as apart:
        outcomes = [
            play(plan, each, RAFT.bench, trace=trace)
            for each, trace in zip((loaded(file), apart), traces, strict=True)
        ]
        outcomes.append(play(plan, apart, RAFT.bench))
    assert outcomes[0] == outcomes[1] == outcomes[2]
    assert outcomes[0].figures["committed"] > 0
    assert traces[0].lines == traces[1].lines
    assert traces[0].hash == traces[1].hash


@pytest.mark.parametrize("case", [each for each in CASES if each != "merchant"])
def test_a_server_that_shows_nothing_is_told_so(case, servers):
    suite = CASES[case][2]

    class Hides(servers[0]):
        def probe(self):
            return None

    for scenario in suite.scenarios:
        outcome = play(scenario.plan(7), Hides, suite.bench)
        assert outcome.status == "failed", scenario.name
        assert outcome.violation.rule.id == "probe"

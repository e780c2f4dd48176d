"""What servers note and answer is told, and is neither a fact nor a stumbling block."""

from __future__ import annotations

import enum
from dataclasses import replace
from typing import Any

import pytest

from jupyter_sysdesign.simulation.clients import Reply
from jupyter_sysdesign.simulation.faults import Fault, Trigger
from jupyter_sysdesign.simulation.narration import narrate
from jupyter_sysdesign.simulation.play import play
from jupyter_sysdesign.simulation.protocols.commit.mutants import TWO_PHASE_MUTANTS
from jupyter_sysdesign.simulation.protocols.commit.suite import TWO_PHASE
from jupyter_sysdesign.simulation.protocols.raft.server import Raft
from jupyter_sysdesign.simulation.protocols.raft.suite import RAFT
from jupyter_sysdesign.simulation.trace import Trace, header, read
from jupyter_sysdesign.simulation.unfolding import Unfolding
from jupyter_sysdesign.simulation.units import MS, S

PLAN = replace(RAFT.scenarios[0].plan(6), duration_us=S)


def noting(kind: str, **details: Any) -> type[Raft]:
    class Notes(Raft):
        def on_start(self) -> None:
            self.ctx.note(kind, **details)
            super().on_start()

    return Notes


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        ("elected", {}),
        ("voted", {"for": 2}),
        ("voted", {"who": 3, "for": [2], "term": {}}),
        ("committed", {"words": "commits nothing"}),
        ("fault", {}),
        ("fault", {"fault": [], "nodes": 3}),
        ("fault ended", {}),
        ("timer", {}),
        ("timer", {"id": 0}),
        ("message", {"id": 0, "src": 1, "message": {"type": "Sealed"}}),
        ("send", {}),
        (("a", "pair"), {}),
        ("keyframe", {}),
        ("seen", {"t": "soon", "node": 3, "cause": None, "words": "is seen"}),
    ],
)
def test_whatever_a_server_notes_its_story_can_be_told(kind, details):
    trace = Trace()
    outcome = play(PLAN, noting(kind, **details), RAFT.bench, trace=trace)
    said = kind if isinstance(kind, str) else "['a', 'pair']"
    noted = [line for line in trace.lines if line["kind"] == said and line.get("node") == 1]
    assert noted
    assert noted[0]["t"] == 0
    story = narrate(trace.lines, outcome)
    assert any("becomes leader" in line for line in story)
    if "words" in details:
        assert f"0.000 s  S1 {details['words']}." in story


@pytest.mark.parametrize("name", [enum.Enum("Names", "ELECTION").ELECTION, ("election", 1)])
def test_a_timer_can_be_called_anything(name):
    class Waits(Raft):
        def on_start(self) -> None:
            super().on_start()
            self.ctx.set_timer(name, MS)
            self.ctx.set_timer((name, "late"), 2 * S)

    for trace in (Trace(keyframe_every=10), Unfolding()):
        outcome = play(PLAN, Waits, RAFT.bench, trace=trace)
        assert narrate(trace.lines, outcome)
        trace.header = header(PLAN, Waits)
        assert read(trace.write())[1] == trace.lines


def test_an_answer_that_is_no_value_is_a_wrong_answer():
    class Answers(Raft):
        def on_message(self, src: Any, message: Any) -> None:
            super().on_message(src, message)
            if isinstance(src, str):
                self.ctx.send(src, Reply(message.serial, ok=True, value={"a": 1}))

    plan = replace(PLAN, calm_us=None)
    outcome = play(plan, Answers, RAFT.bench)
    assert outcome.status == "failed"
    assert outcome.violation.rule.id == "linearizability"


def test_what_a_server_says_of_itself_sets_nothing_off():
    strikes = Trigger("appended", (Fault("crash", 0, "it"),), times=9)
    plan = replace(PLAN, duration_us=100 * MS, calm_us=None, triggers=(strikes,))
    trace = Trace()
    play(plan, noting("appended", index=1, term=1), RAFT.bench, trace=trace)
    kinds = [line["kind"] for line in trace.lines]
    assert "appended" in kinds
    assert "crashed" not in kinds


@pytest.mark.parametrize("kind", ["fault", "crashed", "began"])
def test_a_note_is_no_excuse(kind):
    killer = next(each for each in TWO_PHASE.killers if each.bug == "says-no-to-all")

    class Excuses(TWO_PHASE_MUTANTS[killer.bug].server):
        def on_start(self) -> None:
            self.ctx.note(kind)
            super().on_start()

    outcome = play(killer.plan, Excuses, TWO_PHASE.bench)
    assert outcome.violation is not None
    assert outcome.violation.rule.id == killer.rule

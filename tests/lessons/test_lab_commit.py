"""What lab-commit says of its runs is what its cells show."""

from __future__ import annotations

import re

import nbformat
import pytest

from jupyter_sysdesign.curriculum.catalogue import Catalogue
from jupyter_sysdesign.notebook.simulation import simulate
from jupyter_sysdesign.simulation.faults import Fault
from jupyter_sysdesign.simulation.protocols.commit.suite import THREE_PHASE, TWO_PHASE
from jupyter_sysdesign.simulation.protocols.commit.three_phase import ThreePhase
from jupyter_sysdesign.simulation.protocols.commit.two_phase import TwoPhase
from jupyter_sysdesign.simulation.units import MS

LESSON = Catalogue().lesson("lab-commit")
NOTEBOOK = nbformat.read(LESSON.notebooks / "lesson.ipynb", as_version=4)


def shown(cell: str):
    """Run a cell that ends with ``simulate(…)``, and return what it shows."""
    (source,) = [each.source for each in NOTEBOOK.cells if each.id == cell]
    names = {
        "simulate": simulate,
        "Fault": Fault,
        "MS": MS,
        "TwoPhase": TwoPhase,
        "TWO_PHASE": TWO_PHASE,
        "ThreePhase": ThreePhase,
        "THREE_PHASE": THREE_PHASE,
    }
    exec(source.replace("simulate(", "view = simulate("), names)
    return names["view"]


def at_ms(story: list[str], words: str) -> int:
    """Return when the first line with these words happens."""
    found = next(line for line in story if words in line)
    moment = re.match(r"([\d.]+) s", found)
    assert moment is not None
    return round(float(moment[1]) * 1000)


def actual(question: str) -> float:
    asked = LESSON.file.question(question)
    assert asked is not None
    return asked.actual.value


def test_the_answer_comes_when_the_lesson_says():
    view = shown("payment")
    asked = at_ms(view.story, "c1 wants c1.1")
    told = next(
        int(line.split('"t": ')[1].split(",")[0]) / 1000
        for line in view.trace.splitlines()
        if '"kind": "message"' in line and '"node": "c1"' in line
    )
    assert round(told - asked) == actual("answer-time")


def test_two_phases_are_blocked_as_long_as_the_lesson_says():
    view = shown("dies")
    assert view.outcome.status == "passed"
    voted, knew = at_ms(view.story, "S2 votes yes on c1.2"), at_ms(view.story, "S2 aborts c1.2")
    assert (voted, knew - voted) == (638, actual("in-doubt"))


@pytest.mark.parametrize("exhibit", [0, 1, 2, 3])
def test_the_exhibits_are_in_the_run(exhibit: int):
    asked = LESSON.file.question("why-blocked")
    assert asked is not None
    assert any(asked.exhibits[exhibit].text in line for line in shown("dies").story)


def test_three_phases_are_not():
    view = shown("three-dies")
    assert view.outcome.status == "passed"
    voted, knew = at_ms(view.story, "S2 votes yes on c1.2"), at_ms(view.story, "S2 aborts c1.2")
    assert (voted, knew - voted) == (651, actual("three-phase-doubt"))
    assert knew < at_ms(view.story, "S1 restarts")


def test_three_phases_split_where_two_wait():
    view = shown("cut")
    assert view.outcome.violation is not None
    assert view.outcome.violation.rule.id == "agreement"
    story = "\n".join(view.story)
    assert "S3 commits c1.2" in story
    assert "S2 aborts c1.2" in story
    assert not re.search("S4 (commits|aborts) c1.2", story)
    assert simulate(TwoPhase, suite=TWO_PHASE, plan=view.plan).outcome.status == "passed"

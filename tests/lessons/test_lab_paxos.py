"""What lab-paxos says of its runs is what its cells show."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import nbformat
import pytest
from lessons.cells import actual, sends, shown

from jupyter_sysdesign.curriculum.catalogue import Catalogue
from jupyter_sysdesign.notebook.simulation import simulate
from jupyter_sysdesign.simulation.faults import Fault
from jupyter_sysdesign.simulation.protocols.paxos.suite import SYNOD
from jupyter_sysdesign.simulation.protocols.paxos.synod import Synod
from jupyter_sysdesign.simulation.units import MS

LESSON = Catalogue().lesson("lab-paxos")
NOTEBOOK = nbformat.read(LESSON.notebooks / "lesson.ipynb", as_version=4)
TEXT = "\n".join(each.source for each in NOTEBOOK.cells)


@pytest.fixture(scope="module")
def views():
    return shown("lab-paxos")


def test_a_choice_costs_as_many_messages_as_the_lesson_says(views):
    assert len(sends(views["choice"])) == actual("lab-paxos", "how-many-messages")


def test_red_is_chosen_although_its_proposer_is_dead(views):
    story = "\n".join(views["dies"].story)
    assert "S5 knows that red is chosen" in story
    assert story.index("red is chosen in slot 1") < story.index("S1 crashes")
    assert story.index("S1 crashes") < story.index("knows that red is chosen")


def test_the_exhibits_are_in_the_run(views):
    story = views["dies-early"].story
    asked = LESSON.file.question("why-blue")
    for words in ("0.028 s  S1 crashes", "S2 completes the majority: blue is chosen in slot 1"):
        assert any(words in each.text for each in asked.exhibits)
        assert any(words in each for each in story)
    red = [each[9:11] for each in story if "accepts red in ballot 1.1" in each]
    assert red == ["S1", "S3"]
    told = [line for line in story if "is chosen" in line]
    assert float(told[0][:5]) > 0.1


def test_red_is_chosen_also_without_the_promise_that_the_lesson_lets_one_lose(views):
    view = views["dies"]
    (at_ms,) = re.findall(r"go to about (\d+) ms, where S4's Promise is on its way", TEXT)
    under_way = [
        (each["node"], each["dst"], each["number"])
        for each in sends(view)
        if each["message"]["type"] == "Promise"
        and each["t"] < int(at_ms) * MS < arrival(view, each)
    ]
    assert [each[0] for each in under_way] == [4]
    lost = replace(view.plan, lost=tuple(under_way))
    dead = replace(lost, faults=(*lost.faults, Fault("crash", int(at_ms) * MS, 4)))
    for plan in (lost, dead):
        story = simulate(Synod, suite=SYNOD, plan=plan).story
        assert any("S5 knows that red is chosen" in line for line in story)


def arrival(view, sent) -> int:
    """Return when a message that was sent arrives, in µs."""
    lines = [json.loads(each) for each in view.trace.splitlines()]
    return next(
        each["t"] for each in lines if (each["kind"], each.get("id")) == ("message", sent["id"])
    )


def test_the_duel_has_as_many_rounds_as_the_lesson_says(views):
    rounds = [each["message"]["ballot"]["round"] for each in sends(views["duelling"])]
    assert max(rounds) == actual("lab-paxos", "duel-rounds")
    assert not any("knows" in line for line in views["duelling"].story)
    assert any("0.051 s" in line and "is chosen" in line for line in views["duelling"].story)
    patient = [each["message"] for each in sends(views["patient"])]
    assert max(each["ballot"]["round"] for each in patient if "ballot" in each) == 2


def test_the_leader_that_comes_back_gives_way(views):
    story = views["store"].story
    assert any("1.334 s  S3 gives way" in line for line in story)
    assert views["store"].outcome.status == "passed"

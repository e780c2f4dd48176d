"""What lab-paxos says of its runs is what its cells show."""

from __future__ import annotations

import pytest
from lessons.cells import actual, sends, shown

from jupyter_sysdesign.curriculum.catalogue import Catalogue

LESSON = Catalogue().lesson("lab-paxos")


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

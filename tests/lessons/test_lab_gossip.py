"""What lab-gossip says of its runs is what its cells show."""

from __future__ import annotations

import re

import pytest
from lessons.cells import actual, sends, shown


@pytest.fixture(scope="module")
def views():
    return shown("lab-gossip")


def declared(view) -> list[int]:
    """Return when each declaration of a death came, in ms."""
    found = (re.match(r" *([\d.]+) s .* declares", line) for line in view.story)
    return [round(float(each[1]) * 1000) for each in found if each]


def test_everybody_knows_of_the_death_when_the_lesson_says(views):
    times = declared(views["death"])
    assert len(times) == 7
    assert max(times) - 1000 == actual("lab-gossip", "detection-time")


def test_as_many_bury_the_living_as_the_lesson_says(views):
    times = declared(views["hasty"])
    assert len(times) == actual("lab-gossip", "false-deaths")
    assert max(times) < 1900


def test_with_suspicion_nobody_is_buried(views):
    assert declared(views["patient"]) == []
    assert any("suspects S4" in line for line in views["patient"].story)
    assert views["patient"].outcome.status == "passed"


def test_the_exhibits_of_the_bad_link_are_in_the_run(views):
    story = "\n".join(views["bad-link"].story)
    for words in ("S2 suspects S5", "S5 suspects S2", "S3 takes S5 for alive again"):
        assert words in story
    answered = {
        line["dst"]
        for line in sends(views["bad-link"])
        if line["node"] == 5 and line["message"]["type"] == "Ack"
    }
    assert {3, 4, 6} <= answered


def test_patience_costs_time_and_saves_lives(views):
    swept = views["sweep"]
    times = [float(each["detected after"].split()[0]) for each in swept.values()]
    false = [each["runs with a false death"] for each in swept.values()]
    assert times == sorted(times)
    assert false == sorted(false, reverse=True)
    assert false[0] > 10
    assert false[-2:] == [0, 0]

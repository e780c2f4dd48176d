"""What lab-clocks says of its runs is what its cells show."""

from __future__ import annotations

import pytest
from lessons.cells import actual, shown


@pytest.fixture(scope="module")
def views():
    return shown("lab-clocks")


def test_as_many_pairs_are_concurrent_as_the_lesson_says(views):
    share, _, rest = views["pairs"].partition("%")
    assert float(share) == actual("lab-clocks", "concurrent-pairs")
    assert "89%" in rest


def test_the_exhibits_are_in_the_run(views):
    story = "\n".join(views["run"].story)
    for words in ("[S1:3 S2:4]", "[S2:3 S3:4]", "S1 stamps an event 3", "[S1:5 S2:6 S3:2]"):
        assert words in story
    assert views["run"].outcome.status == "passed"

"""What is personal to a learner: the same for ever, another one for everybody else."""

from __future__ import annotations

import json
import stat
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_sysdesign import paths
from jupyter_sysdesign.curriculum import workspace as workspaces
from jupyter_sysdesign.curriculum.catalogue import Catalogue
from jupyter_sysdesign.curriculum.variant import Variant, course_variant_key, variant
from jupyter_sysdesign.errors import InvalidFileError

if TYPE_CHECKING:
    from pathlib import Path

KEY = "5eed" * 16


@given(st.text(max_size=40), st.text(max_size=40), st.integers(-(2**53), 2**53), st.integers(0, 9))
def test_a_number_lies_in_its_range_and_stays(learner: str, name: str, first: int, span: int):
    mine = Variant.derive(KEY, learner, "t1-02-indexes")
    number = mine.number(name, first, first + span)
    assert first <= number <= first + span
    assert number == Variant.derive(KEY, learner, "t1-02-indexes").number(name, first, first + span)


def test_learners_lessons_keys_and_names_all_count():
    def number(
        key: str = KEY, learner: str = "ada", lesson: str = "t1-02", name: str = "user"
    ) -> int:
        return Variant.derive(key, learner, lesson).number(name, 0, 2**60)

    others = [
        number(key="ab" * 32),
        number(learner="ben"),
        number(lesson="t1-01"),
        number(name="x"),
    ]
    assert len({number(), *others}) == 5


def test_a_class_shares_its_numbers_evenly():
    drawn = Counter(
        Variant.derive(KEY, f"learner {n}", "t").number("user", 1, 10) for n in range(2000)
    )
    assert set(drawn) == set(range(1, 11))
    assert max(drawn.values()) < 280


@pytest.fixture
def mine(home: Path, curriculum: Path, tmp_path: Path) -> Path:
    return workspaces.create(Catalogue([curriculum]).lesson("tiny"), tmp_path / "mine").folder


def test_outside_of_a_course_the_key_is_this_homes(
    mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    first = variant(mine)
    key = paths.home() / "variant.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert variant(mine) == first
    monkeypatch.setenv("JUPYTERHUB_USER", "somebody-else")
    assert variant(mine) != first
    monkeypatch.delenv("JUPYTERHUB_USER")
    assert variant(mine) == first
    for damaged in ("", "zz", "\x00"):
        key.write_text(damaged)
        assert variant(mine) == variant(mine)


def test_a_courses_workspaces_carry_a_key_that_is_not_the_courses(home, curriculum, tmp_path):
    course_key = b"k" * 32
    key = course_variant_key(course_key)
    assert course_key.hex() not in key
    workspaces.populate(Catalogue([curriculum]).lesson("tiny"), tmp_path, key)
    assert workspaces.load(tmp_path).variant_key == key


def test_in_a_course_it_is_the_courses(mine: Path, monkeypatch: pytest.MonkeyPatch):
    marker = mine / workspaces.MARKER
    document = json.loads(marker.read_text())
    assert "variant_key" not in document
    marker.write_text(json.dumps({**document, "variant_key": KEY}))
    monkeypatch.setenv("JUPYTERHUB_USER", "ada")
    assert variant(mine) == Variant.derive(KEY, "ada", "tiny")
    assert not (paths.home() / "variant.key").exists()
    marker.write_text(json.dumps({**document, "variant_key": "no key"}))
    with pytest.raises(InvalidFileError):
        variant(mine)

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from jupyter_sysdesign import yaml_file
from jupyter_sysdesign.curriculum.catalogue import Catalogue
from jupyter_sysdesign.errors import InvalidFileError, InvalidRequestError, NotFoundError

if TYPE_CHECKING:
    from pathlib import Path


def add(root: Path, curriculum: Path, *lessons: str) -> None:
    for lesson in lessons:
        for kind in ("environments", "notebooks"):
            shutil.copytree(curriculum / kind / "tiny", root / kind / lesson)


def test_lessons_come_in_the_order_of_their_numbers(tmp_path: Path, curriculum: Path):
    add(tmp_path, curriculum, "t2-01-clocks", "t1-10-pub-sub", "t1-09-queues", "another", "first")
    file = tmp_path / "notebooks" / "another" / "lesson.yaml"
    file.write_text(file.read_text().replace("track: 1", "track: 1\norder: 1"))
    catalogue = Catalogue([tmp_path])
    ids = [each.id for each in catalogue.lessons()]
    assert ids == ["t1-09-queues", "t1-10-pub-sub", "t2-01-clocks", "first", "another"]
    recommended = catalogue.recommended(finished={"t1-09-queues"})
    assert recommended is not None
    assert recommended.id == "t1-10-pub-sub"


def test_a_broken_lesson_hides_no_other(tmp_path: Path, curriculum: Path):
    add(tmp_path, curriculum, "t1-01-good", "t1-02-bad", "t1-03-homeless")
    bad = tmp_path / "notebooks" / "t1-02-bad" / "lesson.yaml"
    bad.write_text(bad.read_text().replace("track: 1", "track: one"))
    shutil.rmtree(tmp_path / "environments" / "t1-03-homeless")
    catalogue = Catalogue([tmp_path])
    assert [each.id for each in catalogue.lessons()] == ["t1-01-good"]
    assert {problem.file for problem in catalogue.problems} == {
        "notebooks/t1-02-bad/lesson.yaml",
        "environments/t1-03-homeless/compose.yaml",
    }
    with pytest.raises(InvalidFileError, match=r"t1-02-bad/lesson\.yaml:2"):
        catalogue.lesson("t1-02-bad")
    bad.write_text(bad.read_text().replace("track: one", "track: 1"))
    assert catalogue.lesson("t1-02-bad").file.track == 1


def test_one_lesson_is_read_without_the_others(tmp_path: Path, curriculum: Path, monkeypatch):
    add(tmp_path, curriculum, "t1-01-good", "t1-02-better")
    read = []
    real = yaml_file.read
    monkeypatch.setattr(
        yaml_file, "read", lambda path, *name: read.append(path) or real(path, *name)
    )
    assert Catalogue([tmp_path]).lesson("t1-02-better").id == "t1-02-better"
    assert {path.parent.name for path in read} == {"t1-02-better"}


@pytest.mark.parametrize("lesson", ["no-such", "../tiny", "", "tiny/../tiny", "images"])
def test_an_unknown_lesson_is_not_found(curriculum: Path, lesson: str):
    with pytest.raises(NotFoundError):
        Catalogue([curriculum]).lesson(lesson)


def test_the_configured_root_comes_before_the_shipped_one(curriculum: Path):
    assert Catalogue().roots[0] == curriculum.resolve()
    assert Catalogue().lesson("tiny").environment == curriculum / "environments" / "tiny"


def test_a_root_that_depends_on_where_one_stands_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SYSDESIGN_CURRICULUM", "mine")
    for ask in (Catalogue().lessons, lambda: Catalogue().lesson("tiny")):
        with pytest.raises(InvalidRequestError, match="'mine' is no absolute path"):
            ask()


def test_a_lesson_says_whether_it_has_services(tmp_path: Path, curriculum: Path):
    add(tmp_path, curriculum, "t1-01-shop")
    compose = tmp_path / "environments" / "t1-01-shop" / "compose.yaml"
    catalogue = Catalogue([tmp_path])
    for text, has in (
        (compose.read_text(), True),
        ("name: t1-01-shop\nservices: {}\n", False),
        ("services: [\n", True),  # wrong, which starting it says
    ):
        compose.write_text(text)
        assert catalogue.lesson("t1-01-shop").summary().has_services is has


def test_a_lesson_shows_its_profiles_and_checks(curriculum: Path):
    lesson = Catalogue([curriculum]).lesson("tiny")
    detail = lesson.detail()
    assert detail.profiles == ["browse", "steady"]
    assert detail.hints[0]["has_solution"] is True
    assert "solution" not in detail.hints[0]
    assert lesson.check_ids()[:2] == ["index-on-category", "new-item-shows"]

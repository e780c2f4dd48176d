from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING

import pytest

from jupyter_sysdesign.curriculum import workspace as workspaces
from jupyter_sysdesign.curriculum.catalogue import Catalogue
from jupyter_sysdesign.curriculum.registry import Registry
from jupyter_sysdesign.errors import (
    ConflictError,
    InvalidFileError,
    InvalidRequestError,
    NotFoundError,
    OutsideRootError,
    ResourceError,
)

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_sysdesign.curriculum.catalogue import Lesson


@pytest.fixture
def lesson(curriculum: Path) -> Lesson:
    return Catalogue([curriculum]).lesson("tiny")


def test_a_workspace_holds_what_may_be_read_and_nothing_that_gives_the_answer(
    lesson: Lesson, tmp_path: Path
):
    made = workspaces.create(lesson, workspaces.default_folder(tmp_path, "tiny"))
    assert made.folder == tmp_path.resolve() / "sysdesign" / "tiny"
    files = made.files()
    for expected in ("lesson.ipynb", "app/server.py", "compose.yaml", "load.yaml"):
        assert expected in files
    assert "db/01-schema.sql" in files
    assert not [each for each in files if "seed" in each or "checks" in each or "solution" in each]
    assert (made.folder / "migrations").is_dir()
    source = made.source(Catalogue([lesson.environment.parent.parent]))
    assert source.instance_id == made.id
    assert source.locate("db") == lesson.environment / "db"
    assert source.locate("app") == made.folder / "app"


def test_it_is_found_from_below_and_not_made_twice(lesson: Lesson, tmp_path: Path):
    made = workspaces.create(lesson, tmp_path / "mine")
    edited = made.folder / "app" / "server.py"
    edited.write_text("mine")
    assert workspaces.create(lesson, tmp_path / "mine") == made
    assert edited.read_text() == "mine"
    found = workspaces.find(made.folder / "app")
    assert found == made
    assert workspaces.find(tmp_path) is None


def test_other_folders_are_left_alone(lesson: Lesson, curriculum: Path, tmp_path: Path):
    made = workspaces.create(lesson, tmp_path / "mine")
    other = Catalogue([curriculum]).lesson("tiny-full")
    with pytest.raises(ConflictError, match="a workspace of tiny"):
        workspaces.create(other, made.folder)
    with pytest.raises(ConflictError, match="inside the workspace"):
        workspaces.create(other, made.folder / "sysdesign" / "tiny-full")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("years")
    with pytest.raises(ConflictError, match="not empty"):
        workspaces.create(lesson, tmp_path / "full")
    (tmp_path / "file").write_text("")
    with pytest.raises(ConflictError):
        workspaces.create(lesson, tmp_path / "file")
    with pytest.raises(ResourceError):
        workspaces.create(lesson, tmp_path / "file" / "below")
    (tmp_path / "empty").mkdir()
    assert workspaces.create(lesson, tmp_path / "empty").files() == made.files()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["empty", "file", "full", "mine"]


def test_a_folder_whose_name_is_no_text_is_refused(lesson: Lesson, tmp_path: Path):
    odd = tmp_path / os.fsdecode(b"caf\xe9")
    for ask in (lambda: workspaces.create(lesson, odd / "mine"), lambda: workspaces.find(odd)):
        with pytest.raises(InvalidRequestError, match="is not UTF-8 text"):
            ask()
    assert list(tmp_path.iterdir()) == []


def test_many_at_once_make_one(lesson: Lesson, tmp_path: Path):
    made: list[object] = []

    def create() -> None:
        made.append(workspaces.create(lesson, tmp_path / "mine"))

    threads = [threading.Thread(target=create) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(made) == 8
    assert len(set(made)) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["mine"]


def test_paths_stay_inside(lesson: Lesson, tmp_path: Path):
    made = workspaces.create(lesson, tmp_path / "mine")
    (made.folder / "app" / "link").symlink_to("/etc")
    (made.folder / "linked.py").symlink_to(tmp_path / "outside.py")
    for bad in ("../x", "/etc/passwd", "app/../../x", "app/link/passwd", "linked.py", "a\0b", ""):
        with pytest.raises(OutsideRootError):
            made.path(bad)
    assert made.path("app/server.py") == made.folder / "app" / "server.py"
    assert not [each for each in made.files() if "link" in each]


def test_one_pristine_file_comes_back_and_nothing_is_lost(lesson: Lesson, tmp_path: Path):
    made = workspaces.create(lesson, tmp_path / "mine")
    server = made.folder / "app" / "server.py"
    pristine = server.read_text()
    server.write_text("mine")
    with pytest.raises(ConflictError):
        made.restore(lesson, "app/server.py")
    made.restore(lesson, "app/server.py", overwrite=True)
    assert server.read_text() == pristine
    assert (made.folder / "app" / "server.py.yours-1").read_text() == "mine"
    server.unlink()
    made.restore(lesson, "app/server.py")
    assert server.read_text() == pristine
    for secret in ("checks.py", "solution/migrations/001-index.sql", "nothing"):
        with pytest.raises(NotFoundError):
            made.restore(lesson, secret)


def test_a_damaged_marker_is_said(lesson: Lesson, tmp_path: Path):
    made = workspaces.create(lesson, tmp_path / "mine")
    marker = made.folder / ".sysdesign" / "workspace.json"
    marker.write_text(json.dumps({"lesson": 3}))
    with pytest.raises(InvalidFileError, match=r"workspace\.json"):
        workspaces.find(made.folder / "app")
    with pytest.raises(NotFoundError):
        workspaces.load(tmp_path)


def test_an_id_finds_its_folder_again(lesson: Lesson, tmp_path: Path):
    registry = Registry(tmp_path / "workspaces.json")
    one = workspaces.create(lesson, tmp_path / "one")
    two = workspaces.create(lesson, tmp_path / "two")
    for each in (one, two, one):
        registry.remember(each)
    assert Registry(tmp_path / "workspaces.json").known() == [one, two]
    assert registry.find(two.id) == two
    assert registry.find(str(two.folder)) == two
    (two.folder / ".sysdesign" / "workspace.json").unlink()
    assert registry.known() == [one]
    for gone in (two.id, str(two.folder), "../x"):
        with pytest.raises(NotFoundError):
            registry.find(gone)

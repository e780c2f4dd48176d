"""Templates: built once, whole or not at all, copied, with a spare one ready."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, NamedTuple

import pytest

from jupyter_sysdesign.environment import file_copy
from jupyter_sysdesign.environment.templates import UNUSED_S, Templates
from jupyter_sysdesign.errors import ResourceError

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_sysdesign.environment.status import Progress

KEY = "lesson-db-0123"


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def fill(folder: Path) -> None:
    (folder / "base").mkdir(parents=True, mode=0o700)
    (folder / "base" / "1").write_bytes(os.urandom(300_000))
    (folder / "base" / "empty").touch()
    (folder / "version").write_text("18")
    (folder / "version").chmod(0o640)
    (folder / "link").symlink_to("version")


def tree(folder: Path) -> dict[str, object]:
    return {
        path.relative_to(folder).as_posix(): (
            path.lstat().st_mode,
            path.readlink() if path.is_symlink() else path.is_file() and path.read_bytes(),
        )
        for path in folder.rglob("*")
    }


@pytest.fixture
def templates(tmp_path: Path) -> Templates:
    return Templates(tmp_path / "templates")


def test_it_is_built_once(templates: Templates) -> None:
    built = []

    def build(folder: Path) -> None:
        built.append(folder)
        fill(folder)

    assert templates.ensure(KEY, build) == templates.ensure(KEY, build)
    assert len(built) == 1
    assert templates.size(KEY) == file_copy.tree_bytes(templates.folder / KEY / "data")


def test_a_build_that_fails_leaves_nothing_and_the_next_one_works(templates: Templates) -> None:
    def fails(folder: Path) -> None:
        fill(folder)
        raise KeyError("seed")

    with pytest.raises(KeyError):
        templates.ensure(KEY, fails)
    assert [path.suffix for path in templates.folder.iterdir()] == [".lock"]
    assert templates.ensure(KEY, fill).is_dir()


def test_what_a_killed_build_left_is_removed(templates: Templates) -> None:
    killed = templates.folder / f".{KEY}.partial"
    fill(killed / "data")
    (killed / "data" / "half").touch()
    assert not (templates.ensure(KEY, fill) / "half").exists()
    assert not killed.exists()


def test_two_who_want_it_at_once_build_it_once(templates: Templates) -> None:
    inside, go = threading.Event(), threading.Event()
    waiting = threading.Event()
    built = []

    def build(folder: Path) -> None:
        built.append(1)
        inside.set()
        assert go.wait(30)
        fill(folder)

    def said(progress: Progress) -> None:
        assert "another process" in progress.step
        waiting.set()

    first = threading.Thread(target=templates.ensure, args=(KEY, build))
    second = threading.Thread(target=templates.ensure, args=(KEY, build, said))
    first.start()
    assert inside.wait(30)
    second.start()
    assert waiting.wait(30)
    go.set()
    first.join(30)
    second.join(30)
    assert built == [1]


def test_a_copy_is_equal_and_reports_its_progress(templates: Templates, tmp_path: Path) -> None:
    data = templates.ensure(KEY, fill)
    steps: list[Progress] = []
    templates.copy(KEY, tmp_path / "i" / "db", steps.append)
    assert tree(tmp_path / "i" / "db") == tree(data)
    assert 0 < len(steps) <= 21
    assert steps[-1].done == 1.0
    assert steps[-1].bytes == templates.size(KEY)


def test_the_spare_copy_is_taken_once(templates: Templates, tmp_path: Path) -> None:
    data = templates.ensure(KEY, fill)
    assert templates.restock(KEY)
    spare = (templates.folder / KEY / "spare" / "version").stat().st_ino
    templates.copy(KEY, tmp_path / "one")
    templates.copy(KEY, tmp_path / "two")
    assert (tmp_path / "one" / "version").stat().st_ino == spare
    assert tree(tmp_path / "one") == tree(tmp_path / "two") == tree(data)
    assert not (templates.folder / KEY / "spare").exists()


def test_a_pair_has_a_spare_copy_each(templates: Templates, tmp_path: Path) -> None:
    data = templates.ensure(KEY, fill)
    assert templates.restock(KEY)
    assert templates.restock(KEY, spares=2)
    spares = {path.joinpath("version").stat().st_ino for path in data.parent.glob("spare*")}
    for name in ("one", "two"):
        templates.copy(KEY, tmp_path / name)
    taken = {(tmp_path / name / "version").stat().st_ino for name in ("one", "two")}
    assert taken == spares
    assert len(spares) == 2


def test_a_spare_copy_that_was_cut_short_is_made_again(templates: Templates) -> None:
    data = templates.ensure(KEY, fill)
    (templates.folder / KEY / ".spare.partial").mkdir()
    assert templates.restock(KEY)
    assert tree(templates.folder / KEY / "spare") == tree(data)


def test_no_room_is_said_before_anything_is_copied(
    templates: Templates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    templates.ensure(KEY, fill)
    monkeypatch.setattr(file_copy.shutil, "disk_usage", lambda _path: Usage(10**9, 0, 50 * 2**20))
    with pytest.raises(ResourceError, match=r"needs 64 MiB, 50 MiB free") as caught:
        templates.copy(KEY, tmp_path / "i" / "db")
    assert "SYSDESIGN_HOME" in caught.value.hint
    assert list((tmp_path / "i").iterdir()) == []
    assert not templates.restock(KEY)


def test_room_that_ends_meanwhile_leaves_no_half_copy(
    templates: Templates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    templates.ensure(KEY, fill)

    def full(*_arguments: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(file_copy, "_copy_bytes", full)
    monkeypatch.setattr(file_copy._Copy, "clone", lambda *_: False)
    with pytest.raises(ResourceError, match="No space left for"):
        templates.copy(KEY, tmp_path / "db")
    assert not (tmp_path / "db").exists()
    assert not (tmp_path / ".db.partial").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_copy_keeps_its_owner(templates: Templates, tmp_path: Path) -> None:
    def build(folder: Path) -> None:
        fill(folder)
        for path in (folder, folder / "base", folder / "base" / "1"):
            os.chown(path, 65534, 65534)

    templates.ensure(KEY, build)
    templates.copy(KEY, tmp_path / "db")
    assert (tmp_path / "db").stat().st_uid == 65534
    assert (tmp_path / "db" / "base" / "1").stat().st_uid == 65534
    assert (tmp_path / "db" / "version").stat().st_uid == 0


def test_templates_nobody_used_for_long_go(templates: Templates) -> None:
    for key in ("old", "kept"):
        templates.ensure(key, fill)
    long_ago = (templates.folder / "old").stat().st_mtime - UNUSED_S - 1
    os.utime(templates.folder / "old", (long_ago, long_ago))
    templates.tidy()
    assert {path.name for path in templates.folder.iterdir() if path.is_dir()} == {"kept"}


def test_a_use_keeps_a_template(templates: Templates) -> None:
    templates.ensure("old", fill)
    long_ago = (templates.folder / "old").stat().st_mtime - UNUSED_S - 1
    os.utime(templates.folder / "old", (long_ago, long_ago))
    templates.ensure("old", fill)
    templates.tidy()
    assert (templates.folder / "old").is_dir()


def test_a_build_under_way_is_not_tidied_up(templates: Templates) -> None:
    def build(folder: Path) -> None:
        fill(folder)
        Templates(templates.folder).tidy()
        assert (folder / "version").exists()

    templates.ensure(KEY, build)
    (templates.folder / ".gone.partial").mkdir()
    templates.tidy()
    assert not (templates.folder / ".gone.partial").exists()

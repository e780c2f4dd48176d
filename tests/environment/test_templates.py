"""Templates: built once, whole or not at all, copied, with a spare one ready."""

from __future__ import annotations

import json
import os
import shutil
import threading
from typing import TYPE_CHECKING, NamedTuple

import pytest

from jupyter_sysdesign.environment import file_copy
from jupyter_sysdesign.environment.owner import server_owner
from jupyter_sysdesign.environment.seeding import open_to_all
from jupyter_sysdesign.environment.templates import UNUSED_S, Templates, is_whole
from jupyter_sysdesign.errors import ResourceError

if TYPE_CHECKING:
    from collections.abc import Callable
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
            path.readlink() if path.is_symlink() else path.is_file() and path.read_bytes()
        )
        for path in folder.rglob("*")
    }


def modes(folder: Path) -> set[str]:
    found = [folder, *(path for path in folder.rglob("*") if not path.is_symlink())]
    return {f"{'folder' if path.is_dir() else 'file'} {path.stat().st_mode & 0o777:o}"
            for path in found}  # fmt: skip


def never(_folder: Path) -> None:
    pytest.fail("it is built although it is there")


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


@pytest.mark.parametrize("lost", ["facts", "file", "contents"])
def test_what_a_power_loss_left_of_one_is_built_again(
    templates: Templates, tmp_path: Path, lost: str
) -> None:
    data = templates.ensure(KEY, fill)
    if lost == "facts":
        (data.parent / "template.json").write_text("")
    elif lost == "file":
        (data / "base" / "1").unlink()
    else:
        (data / "base" / "1").write_bytes(b"")
    assert not templates.restock(KEY)
    templates.ensure(KEY, fill)
    templates.copy(KEY, tmp_path / "db")
    assert (tmp_path / "db" / "base" / "1").stat().st_size == 300_000


def test_a_disk_holds_all_of_it_before_it_appears(
    templates: Templates, monkeypatch: pytest.MonkeyPatch
) -> None:
    flush, flushed = os.fsync, set()

    def note(descriptor: int) -> None:
        flush(descriptor)
        assert not (templates.folder / KEY).exists()
        flushed.add(os.fstat(descriptor).st_ino)

    monkeypatch.setattr(os, "fsync", note)
    home = templates.ensure(KEY, fill).parent
    everything = [home, *(path for path in home.rglob("*") if not path.is_symlink())]
    assert {path.stat().st_ino for path in everything} <= flushed


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


def test_a_copy_is_the_server_s_user_s_alone(templates: Templates, tmp_path: Path) -> None:
    owner = server_owner()
    data = templates.ensure(KEY, fill)
    open_to_all(data)
    assert modes(data) == {"folder 755", "file 644"}
    templates.copy(KEY, tmp_path / "copied")
    assert templates.restock(KEY)
    templates.copy(KEY, tmp_path / "spared")
    for copy in (tmp_path / "copied", tmp_path / "spared"):
        assert modes(copy) == {"folder 700", "file 600"}
        owners = {path.lstat().st_uid for path in (copy, *copy.rglob("*")) if path.name != "link"}
        assert owners == {owner.uid if owner else os.geteuid()}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers as somebody else")
def test_a_spare_copy_of_another_user_is_not_taken(
    templates: Templates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    templates.ensure(KEY, fill)
    assert templates.restock(KEY)
    monkeypatch.setenv("SYSDESIGN_SERVER_USER", "daemon")
    templates.copy(KEY, tmp_path / "one")
    assert templates.restock(KEY)
    templates.copy(KEY, tmp_path / "two")
    assert (tmp_path / "one").owner() == (tmp_path / "two").owner() == "daemon"


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


# --- templates that came with an image ---------------------------------------------------------


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """Return a folder of templates that are there for all to read."""
    open_to_all(Templates(tmp_path / "shared").ensure(KEY, fill))
    return tmp_path / "shared"


def test_a_shared_template_is_copied_from_where_it_is(shared: Path, tmp_path: Path) -> None:
    before = tree(shared)
    templates = Templates(tmp_path / "templates", shared)
    assert templates.ensure(KEY, never) == shared / KEY / "data"
    templates.copy(KEY, tmp_path / "one")
    assert not (templates.folder / KEY).exists()  # neither built nor copied to where ours are
    assert templates.restock(KEY, spares=2)
    assert {path.name for path in (templates.folder / KEY).iterdir()} == {"spare", "spare2"}
    for name in ("two", "three", "four"):
        templates.ensure(KEY, never)
        templates.copy(KEY, tmp_path / name)
    for name in ("one", "two", "three", "four"):
        assert tree(tmp_path / name) == tree(shared / KEY / "data")
    assert list((templates.folder / KEY).iterdir()) == []
    assert tree(shared) == before


def test_of_a_shared_template_that_is_gone_the_spare_copies_go_too(
    shared: Path, tmp_path: Path
) -> None:
    assert Templates(tmp_path / "templates", shared).restock(KEY)
    alone = Templates(tmp_path / "templates")
    assert alone.ensure(KEY, fill) == tmp_path / "templates" / KEY / "data"
    alone.copy(KEY, tmp_path / "db")
    assert tree(tmp_path / "db") == tree(alone.folder / KEY / "data")


def _without(name: str) -> Callable[[Path], None]:
    return lambda home: (home / name).unlink()


def _with(name: str, text: str) -> Callable[[Path], object]:
    return lambda home: (home / name).write_text(text)


@pytest.mark.parametrize(
    "spoil",
    [
        shutil.rmtree,
        _without("template.json"),
        _with("template.json", ""),
        _with("template.json", "[1]"),
        _with("template.json", json.dumps({"bytes": 300_010})),
        _without("data/base/empty"),  # as an archive without empty files would have it
        _without("data/base/1"),
        _with("data/base/1", "cut short"),
        lambda home: (home / "data").rename(home / "date"),
    ],
)
def test_a_shared_template_that_is_not_whole_is_as_good_as_none(
    spoil: Callable[[Path], object], shared: Path, tmp_path: Path
) -> None:
    spoil(shared / KEY)
    templates = Templates(tmp_path / "templates", shared)
    assert templates.ensure(KEY, fill) == templates.folder / KEY / "data"
    templates.copy(KEY, tmp_path / "db")
    assert tree(tmp_path / "db") == tree(templates.folder / KEY / "data")


def test_a_shared_folder_of_other_templates_or_none_is_no_trouble(
    shared: Path, tmp_path: Path
) -> None:
    for number, wrong in enumerate((tmp_path / "no", shared / KEY / "template.json", shared)):
        templates = Templates(tmp_path / f"templates{number}", wrong)
        assert templates.ensure("other-version", fill).is_relative_to(templates.folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="root becomes somebody else for a moment")
@pytest.mark.parametrize(
    ("closed", "mode"), [("data/version", 0o600), ("data/base", 0o700), ("data/base", 0o744)]
)
def test_a_shared_template_that_may_not_be_read_is_as_good_as_none(
    closed: str, mode: int, home: Path
) -> None:
    template = Templates(home.parent / "shared").ensure(KEY, fill).parent
    open_to_all(template / "data")
    os.seteuid(65534)
    try:
        assert is_whole(template)
        os.seteuid(0)
        (template / closed).chmod(mode)
        os.seteuid(65534)
        assert not is_whole(template)
    finally:
        os.seteuid(0)

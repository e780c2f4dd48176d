from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jupyter_sysdesign import paths
from jupyter_sysdesign.curriculum import workspace as workspaces
from jupyter_sysdesign.curriculum.catalogue import Catalogue
from jupyter_sysdesign.errors import InvalidFileError
from jupyter_sysdesign.grading.loading import load_checks
from jupyter_sysdesign.grading.submission import (
    RejectedError,
    UnreadableError,
    collect,
    rebuild,
    scratch,
    sweep,
)

if TYPE_CHECKING:
    from jupyter_sysdesign.curriculum.catalogue import Lesson


@pytest.fixture
def lesson(curriculum: Path) -> Lesson:
    return Catalogue([curriculum]).lesson("tiny")


@pytest.fixture
def mine(lesson: Lesson, tmp_path: Path) -> Path:
    return workspaces.create(lesson, tmp_path / "mine").folder


def test_only_editable_files_count(lesson: Lesson, mine: Path, tmp_path: Path):
    (mine / "app" / "server.py").write_text("mine")
    (mine / "migrations" / "001-index.sql").write_text("CREATE INDEX")
    for ignored in ("compose.yaml", "load.yaml", "db/01-schema.sql", "checks.py", "app/notes.txt"):
        (mine / ignored).write_text("mine")
    edited = rebuild(lesson, mine, tmp_path / "rebuilt")
    assert edited == ["app/server.py", "migrations/001-index.sql"]
    rebuilt = tmp_path / "rebuilt"
    assert (rebuilt / "app" / "server.py").read_text() == "mine"
    pristine = (lesson.environment / "compose.yaml").read_text()
    assert (rebuilt / "compose.yaml").read_text() == pristine
    assert not (rebuilt / "checks.py").exists()
    assert workspaces.load(rebuilt).lesson == "tiny"


def test_an_untouched_workspace_edits_nothing(lesson: Lesson, mine: Path, tmp_path: Path):
    assert rebuild(lesson, mine, tmp_path / "rebuilt") == []


def test_copies_that_jupyter_keeps_are_no_edits(lesson: Lesson, mine: Path, tmp_path: Path):
    kept = mine / "migrations" / ".ipynb_checkpoints"
    kept.mkdir()
    (kept / "001-index-checkpoint.sql").write_text("CREATE INDEX")
    assert rebuild(lesson, mine, tmp_path / "rebuilt") == []


def test_what_was_deleted_is_pristine_again(lesson: Lesson, mine: Path, tmp_path: Path):
    (mine / "app" / "server.py").unlink()
    rebuild(lesson, mine, tmp_path / "rebuilt")
    pristine = (lesson.environment / "app" / "server.py").read_text()
    assert (tmp_path / "rebuilt" / "app" / "server.py").read_text() == pristine


def link_file(mine: Path) -> None:
    (mine / "migrations" / "001.sql").symlink_to("/etc/passwd")


def link_folder(mine: Path) -> None:
    (mine / "app" / "server.py").unlink()
    (mine / "app").rmdir()
    (mine / "app").symlink_to("/etc")


def pipe(mine: Path) -> None:
    os.mkfifo(mine / "migrations" / "001.sql")


def listener(mine: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(os.path.relpath(mine / "migrations" / "001.sql"))  # a whole path may be too long


def large(mine: Path) -> None:
    (mine / "migrations" / "001.sql").write_bytes(b" " * 1_000_001)


def many(mine: Path) -> None:
    for number in range(201):
        (mine / "migrations" / f"{number:03}.sql").write_text("SELECT 1")


def heavy(mine: Path) -> None:
    for number in range(9):
        (mine / "migrations" / f"{number:03}.sql").write_bytes(b" " * 1_000_000)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (link_file, "is a link"),
        (link_folder, "is a link"),
        (pipe, "no plain file"),
        (listener, "no plain file"),
        (large, "larger than 1 MB"),
        (many, "more than 200 files"),
        (heavy, "larger than 8 MB"),
    ],
)
def test_what_is_not_acceptable_is_said(
    lesson: Lesson, mine: Path, tmp_path: Path, spoil: object, says: str
):
    spoil(mine)  # type: ignore[operator]
    with pytest.raises(RejectedError, match=says):
        rebuild(lesson, mine, tmp_path / "rebuilt")


@pytest.mark.parametrize(
    ("closed", "says"),
    [
        ("app/server.py", "app/server.py cannot be read: Permission denied"),
        ("migrations", "migrations cannot be read: Permission denied"),
        ("app/more", "app/more cannot be read: Permission denied"),
        (".", "The folder cannot be read: Permission denied"),
    ],
)
def test_what_cannot_be_read_is_not_taken_for_what_was_not_handed_in(
    lesson: Lesson, home: Path, nobody, closed: str, says: str
):
    theirs = workspaces.create(lesson, home.parent / "theirs").folder
    (theirs / "app" / "more").mkdir()
    (theirs / "of-no-interest").mkdir(mode=0)
    for path in [theirs, *(each for each in theirs.rglob("*") if each.name != "of-no-interest")]:
        path.chmod(0o755)
    with nobody():
        assert "app/server.py" in collect(lesson, theirs)
    (theirs / closed).chmod(0)
    with nobody(), pytest.raises(UnreadableError, match=says):
        collect(lesson, theirs)
    for each in (closed, "of-no-interest"):
        (theirs / each).chmod(0o755)


def test_scratch_of_the_dead_is_swept_and_that_of_the_living_is_not(home: Path):
    code = (
        "import os, sys; from jupyter_sysdesign.grading.submission import scratch\n"
        "with scratch() as folder: print(folder, flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with other, scratch() as mine:
        assert other.stdout is not None
        theirs = Path(other.stdout.readline().strip())
        assert sweep() == 0
        other.kill()
        other.wait()
        assert theirs.is_dir()
        assert sweep() == 1
        assert not theirs.is_dir()
        assert mine.is_dir()
    assert list((paths.home() / "checks").iterdir()) == []


def test_scratch_of_another_machine_is_left_for_a_day(home: Path):
    with subprocess.Popen(["true"]) as gone:
        pass
    with scratch() as mine:
        owner = json.loads((mine / "owner.json").read_text())
        assert owner["pid"] == os.getpid()
        theirs = mine.with_name("theirs")
        theirs.mkdir()
        owner |= {"pid": gone.pid, "where": f"another boot, {owner.get('where')}"}
        (theirs / "owner.json").write_text(json.dumps(owner))
        assert sweep() == 0
        assert theirs.is_dir()
        yesterday = time.time() - 25 * 3600
        os.utime(theirs, (yesterday, yesterday))
        assert sweep() == 1
        assert list(mine.parent.iterdir()) == [mine]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = 1", "no check in it"),
        ("def broken(:", r"checks\.py:1: "),
        ("raise OSError('gone')", "OSError: gone"),
        ("{check}\n{check}".replace("def a", "def b"), "two checks are called"),
    ],
)
def test_broken_checks_are_said(lesson: Lesson, tmp_path: Path, text: str, says: str):
    declared = (
        "from jupyter_sysdesign.grading.checks import check\n"
        "@check('a', title='A', points=1, kind='slo')\ndef {name}(ctx): ...\n"
    )
    if "{check}" in text:
        text = declared.format(name="a") + declared.format(name="b")
    (tmp_path / "checks.py").write_text(text)
    broken = type(lesson)(lesson.id, lesson.file, tmp_path, lesson.notebooks)
    with pytest.raises(InvalidFileError, match=says):
        load_checks(broken)


def test_checks_can_be_chosen_and_keep_their_order(lesson: Lesson):
    ids = [each.id for each in load_checks(lesson)]
    assert ids == lesson.check_ids()
    assert [each.id for each in load_checks(lesson, [ids[2], ids[0]])] == [ids[0], ids[2]]
    with pytest.raises(InvalidFileError, match="nothing"):
        load_checks(lesson, ["nothing"])
    assert not list(lesson.environment.glob("__pycache__"))

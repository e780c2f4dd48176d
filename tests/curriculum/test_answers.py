from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from file_locks import until_somebody_waits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_sysdesign.control.models import Answer, CheckResult, Status, Verdict
from jupyter_sysdesign.curriculum import progress
from jupyter_sysdesign.curriculum import workspace as workspaces
from jupyter_sysdesign.curriculum.answers import AnswersFile
from jupyter_sysdesign.curriculum.catalogue import Catalogue
from jupyter_sysdesign.errors import InvalidRequestError, ResourceError

if TYPE_CHECKING:
    from collections.abc import Callable


def verdict(*statuses: Status) -> Verdict:
    checks = [
        CheckResult(id=f"c{n}", title="t", status=status, measured="", required="", why="")
        for n, status in enumerate(statuses)
    ]
    whole = Status.PASSED if set(statuses) == {Status.PASSED} else Status.FAILED
    return Verdict(
        lesson="tiny", status=whole, checks=checks, points=0, max_points=0, seed=1, started_at=0,
        duration_s=0,
    )  # fmt: skip


@pytest.mark.parametrize("garbage", [b"", b"{", b"[1]", b"\xff\xfe", b"null", b"[" * 100_000])
def test_a_damaged_file_is_kept_aside_and_said(tmp_path: Path, garbage: bytes):
    (tmp_path / "answers.json").write_bytes(garbage)
    file = AnswersFile(tmp_path)
    assert file.answers() == {}
    assert (tmp_path / "answers.json").read_bytes() == garbage
    file.put("q", Answer(value=1, answered_at=1))
    assert file.answers()["q"].value == 1
    (aside,) = tmp_path.glob("answers.damaged-*.json")
    assert aside.read_bytes() == garbage
    for told in (file.notices, AnswersFile(tmp_path).notices):
        assert any(aside.name in notice for notice in told)


def test_what_cannot_be_read_just_now_is_not_put_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    AnswersFile(tmp_path).put("q", Answer(value=1, answered_at=1))

    def stale(*_: object) -> bytes:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr("jupyter_sysdesign.curriculum.answers.read_plain", stale)
        for ask in (
            AnswersFile(tmp_path).answers,
            lambda: AnswersFile(tmp_path).put("r", Answer(value=2, answered_at=1)),
        ):
            with pytest.raises(ResourceError, match="cannot be read: Stale file handle"):
                ask()
    file = AnswersFile(tmp_path)
    file.put("r", Answer(value=2, answered_at=1))
    assert {name: each.value for name, each in file.answers().items()} == {"q": 1, "r": 2}
    assert file.notices == []


@pytest.mark.parametrize("make", [Path.touch, Path.mkdir], ids=["file", "folder"])
def test_what_is_damaged_stays_where_no_other_can_be_written(
    tmp_path: Path, make: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
):
    make(tmp_path / "answers.json")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(os, "fsync", full)
        with pytest.raises(ResourceError, match="could not be saved: No space"):
            AnswersFile(tmp_path).put("q", Answer(value=1, answered_at=1))
    assert {each.name for each in tmp_path.iterdir()} == {"answers.json", ".sysdesign"}
    AnswersFile(tmp_path).put("q", Answer(value=1, answered_at=1))
    assert list(AnswersFile(tmp_path).answers()) == ["q"]


def test_a_link_is_not_followed(tmp_path: Path):
    outside = tmp_path / "outside.json"
    outside.write_text('{"answers": {"q": {"value": 1, "answered_at": 1}}}')
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "answers.json").symlink_to(outside)
    file = AnswersFile(folder)
    assert file.answers() == {}
    file.put("r", Answer(value=2, answered_at=1))
    assert list(file.answers()) == ["r"]
    assert '"r"' not in outside.read_text()


def test_a_pipe_does_not_hang(tmp_path: Path):
    os.mkfifo(tmp_path / "answers.json")
    assert AnswersFile(tmp_path).answers() == {}


def test_a_folder_is_put_aside_as_it_is(tmp_path: Path):
    (tmp_path / "answers.json").mkdir()
    (tmp_path / "answers.json" / "mine").write_text("mine")
    file = AnswersFile(tmp_path)
    for _ in range(5):
        assert file.answers() == {}
    opened = [os.path.realpath(each) for each in Path("/proc/self/fd").iterdir()]
    assert not [each for each in opened if each.startswith(str(tmp_path))]
    file.put("q", Answer(value=1, answered_at=1))
    assert list(file.answers()) == ["q"]
    (aside,) = tmp_path.glob("answers.damaged-*.json")
    assert (aside / "mine").read_text() == "mine"


def test_who_waited_for_a_folder_that_is_another_now_locks_that(tmp_path: Path):
    folder = tmp_path / "mine"
    folder.mkdir()
    file = AnswersFile(folder)

    def locked(path: Path) -> bool:
        with path.open() as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def change(_: Answer | None) -> Answer:
        assert any(locked(each) for each in folder.rglob("*") if each.is_file())
        return Answer(value=1, answered_at=1)

    with ThreadPoolExecutor() as pool:
        with file.locked():
            answered = pool.submit(file.update, "q", change)
            until_somebody_waits()
            shutil.copytree(folder, tmp_path / "another")
            folder.rename(tmp_path / "before")
            (tmp_path / "another").rename(folder)  # as an import does
        answered.result()
    assert list(file.answers()) == ["q"]


def test_numbers_that_are_none_are_begun_anew(tmp_path: Path):
    strange = {"passed_at": int("9" * 400), "verdicts": "many"}
    (tmp_path / "answers.json").write_text(json.dumps(strange))
    file = AnswersFile(tmp_path)
    assert file.passed_at is None
    assert file.tried
    file.record(verdict(Status.FAILED))
    assert file.checks()["c0"]["status"] == "failed"
    assert json.loads((tmp_path / "answers.json").read_text())["verdicts"] == 1


def test_what_a_newer_version_wrote_stays(tmp_path: Path):
    document = {
        "version": 7,
        "theme": "dark",
        "answers": {"q": {"value": 1, "answered_at": 1, "mood": "fine"}, "odd": 3},
    }
    (tmp_path / "answers.json").write_text(json.dumps(document))
    file = AnswersFile(tmp_path)
    assert list(file.answers()) == ["q"]
    file.put("q", Answer(value=2, answered_at=2))
    file.put("r", Answer(value=3, answered_at=3))
    stored = json.loads((tmp_path / "answers.json").read_text())
    assert (stored["version"], stored["theme"]) == (7, "dark")
    assert stored["answers"]["q"]["mood"] == "fine"
    assert stored["answers"]["q"]["value"] == 2
    assert stored["answers"]["odd"] == 3


def test_writers_at_once_lose_nothing(tmp_path: Path):
    def write(start: int) -> None:
        for n in range(start, start + 5):
            AnswersFile(tmp_path).put(f"q{n}", Answer(value=n, answered_at=n))

    threads = [threading.Thread(target=write, args=(5 * n,)) for n in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(AnswersFile(tmp_path).answers()) == 30
    left = {each.name for each in tmp_path.iterdir()}
    assert left == {"answers.json", ".sysdesign"}


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,8}", fullmatch=True),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=20),
            lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values),
            max_leaves=5,
        ),
        max_size=4,
    )
)
def test_every_value_comes_back(tmp_path: Path, values: dict[str, object]):
    (tmp_path / "answers.json").unlink(missing_ok=True)
    for question, value in values.items():
        AnswersFile(tmp_path).put(question, Answer(value=value, answered_at=1))
    assert {q: each.value for q, each in AnswersFile(tmp_path).answers().items()} == values


def test_finished_once_is_finished(tmp_path: Path):
    file = AnswersFile(tmp_path)
    assert not file.tried
    file.record(verdict(Status.PASSED, Status.PASSED))
    first = file.passed_at
    assert first is not None
    file.record(verdict(Status.PASSED, Status.PASSED))
    file.record(verdict(Status.FAILED, Status.UNKNOWN))
    assert file.passed_at == first
    assert [each["status"] for each in file.checks().values()] == ["failed", "passed"]


def test_progress_shows_solutions_only_after_a_try(curriculum: Path, tmp_path: Path):
    lesson = Catalogue([curriculum]).lesson("tiny")
    workspace = workspaces.create(lesson, tmp_path / "mine")
    before = progress.detail(workspace, lesson)
    assert before.solutions == {}
    assert (before.checks_passed, before.checks_total) == (0, len(lesson.check_ids()))
    assert before.open_steps == ["symptoms", "understand"]
    file = AnswersFile(workspace.folder)
    file.put("how-many", Answer(value=None, answered_at=1, skipped=True))
    file.record(verdict(Status.FAILED))
    after = progress.detail(workspace, lesson)
    assert after.open_steps == ["symptoms", "understand", "diagnose"]
    assert after.answers["how-many"].model_answer is None
    assert "CREATE INDEX" in after.solutions["index"]


ODD = {
    "half a character": b'"\\ud800"',
    "a deep nest": b"[" * 400 + b"]" * 400,
}


@pytest.mark.parametrize("value", ODD.values(), ids=ODD)
def test_what_cannot_be_told_is_left_out_and_kept(tmp_path: Path, value: bytes):
    odd = b'{"value": %s, "answered_at": 1}'
    both = b'{"answers": {"odd": %s, "q": %s}}' % (odd % value, odd % b"2")
    (tmp_path / "answers.json").write_bytes(both)
    file = AnswersFile(tmp_path)
    assert {name: each.value for name, each in file.answers().items()} == {"q": 2}
    with contextlib.suppress(InvalidRequestError):  # what is too deep to be written is told
        file.put("other", Answer(value=3, answered_at=1))
    assert "odd" in json.loads((tmp_path / "answers.json").read_bytes())["answers"]
    assert AnswersFile(tmp_path).answers()["q"].value == 2


def test_what_would_be_too_large_to_be_read_again_is_refused(tmp_path: Path):
    file = AnswersFile(tmp_path)
    file.put("first", Answer(value=1, answered_at=1))
    with pytest.raises(InvalidRequestError, match="larger than"):
        file.put("long", Answer(value="x" * 4_000_000, answered_at=1))
    file.put("last", Answer(value=3, answered_at=1))
    assert {name: each.value for name, each in file.answers().items()} == {"first": 1, "last": 3}
    assert file.notices == []

"""Work goes into a zip and comes out again; what somebody else put into one does not."""

from __future__ import annotations

import json
import os
import stat
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from file_locks import until_somebody_waits

from jupyter_sysdesign.control.models import Answer
from jupyter_sysdesign.curriculum import archive
from jupyter_sysdesign.curriculum import workspace as workspaces
from jupyter_sysdesign.curriculum.answers import AnswersFile
from jupyter_sysdesign.curriculum.catalogue import Catalogue
from jupyter_sysdesign.curriculum.packing import pack
from jupyter_sysdesign.curriculum.registry import Registry
from jupyter_sysdesign.curriculum.unpacking import unpack
from jupyter_sysdesign.errors import (
    ConflictError,
    InvalidFileError,
    InvalidRequestError,
    NotFoundError,
    OutsideRootError,
    ResourceError,
    SysdesignError,
    WorkThereError,
)

PLACE = "sysdesign/tiny"
MARKER = json.dumps({"version": 1, "lesson": "tiny", "created_at": 1.0})
ANSWER = Answer(value=300, answered_at=1.0)


@pytest.fixture(autouse=True)
def _home(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("SYSDESIGN_HOME", str(tmp_path_factory.mktemp("home")))


@pytest.fixture
def catalogue(curriculum):
    return Catalogue([curriculum])


@pytest.fixture
def root(tmp_path):
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


@pytest.fixture
def bring(catalogue, root):
    def unpacked(file, **options):
        return unpack(file, root, catalogue, **{"ask": lambda _: None, **options})

    return unpacked


def worked(catalogue, root, lesson="tiny", place=PLACE):
    """Make a workspace with work in it."""
    made = workspaces.create(catalogue.lesson(lesson), root / place)
    (made.folder / "app" / "server.py").write_text("# mine\n")
    (made.folder / "migrations" / "001-größer.sql").write_text("SELECT 1;\n")
    (made.folder / ".sysdesign" / "answers.lock").write_text("")
    (made.folder / ".ipynb_checkpoints").mkdir()
    (made.folder / ".ipynb_checkpoints" / "old.ipynb").write_text("{}")
    (made.folder / "elsewhere").symlink_to("/etc/passwd")
    AnswersFile(made.folder).put("guess", ANSWER)
    return made


def tree(folder):
    """Return all that is below a folder: what must be as it was after a refusal."""
    return {
        each.relative_to(folder).as_posix(): each.read_bytes() if each.is_file() else None
        for each in sorted(folder.rglob("*"))
    }


def test_work_goes_along_to_another_machine(catalogue, bring, root, tmp_path):
    one = worked(catalogue, tmp_path / "old")
    two = worked(catalogue, tmp_path / "old", "tiny-full", "course/first")
    packed = pack(tmp_path / "old", tmp_path / "work.zip")
    assert {each.folder for each in packed} == {one.folder, two.folder}
    names = zipfile.ZipFile(tmp_path / "work.zip").namelist()
    assert f"{PLACE}/answers.json" in names
    assert not [each for each in names if "lock" in each or "checkpoint" in each or "else" in each]

    found = {each.workspace.lesson: each for each in bring(tmp_path / "work.zip")}
    assert {each.became for each in found.values()} == {"new"}
    here = found["tiny"].workspace
    assert here.folder == root / PLACE
    assert here.created_at == one.created_at
    assert here.files() == one.files()
    assert (here.folder / "migrations" / "001-größer.sql").read_text() == "SELECT 1;\n"
    assert AnswersFile(here.folder).answers() == {"guess": ANSWER}
    assert found["tiny-full"].workspace.folder == root / "course" / "first"
    assert sorted(each.name for each in root.iterdir()) == ["course", "sysdesign"]


def test_the_same_work_gives_the_same_zip(catalogue, tmp_path):
    worked(catalogue, tmp_path / "old")
    pack(tmp_path / "old" / PLACE / "app", tmp_path / "one.zip")  # from inside of it
    pack(tmp_path / "old", tmp_path / "other.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "other.zip").read_bytes()
    assert stat.S_IMODE((tmp_path / "one.zip").stat().st_mode) == 0o600


def test_a_zip_is_no_part_of_the_work(catalogue, tmp_path):
    made = worked(catalogue, tmp_path / "old")
    target = made.folder / "app" / "work.zip"
    pack(tmp_path / "old", tmp_path / "before.zip")
    (tmp_path / "link").symlink_to(made.folder / "app")
    for each in (target, target, tmp_path / "link" / "work.zip"):
        pack(made.folder, each)
        assert target.read_bytes() == (tmp_path / "before.zip").read_bytes()
    assert sorted(each.name for each in target.parent.iterdir()) == ["server.py", "work.zip"]


def test_what_cannot_be_taken_along_is_said_and_leaves_no_half_zip(
    catalogue, tmp_path, monkeypatch
):
    target = tmp_path / "work.zip"
    with pytest.raises(NotFoundError):
        pack(tmp_path, target)
    made = worked(catalogue, tmp_path / "old")
    monkeypatch.setattr(archive, "MOST_FILE_BYTES", 5_000_000)
    (made.folder / "core").write_bytes(os.urandom(5_000_001))
    with pytest.raises(InvalidRequestError, match="more than 4 MB"):
        pack(made.folder, target)
    (made.folder / "core").unlink()
    odd = made.folder / os.fsdecode(b"odd\xff.txt")
    odd.write_text("")
    with pytest.raises(InvalidRequestError, match="no text"):
        pack(made.folder, target)
    odd.unlink()
    for other, name in (("Notes.md", "notes.md"), ("grö\u00dfe", "GRÖSSE"), ("data", "Data/1")):
        (made.folder / other).write_text("")
        (made.folder / name).parent.mkdir(exist_ok=True)
        (made.folder / name).write_text("")
        with pytest.raises(InvalidRequestError, match=r"one file on some systems|is a file, and"):
            pack(made.folder, target)
        (made.folder / name).unlink()
        (made.folder / other).unlink()
    with monkeypatch.context() as limits:
        limits.setattr(archive, "MOST_FILES", 3)
        with pytest.raises(InvalidRequestError, match="more than a zip takes"):
            pack(made.folder, target)
    with pytest.raises(ResourceError):
        pack(made.folder, tmp_path / "no" / "work.zip")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["old"]
    pack(made.folder, target)


@pytest.mark.parametrize("place", ["a/b/c/d/e", ".mine/tiny"])
def test_work_that_lies_where_no_zip_takes_it_is_not_left_out_in_silence(
    catalogue, bring, tmp_path, place
):
    worked(catalogue, tmp_path / "old")
    other = worked(catalogue, tmp_path / "old", place=place)
    Registry().remember(other)
    with pytest.raises(InvalidRequestError, match=f"{place} cannot be taken along") as refused:
        pack(tmp_path / "old", tmp_path / "work.zip")
    assert f"sysdesign export {other.folder}" in refused.value.hint
    pack(other.folder, tmp_path / "work.zip")
    assert [each.became for each in bring(tmp_path / "work.zip")] == ["new"]


def test_a_hidden_workspace_comes_out_in_the_open(catalogue, bring, root, tmp_path):
    made = worked(catalogue, tmp_path / "old", place=".mine")
    pack(made.folder, tmp_path / "work.zip")
    (found,) = bring(tmp_path / "work.zip")
    assert found.workspace.folder == root / "sysdesign" / "mine"


def test_work_that_is_there_is_never_lost(catalogue, bring, root, tmp_path):
    worked(catalogue, tmp_path / "old")
    file = tmp_path / "work.zip"
    pack(tmp_path / "old", file)
    mine = workspaces.create(catalogue.lesson("tiny"), root / PLACE)

    # What nobody wrote into may go; doing it twice changes nothing.
    asked = []
    assert [each.became for each in bring(file, ask=asked.append)] == ["replaced"]
    assert asked == [mine.folder]
    assert [each.became for each in bring(file)] == ["same"]
    assert sorted(each.name for each in (root / "sysdesign").iterdir()) == ["tiny"]

    (mine.folder / "app" / "server.py").write_text("# later\n")
    before = tree(root)
    with pytest.raises(ConflictError, match="other work"):
        bring(file)
    assert tree(root) == before

    def refuse(folder):
        raise ConflictError(f"{folder} is in use")

    with pytest.raises(ConflictError, match="in use"):
        bring(file, overwrite=True, ask=refuse)
    assert tree(root) == before
    (imported,) = bring(file, overwrite=True)
    assert imported.kept == root / "sysdesign" / "tiny.yours-1"
    assert (imported.kept / "app" / "server.py").read_text() == "# later\n"
    assert (mine.folder / "app" / "server.py").read_text() == "# mine\n"


def test_what_is_there_is_not_read_into_memory(catalogue, bring, root, tmp_path):
    worked(catalogue, tmp_path / "old")
    pack(tmp_path / "old", tmp_path / "work.zip")
    mine = workspaces.create(catalogue.lesson("tiny"), root / PLACE)
    with (mine.folder / "app" / "server.py").open("r+b") as large:
        large.truncate(1 << 40)  # of which the disk holds nothing
    with pytest.raises(WorkThereError):
        bring(tmp_path / "work.zip")


def test_of_several_either_all_come_or_none(catalogue, bring, root, tmp_path, monkeypatch):
    worked(catalogue, tmp_path / "old")
    worked(catalogue, tmp_path / "old", "tiny-full", "sysdesign/tiny-full")
    file = tmp_path / "work.zip"
    pack(tmp_path / "old", file)
    (root / "sysdesign").mkdir()
    (root / "sysdesign" / "tiny-full").write_text("no folder")
    before = tree(root)
    with pytest.raises(ConflictError, match="is no workspace"):
        bring(file, overwrite=True)
    assert tree(root) == before
    (root / "sysdesign" / "tiny-full").unlink()

    # A disk that fails in the middle of putting them in their places.
    mine = worked(catalogue, root)
    (mine.folder / "app" / "server.py").write_text("# later\n")
    before = tree(root)
    rename = Path.rename

    def fails(path, target):
        if Path(target).name == "tiny-full" and path.name == "1":
            raise OSError(28, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(ResourceError, match="No space"):
        bring(file, overwrite=True)
    assert tree(root) == before


def test_it_goes_into_no_other_workspace_and_through_no_link(catalogue, bring, root, tmp_path):
    worked(catalogue, tmp_path / "old")
    file = tmp_path / "work.zip"
    pack(tmp_path / "old", file)
    (tmp_path / "away").mkdir()
    (root / "sysdesign").symlink_to(tmp_path / "away")
    with pytest.raises(OutsideRootError):
        bring(file)
    (root / "sysdesign").unlink()
    workspaces.create(catalogue.lesson("tiny-full"), root / "sysdesign")
    with pytest.raises(ConflictError, match="inside the workspace"):
        bring(file)
    assert list((tmp_path / "away").iterdir()) == []


def member(name, content="", *, mode=0o100644, **fields):
    info = zipfile.ZipInfo("x")
    info.filename = name
    info.external_attr = mode << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


GOOD = (member(f"{PLACE}/.sysdesign/workspace.json", MARKER), member(f"{PLACE}/app/server.py"))

HOSTILE = {
    "out of the root": [member("../evil.txt")],
    "up again inside": [member(f"{PLACE}/../../../evil.txt")],
    "absolute": [member("/tmp/evil.txt")],
    "a backslash": [member(f"{PLACE}\\..\\evil.txt")],
    "a dot": [member(f"{PLACE}/./evil.txt")],
    "nothing between": [member(f"{PLACE}//evil.txt")],
    "a folder above": [member("../evil/")],
    "a control character": [member(f"{PLACE}/evil\n.txt")],
    "a link": [member(f"{PLACE}/link", "/etc/passwd", mode=stat.S_IFLNK | 0o777)],
    "a device": [member(f"{PLACE}/device", mode=stat.S_IFCHR | 0o666)],
    "twice": [member(f"{PLACE}/app/server.py", "again")],
    "one for some file systems": [member(f"{PLACE}/App/Server.py")],
    "a file and a folder": [member(f"{PLACE}/app/server.py/evil")],
    "a very long name": [member(f"{PLACE}/{'x' * 250}")],
    "a very long path": [member(f"{PLACE}/" + "/".join(["deep"] * 250))],
    "in no workspace": [member(".jupyter/jupyter_server_config.py", "evil")],
    "beside the workspaces": [member("sysdesign/evil.py")],
    "a workspace in a workspace": [member(f"{PLACE}/in/.sysdesign/workspace.json", MARKER)],
    "a hidden workspace": [member(".ssh/.sysdesign/workspace.json", MARKER)],
    "the root itself": [member(".sysdesign/workspace.json", MARKER)],
    "a deep workspace": [member("a/b/c/d/e/.sysdesign/workspace.json", MARKER)],
    "a marker of rubbish": [member("other/.sysdesign/workspace.json", "[]")],
    "an unknown compression": [member(f"{PLACE}/x", "x", compress_type=zipfile.ZIP_LZMA)],
}


def zipped(path, members):
    with zipfile.ZipFile(path, "w") as out:
        for info, content in members:
            out.writestr(info, content)
    return path


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("members", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_zip_changes_nothing(members, bring, root, tmp_path):
    before = tree(tmp_path)
    file = zipped(tmp_path / "work.zip", [*GOOD, *members])
    with pytest.raises(InvalidFileError, match=r"work\.zip|workspace\.json"):
        bring(file, overwrite=True)
    file.unlink()
    assert tree(tmp_path) == before


def test_the_good_part_of_those_would_be_taken(bring, root, tmp_path):
    tools = [member(f"{PLACE}/.git/hooks/pre-commit", "evil"), member(f"{PLACE}/empty/")]
    bring(zipped(tmp_path / "work.zip", [*GOOD, *tools]))
    assert sorted(each.name for each in (root / PLACE).iterdir()) == [".sysdesign", "app"]


@pytest.mark.parametrize(
    "marker", ['{"lesson": "no-such", "created_at": 1}', '{"lesson": "../x", "created_at": 1}']
)
def test_of_a_lesson_that_is_not_here(marker, bring, root, tmp_path):
    file = zipped(tmp_path / "work.zip", [member(f"{PLACE}/.sysdesign/workspace.json", marker)])
    with pytest.raises(NotFoundError):
        bring(file)
    assert tree(root) == {}


def test_a_bomb_is_not_unpacked(bring, root, tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MOST_BYTES", 3 << 20)
    monkeypatch.setattr(archive, "MOST_FILE_BYTES", 2 << 20)
    zeros = "\0" * (2 << 20)
    with pytest.raises(InvalidFileError, match="too much"):
        bring(zipped(tmp_path / "a", [*GOOD, member(f"{PLACE}/1", zeros), member("x/2", zeros)]))
    with pytest.raises(InvalidFileError, match="more than 2 MB"):
        bring(zipped(tmp_path / "b", [*GOOD, member(f"{PLACE}/1", zeros + "\0")]))
    monkeypatch.setattr(archive, "MOST_FILES", 10)
    many = [member(f"{PLACE}/{number}") for number in range(10)]
    with pytest.raises(InvalidFileError, match="12 files"):
        bring(zipped(tmp_path / "c", [*GOOD, *many]))
    assert tree(root) == {}


def test_one_that_lies_about_its_size_is_not_believed(bring, root, tmp_path):
    file = zipped(tmp_path / "work.zip", [*GOOD, member(f"{PLACE}/zeros", "\0" * 100_000)])
    data = file.read_bytes()
    said = (100_000).to_bytes(4, "little")
    assert data.count(said) == 2  # before the file, and in the table at the end
    file.write_bytes(data.replace(said, (10).to_bytes(4, "little")))
    with pytest.raises(InvalidFileError, match="damaged"):
        bring(file)
    assert tree(root) == {}


def test_every_damage_is_refused_or_harmless(catalogue, bring, root, tmp_path):
    worked(catalogue, tmp_path / "old")
    pack(tmp_path / "old", tmp_path / "work.zip")
    data = (tmp_path / "work.zip").read_bytes()
    file = tmp_path / "damaged.zip"
    refused = 0
    for place in range(0, len(data), max(1, len(data) // 200)):
        file.write_bytes(data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :])
        try:
            bring(file, overwrite=True)
        except SysdesignError as error:
            assert not isinstance(error, ResourceError), (place, error)  # noqa: PT017
            refused += 1
    assert refused > 100
    for length in (0, 1, len(data) // 2, len(data) - 1):
        file.write_bytes(data[:length])
        with pytest.raises(InvalidFileError):
            bring(file)
    outside = {each.name for each in tmp_path.iterdir()}
    assert outside == {"old", "root", "work.zip", "damaged.zip"}
    assert not [each for each in root.iterdir() if each.name.startswith(".")]


def test_what_is_no_file_is_refused(bring, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for each in ("missing.zip", "pipe", "."):
        with pytest.raises(InvalidFileError, match="no such file"):
            bring(tmp_path / each)


def test_unpacking_needs_a_folder(catalogue, tmp_path):
    file = zipped(tmp_path / "work.zip", GOOD)
    with pytest.raises(InvalidRequestError):
        unpack(file, tmp_path / "missing", catalogue, ask=lambda _: None)


def test_what_is_answered_while_an_import_looks_round_is_kept(catalogue, bring, root, tmp_path):
    worked(catalogue, tmp_path / "old")
    pack(tmp_path / "old", tmp_path / "work.zip")
    made = workspaces.create(catalogue.lesson("tiny"), root / PLACE)
    with pytest.raises(WorkThereError):
        bring(tmp_path / "work.zip", ask=lambda folder: AnswersFile(folder).put("why", ANSWER))
    assert AnswersFile(made.folder).answers() == {"why": ANSWER}
    assert [each.name for each in root.iterdir()] == ["sysdesign"]


def test_an_answer_that_meets_an_import_overwrites_none_of_it(catalogue, bring, root, tmp_path):
    worked(catalogue, tmp_path / "old")
    pack(tmp_path / "old", tmp_path / "work.zip")
    file = AnswersFile(workspaces.create(catalogue.lesson("tiny"), root / PLACE).folder)
    writing, go_on = threading.Event(), threading.Event()

    def change(_):
        writing.set()
        go_on.wait(60)
        return ANSWER

    with ThreadPoolExecutor() as pool:
        answered = pool.submit(file.update, "why", change)
        writing.wait(60)
        imported = pool.submit(bring, tmp_path / "work.zip")
        try:
            until_somebody_waits()
        finally:
            go_on.set()
        answered.result()
    assert isinstance(imported.exception(), WorkThereError)
    assert file.answers() == {"why": ANSWER}
    bring(tmp_path / "work.zip", overwrite=True)
    assert file.answers() == {"guess": ANSWER}


def test_what_is_there_for_a_moment_is_no_work(catalogue, tmp_path, monkeypatch):
    made = worked(catalogue, tmp_path / "old")
    pack(made.folder, tmp_path / "before.zip")
    (made.folder / ".~lesson.ipynb").write_text("half a note")  # as Jupyter saves
    really = workspaces.plain_files
    monkeypatch.setattr(
        workspaces, "plain_files", lambda folder: [*really(folder), folder / "gone.ipynb"]
    )
    pack(made.folder, tmp_path / "after.zip")
    assert (tmp_path / "after.zip").read_bytes() == (tmp_path / "before.zip").read_bytes()


def test_answers_are_written_where_nobody_looks_for_work(catalogue, tmp_path, monkeypatch):
    made, seen = workspaces.create(catalogue.lesson("tiny"), tmp_path / "mine"), []
    really = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (really(handle), seen.append(made.files())))
    AnswersFile(made.folder).put("guess", ANSWER)
    assert seen
    assert not [each for files in seen for each in files if each.startswith(".answers")]


@pytest.mark.parametrize("strange", ["~nobody-of-that-name", "loop", "x" * 300])
def test_a_path_that_the_system_refuses_is_an_error_of_ours(
    catalogue, bring, tmp_path, monkeypatch, strange
):
    monkeypatch.chdir(tmp_path)
    Path("loop").symlink_to("loop")
    folder = Path(strange) if strange.startswith("~") else tmp_path / strange
    for use in (
        lambda: workspaces.create(catalogue.lesson("tiny"), folder),
        lambda: workspaces.load(folder),
        lambda: pack(folder, tmp_path / "work.zip"),
        lambda: unpack(tmp_path / "no.zip", folder, catalogue, ask=lambda _: None),
        lambda: bring(folder),
    ):
        with pytest.raises(SysdesignError):
            use()

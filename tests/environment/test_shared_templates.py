"""Instances whose databases came with an image: read only, somebody else's, and for all to read."""

from __future__ import annotations

import json
import os
import shutil
import stat
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from conftest import CURRICULUM
from watched import Watched

from jupyter_sysdesign import paths
from jupyter_sysdesign.control.models import SqlRequest
from jupyter_sysdesign.environment.owner import server_owner
from jupyter_sysdesign.environment.seeding import open_to_all, seed
from jupyter_sysdesign.environment.status import State
from jupyter_sysdesign.environment.templates import Templates

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

    from jupyter_sysdesign.environment.source import Source

    Until = Callable[..., Awaitable[None]]

pytestmark = pytest.mark.anyio

#: Whoever made the image.
SOMEBODY = 12_345


@pytest.fixture(scope="module")
def made(shared_home: Path) -> Iterator[Path]:
    """Return a folder of templates as an image has it."""
    folder = shared_home.parent / "image"
    for lesson in ("tiny", "tiny-replica"):
        for each in seed(lesson, CURRICULUM / "environments" / lesson, Templates(folder)):
            open_to_all(each.folder)
    everything = [folder, *folder.rglob("*")]
    for path in everything:
        path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
        if os.geteuid() == 0:
            os.chown(path, SOMEBODY, SOMEBODY)
    yield folder
    for path in everything:
        path.chmod(0o755)


@pytest.fixture
def image(made: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Name the folder, for a user who has no templates yet."""
    shutil.rmtree(home / "templates", ignore_errors=True)  # of other tests
    monkeypatch.setenv("SYSDESIGN_TEMPLATES", str(made))
    return made


@pytest.fixture
async def instances(image: Path) -> AsyncIterator[Callable[[Source], Watched]]:
    """Return a maker of instances; all are stopped in the end."""
    made: list[Watched] = []

    def make(source: Source) -> Watched:
        made.append(Watched(source))
        return made[-1]

    yield make
    for each in made:
        if each.status.state is not State.STOPPED:
            await each.stop()


def steps(instance: Watched) -> str:
    """Return what a learner read while it was prepared."""
    said = [data["progress"]["step"] for kind, data in instance.events
            if kind == "environment.state" and data.get("progress")]  # fmt: skip
    return "; ".join(said)


async def count(instance: Watched, service: str | None = None) -> Any:
    statement = SqlRequest(statement="SELECT count(*) FROM items", service=service)
    return (await instance.sql(statement)).rows[0][0]


def admin_of(image: Path) -> str:
    """Return the password that everybody can read in the template."""
    origin = next(image.glob("tiny-db-*")) / "data" / "sysdesign.json"
    return str(json.loads(origin.read_text())["admin"])


def snapshot(folder: Path) -> dict[str, object]:
    """Return what would tell of a change: nearly all but when something was last read."""
    found = {str(path): path.lstat() for path in (folder, *folder.rglob("*"))}
    return {path: (*each[:7], each.st_mtime_ns, each.st_ctime_ns) for path, each in found.items()}


async def test_it_starts_without_seeding_and_its_data_can_be_written_and_reset(
    instances: Callable[[Source], Watched], tiny_lesson: Source, image: Path, until: Until
) -> None:
    before = snapshot(image)
    instance = instances(tiny_lesson)
    await instance.start()
    assert instance.status.state is State.READY, instance.status.reason
    assert "Copying the pristine data" in steps(instance)
    assert "Seeding" not in steps(instance)
    assert "empty database" not in steps(instance)

    data = paths.instance(instance.id) / "data" / "db"
    owner = server_owner()
    for path in (data, data / "base", data / "sysdesign.json"):
        assert path.stat().st_uid == (owner.uid if owner else os.geteuid())
        assert not path.stat().st_mode & 0o077
    await instance.sql(SqlRequest(statement="INSERT INTO items (category, price) VALUES ('x', 1)"))
    assert await count(instance) == 1001

    # The spare copy is the user's own, and the only thing of it in their folder.
    def kept() -> set[str]:
        return {path.name for path in paths.templates().glob("tiny-db-*/*")}

    await until(lambda: kept() == {"spare"})
    await instance.reset()
    assert await count(instance) == 1000
    await instance.stop()
    assert "data" not in kept()
    assert snapshot(image) == before


async def test_a_replica_begins_as_the_same_copy(
    instances: Callable[[Source], Watched], make_source: Callable[..., Source]
) -> None:
    instance = instances(make_source("tiny-replica"))
    await instance.start()
    assert instance.status.state is State.READY, instance.status.reason
    assert "Seeding" not in steps(instance)
    assert await count(instance, "db") == await count(instance, "replica") == 1000


async def test_who_knows_the_template_knows_no_password_of_an_instance(
    instances: Callable[[Source], Watched], make_source: Callable[..., Source], image: Path
) -> None:
    one, other = (instances(make_source("tiny", name)) for name in ("one", "other"))
    for each in (one, other):
        await each.start()
    known = admin_of(image)
    for role in ("app", "grader", "admin"):
        mine, theirs = one.dsn(role, "db"), other.dsn(role, "db")
        own = psycopg.conninfo.conninfo_to_dict(mine)["password"]
        others = psycopg.conninfo.conninfo_to_dict(theirs)["password"]
        assert len({own, others, known}) == 3
        for guess in (others, known, ""):
            with pytest.raises(psycopg.OperationalError, match=r"authentication|no password"):
                psycopg.connect(mine.replace(f":{own}@", f":{guess}@"))


async def test_what_is_half_made_is_seeded_as_before(
    instances: Callable[[Source], Watched],
    tiny_lesson: Source,
    image: Path,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    half = home.parent / "half"
    shutil.copytree(image, half, ignore=shutil.ignore_patterns("pg_xact"))
    monkeypatch.setenv("SYSDESIGN_TEMPLATES", str(half))
    instance = instances(tiny_lesson)
    await instance.start()
    assert instance.status.state is State.READY, instance.status.reason
    assert "Seeding" in steps(instance)
    assert await count(instance) == 1000
    for path in half.rglob("*"):
        path.chmod(0o755)

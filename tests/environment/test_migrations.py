"""The learner's migrations: applied once, in order, whole or not at all."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import psycopg
import pytest

from jupyter_sysdesign.environment.migrations import Migrations
from jupyter_sysdesign.environment.services.postgres import Postgres
from jupyter_sysdesign.errors import (
    ConflictError,
    InvalidFileError,
    ResourceError,
    UnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from jupyter_sysdesign.environment.source import Source

pytestmark = pytest.mark.anyio

INDEX = "CREATE INDEX by_category ON items (category, price);\n"


@pytest.fixture
async def db(tiny_lesson: Source, make_world: Callable[..., Any]) -> Postgres:
    """Return the running database of the tiny lesson, without any migration."""
    world = make_world(tiny_lesson)
    world.services["db"].prepare()
    await world.start("db")
    found = world.services["db"]
    assert isinstance(found, Postgres)
    return found


def write(db: Postgres, **scripts: str) -> None:
    for name, text in scripts.items():
        folder = db.place.source.workspace / "migrations"
        (folder / f"{name.replace('_', '-')}.sql").write_text(text)


def remove(db: Postgres, name: str) -> None:
    (db.place.source.workspace / "migrations" / f"{name}.sql").unlink()


async def states(db: Postgres) -> dict[str, str]:
    return {each.name.removesuffix(".sql"): each.state for each in await db.migrations.list()}


def run(dsn: str, statement: str) -> list[Any]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        found = connection.execute(statement.encode())
        return found.fetchall() if found.description else []


def exists(db: Postgres, name: str) -> bool:
    return run(db.dsn("admin"), f"SELECT to_regclass('public.{name}') IS NOT NULL") == [(True,)]


async def test_pending_files_are_applied_once_and_in_order(db: Postgres) -> None:
    write(db, m002="ALTER TABLE a ADD n int;", m001="CREATE TABLE a (id int);")
    assert await states(db) == {"m001": "pending", "m002": "pending"}
    assert await db.migrations.apply() == ["m001.sql", "m002.sql"]
    assert await states(db) == {"m001": "applied", "m002": "applied"}
    assert await db.migrations.apply() == []
    assert exists(db, "a")


async def test_a_file_that_fails_leaves_nothing_of_itself(db: Postgres) -> None:
    write(db, m001=INDEX, m002="CREATE TABLE a (id int);\n\nSELECT\n  nothing;\n")
    with pytest.raises(InvalidFileError, match='column "nothing" does not exist') as caught:
        await db.migrations.apply()
    assert (caught.value.file, caught.value.line) == ("migrations/m002.sql", 4)
    assert await states(db) == {"m001": "applied", "m002": "pending"}
    assert exists(db, "by_category")
    assert not exists(db, "a")
    write(db, m002="CREATE TABLE a (id int);")
    assert await db.migrations.apply() == ["m002.sql"]


@pytest.mark.parametrize(
    ("script", "line", "message"),
    [
        ("SELECT 1;\nSELECT 1/0;", 2, "division by zero"),
        ("SELECT 1;\nINSERT INTO items (id) OVERRIDING SYSTEM VALUE VALUES (1);", 2, "null value"),
        ("CREAT INDEX x ON items (price);", 1, "syntax error"),
        ("SELECT 1;\nSELECT 'a", 2, "quote is never closed"),
        ("SELECT 1;\n\\d", 2, "psql commands"),
        ("BEGIN;\nSELECT 1;\nCOMMIT;", 1, "BEGIN is not needed"),
        ("SELECT 1;\nCOMMIT;", 2, "COMMIT is not needed"),
        ("CREATE INDEX CONCURRENTLY x ON items (price);", 1, "cannot run inside a transaction"),
        ("-- no-transaction\nSELECT 1;\nSELECT 2;", 3, "holds one statement"),
        ("COPY items FROM PROGRAM 'id';", 1, "permission denied"),
        ("COPY items FROM STDIN;", 1, "COPY"),
        ("RESET SESSION AUTHORIZATION;\nDROP SCHEMA sysdesign CASCADE;", 2, "must be owner"),
        ("ALTER TABLE items ADD UNIQUE (category) DEFERRABLE INITIALLY DEFERRED;", 1, "duplicated"),
        ("SELECT 1;\nALTER ROLE shop PASSWORD 'x';", 2, "ALTER ROLE … PASSWORD would shut out"),
        ("alter user CURRENT_USER WITH PASSWORD NULL;", 1, "ALTER USER … PASSWORD would shut out"),
        ("ALTER DATABASE shop CONNECTION LIMIT 0;", 1, "CONNECTION LIMIT would shut out"),
        ("REVOKE CONNECT ON DATABASE shop FROM PUBLIC;", 1, "REVOKE … ON DATABASE would shut out"),
        ("-- no-transaction\nREVOKE ALL ON DATABASE shop FROM shop;", 2, "ON DATABASE would shut"),
    ],
)
async def test_what_postgresql_refuses_has_file_and_line(
    script: str, line: int, message: str, db: Postgres
) -> None:
    write(db, m001=script)
    with pytest.raises(InvalidFileError, match=message) as caught:
        await db.migrations.apply()
    assert (caught.value.file, caught.value.line) == ("migrations/m001.sql", line)
    assert await states(db) == {"m001": "pending"}


async def test_what_is_no_text_is_refused_by_name_and_line(db: Postgres) -> None:
    write(db, m001="SELECT 1;\nSELECT '\0';")
    with pytest.raises(InvalidFileError, match="zero byte") as caught:
        await db.migrations.apply()
    assert (caught.value.file, caught.value.line) == ("migrations/m001.sql", 2)
    remove(db, "m001")
    folder = os.fsencode(db.place.source.workspace / "migrations")
    with open(folder + b"/001-\xe9.sql", "w") as file:  # noqa: ASYNC230, PTH123 (no path has it)
        file.write(INDEX)
    with pytest.raises(InvalidFileError, match="name is not UTF-8") as caught:
        await db.migrations.apply()
    assert caught.value.file == "migrations/001-\ufffd.sql"


@pytest.mark.parametrize(
    "setting",
    [
        "default_transaction_read_only = on",
        "role = shop",
        "statement_timeout = 1",
        "transaction_timeout = 1",
        "local_preload_libraries = nothing",
        "client_encoding = SQL_ASCII",
    ],
)
async def test_settings_of_the_database_do_not_reach_what_keeps_the_record(
    setting: str, db: Postgres
) -> None:
    write(db, m001=f"ALTER DATABASE shop SET {setting};")
    assert await db.migrations.apply() == ["m001.sql"]
    assert await states(db) == {"m001": "applied"}
    assert await db.migrations.must_replay() == ""
    assert not (await db.drift.find()).drifted


@pytest.mark.parametrize(
    "lock",
    [
        "ALTER ROLE shop PASSWORD ''x''",
        "ALTER DATABASE shop CONNECTION LIMIT 0",
        "ALTER ROLE shop SET local_preload_libraries = nothing",
    ],
)
async def test_who_shut_us_out_unseen_is_told_to_reset(lock: str, db: Postgres) -> None:
    write(db, m001=f"DO $$ BEGIN EXECUTE '{lock}'; END $$;")
    await db.migrations.apply()
    write(db, m002=INDEX)
    with pytest.raises(UnavailableError, match="does not let us in") as caught:
        await db.migrations.apply()
    assert "Reset the environment" in caught.value.hint


async def test_a_constraint_checked_at_the_end_fails_the_file(db: Postgres) -> None:
    constraint = "CREATE TABLE a (id int UNIQUE DEFERRABLE INITIALLY DEFERRED);"
    write(db, m001=f"{constraint} INSERT INTO a VALUES (1), (1);")
    with pytest.raises(InvalidFileError, match="duplicate key"):
        await db.migrations.apply()
    assert await states(db) == {"m001": "pending"}
    assert not exists(db, "a")


LATE = """
CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE 'no' USING ERRCODE = '58030'; END $$;
CREATE CONSTRAINT TRIGGER no AFTER INSERT ON items INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION no();
INSERT INTO items (category, price) VALUES ('a', 1);
"""


@pytest.mark.parametrize(
    "script",
    [
        *(
            f"DO $$ BEGIN RAISE 'out of memory' USING ERRCODE = '{code}'; END $$;"
            for code in ("53100", "53200", "57P01", "57P02", "57P03", "58030", "08006")
        ),
        "SELECT pg_terminate_backend(pg_backend_pid());",
        "-- no-transaction\nSELECT pg_terminate_backend(pg_backend_pid());",
        "SET transaction_timeout = '50ms'; SELECT pg_sleep(9);",
        LATE,
    ],
)
async def test_a_file_cannot_pass_its_failure_off_as_the_machine_s(
    script: str, db: Postgres
) -> None:
    write(db, m001=script)
    with pytest.raises(InvalidFileError) as caught:
        await db.migrations.apply()
    assert caught.value.file == "migrations/m001.sql"


@pytest.mark.parametrize("how", ["", "-- no-transaction\n"])
async def test_a_file_for_which_there_is_no_room_costs_no_data(how: str, db: Postgres) -> None:
    run(db.dsn("admin"), f"GRANT pg_write_server_files TO {db.database.user}")
    write(db, m001=f"{how}COPY items TO '/dev/full';\n")
    with pytest.raises(ResourceError, match=r"No room to apply migrations/m001\.sql.*No space"):
        await db.migrations.apply()
    assert await db.migrations.must_replay() == ""
    write(db, m001=how + INDEX)
    assert await db.migrations.apply() == ["m001.sql"]


async def test_without_a_transaction(db: Postgres) -> None:
    write(db, m001="-- no-transaction\nCREATE INDEX CONCURRENTLY c ON items (category);\n")
    assert await db.migrations.apply() == ["m001.sql"]
    assert exists(db, "c")
    write(db, m002="-- no-transaction\nCREATE INDEX CONCURRENTLY c ON items (price);\n")
    with pytest.raises(InvalidFileError, match="already exists") as caught:
        await db.migrations.apply()
    assert "Reset" in caught.value.hint
    assert await states(db) == {"m001": "applied", "m002": "pending"}


async def test_every_way_in_which_a_replay_is_needed_is_said(db: Postgres) -> None:
    write(db, m002=INDEX)
    await db.migrations.apply()
    assert await db.migrations.must_replay() == ""
    write(db, m002=INDEX + "-- and more\n")
    assert await states(db) == {"m002": "changed"}
    assert await db.migrations.must_replay() == "m002.sql changed after it was applied"
    with pytest.raises(ConflictError, match="changed after it was applied"):
        await db.migrations.apply()
    remove(db, "m002")
    assert await states(db) == {"m002": "removed"}
    assert "is gone now" in await db.migrations.must_replay()
    write(db, m002=INDEX, m001="SELECT 1;")
    assert "m001.sql comes before m002.sql" in await db.migrations.must_replay()
    remove(db, "m001")
    assert await db.migrations.must_replay() == ""


async def test_settings_of_one_file_do_not_reach_the_next(db: Postgres) -> None:
    write(db, m001="CREATE SCHEMA other; SET search_path = other;", m002="CREATE TABLE a (n int);")
    await db.migrations.apply()
    assert exists(db, "a")


async def test_only_sql_files_count(db: Postgres) -> None:
    folder = db.place.source.workspace / "migrations"
    (folder / "notes.md").write_text("not SQL")
    (folder / ".hidden.sql").write_text("not SQL")
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / "m001-checkpoint.sql").write_text("not SQL")
    assert await states(db) == {}
    (folder / "m001.sql").write_bytes(b"\xef\xbb\xbfSELECT 1;\r\nSELECT '\xc3\xa4';\r\n")
    assert await db.migrations.apply() == ["m001.sql"]
    (folder / "m002.sql").write_bytes(b"SELECT 1;\nSELECT '\xe4';\n")
    with pytest.raises(InvalidFileError, match=r"migrations/m002.sql:2: not UTF-8"):
        await db.migrations.apply()


async def test_a_lock_held_elsewhere_is_no_endless_wait(db: Postgres) -> None:
    write(db, m001="SET lock_timeout = '50ms';\nALTER TABLE items ADD n int;")
    with psycopg.connect(db.dsn("app")) as other:
        other.execute("SELECT count(*) FROM items")
        with pytest.raises(InvalidFileError, match="lock timeout") as caught:
            await db.migrations.apply()
    assert caught.value.line == 2
    assert "end its transaction" in caught.value.hint


async def test_two_applies_at_once_do_not_mix(db: Postgres) -> None:
    write(db, m001="SELECT pg_sleep(5);", m002="CREATE TABLE a (n int);")
    done = await asyncio.gather(
        db.migrations.apply(), db.migrations.apply(), return_exceptions=True
    )
    assert [each for each in done if isinstance(each, list)] == [["m001.sql", "m002.sql"]]
    assert sum(isinstance(each, ConflictError) for each in done) == 1
    assert await states(db) == {"m001": "applied", "m002": "applied"}


@pytest.mark.parametrize("how", ["kill", "stop"])
async def test_a_database_that_dies_meanwhile_is_not_the_file_s_fault(
    how: str, db: Postgres, make_world: Callable[..., Any]
) -> None:
    world = make_world(db.place.source)
    write(db, m001="CREATE TABLE a (n int);", m002="CREATE TABLE b (n int); SELECT pg_sleep(60);")
    applying = asyncio.ensure_future(db.migrations.apply())
    while (await states(db)).get("m002") != "changed":  # noqa: ASYNC110 (only the database knows)
        await asyncio.sleep(0.01)
    await getattr(world.runtime, how)("db")
    with pytest.raises(UnavailableError, match=r"while migrations/m002.sql was applied"):
        await applying
    with pytest.raises(UnavailableError, match="does not answer"):
        await db.migrations.list()
    await world.start("db")
    assert await states(db) == {"m001": "applied", "m002": "pending"}
    assert exists(db, "a")
    assert not exists(db, "b")


async def test_a_crash_between_commit_and_record_loses_nothing(db: Postgres) -> None:
    write(db, m001=INDEX, m002="SELECT 1;")
    await db.migrations.apply()
    # As it stands when the control plane was killed right after the file's own commit.
    run(db.dsn("admin"), "UPDATE sysdesign.migrations SET state = 'applying'")
    assert await states(db) == {"m001": "applied", "m002": "applied"}
    # Without a transaction of its own nobody can know.
    unknown = "UPDATE sysdesign.migrations SET state = 'applying', xid = NULL WHERE name ~ '2'"
    run(db.dsn("admin"), unknown)
    assert await states(db) == {"m001": "applied", "m002": "changed"}
    assert "cut short" in await db.migrations.must_replay()


async def test_no_folder_is_no_migrations(
    tiny_lesson: Source, make_world: Callable[..., Any]
) -> None:
    (tiny_lesson.workspace / "migrations" / ".gitkeep").unlink(missing_ok=True)
    (tiny_lesson.workspace / "migrations").rmdir()
    world = make_world(tiny_lesson)
    world.services["db"].prepare()
    await world.start("db")
    assert await world.services["db"].migrations.list() == []
    assert await world.services["db"].migrations.apply() == []


def test_a_file_that_no_editor_made_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "001-all.sql").open("wb") as large:
        large.truncate(1 << 40)
    with pytest.raises(InvalidFileError, match=r"migrations/001-all\.sql: larger than 32 MiB"):
        Migrations(tmp_path, app="", admin="").read()

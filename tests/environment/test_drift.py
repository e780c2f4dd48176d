"""Drift: everything typed into psql is found, nothing that is written in migrations/ is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from jupyter_sysdesign.environment.drift import compare
from jupyter_sysdesign.environment.schema_catalog import read_schema
from jupyter_sysdesign.environment.services.postgres import Postgres
from jupyter_sysdesign.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.environment.source import Source

pytestmark = pytest.mark.anyio

COMPOSE = """
name: made-up
services:
  db:
    image: sysdesign/postgres:18
    command: [postgres, -c, shared_buffers=16MB]
    environment: {POSTGRES_USER: shop, POSTGRES_PASSWORD: "${SYSDESIGN_PASSWORD_DB}"}
    volumes: ["./db:/docker-entrypoint-initdb.d:ro"]
"""
SCHEMA = """
CREATE TABLE customers (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL);
CREATE TABLE orders (
  id serial PRIMARY KEY,
  customer int NOT NULL REFERENCES customers,
  total numeric(10, 2) DEFAULT 0 CHECK (total >= 0),
  state text
);
CREATE INDEX orders_state ON orders (state);
CREATE VIEW open_orders AS SELECT id, total FROM orders WHERE state = 'open';
CREATE MATERIALIZED VIEW totals AS SELECT customer, sum(total) AS total FROM orders GROUP BY 1;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER touched BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE EXTENSION pg_trgm;
INSERT INTO customers (name) SELECT 'c' || n FROM generate_series(1, 10) AS n;
INSERT INTO orders (customer, total, state)
SELECT 1 + n % 10, n, 'open' FROM generate_series(1, 99) AS n;
REFRESH MATERIALIZED VIEW totals;
"""


@pytest.fixture
async def db(make_lesson: Callable[..., Source], make_world: Callable[..., Any]) -> Postgres:
    source = make_lesson({"compose.yaml": COMPOSE, "db/1.sql": SCHEMA}, {"migrations/.keep": ""})
    world = make_world(source)
    world.services["db"].prepare()
    await world.start("db")
    found = world.services["db"]
    assert isinstance(found, Postgres)
    return found


def write(db: Postgres, name: str, text: str) -> None:
    (db.place.source.workspace / "migrations" / name).write_text(text)


def typed(db: Postgres, *statements: str) -> None:
    with psycopg.connect(db.dsn("app"), autocommit=True) as connection:
        for each in statements:
            connection.execute(each.encode())


async def differences(db: Postgres) -> list[str]:
    drift = await db.drift.find()
    assert drift.drifted == bool(drift.differences)
    return drift.differences


async def test_pristine_data_and_migrations_are_no_drift(db: Postgres) -> None:
    assert await differences(db) == []
    write(
        db, "001.sql", "CREATE INDEX a ON orders (customer, total); ALTER TABLE orders ADD n int;"
    )
    write(db, "002.sql", "-- no-transaction\nCREATE INDEX CONCURRENTLY b ON orders (total);")
    write(db, "003.sql", "DROP INDEX orders_state; CREATE TABLE notes (text text PRIMARY KEY);")
    assert await differences(db) == []
    await db.migrations.apply()
    assert await differences(db) == []
    typed(db, "INSERT INTO notes VALUES ('rows are no schema')", "ANALYZE", "VACUUM orders")
    assert await differences(db) == []


async def test_migrations_that_need_the_data_cannot_be_compared(db: Postgres) -> None:
    write(
        db,
        "001.sql",
        "CREATE TABLE gifts (customer int REFERENCES customers DEFERRABLE INITIALLY DEFERRED);"
        "INSERT INTO gifts VALUES (1);",
    )
    await db.migrations.apply()
    with pytest.raises(UnavailableError, match="foreign key"):
        await db.drift.find()


async def test_an_index_typed_in_psql_is_found_and_goes_when_written_down(db: Postgres) -> None:
    typed(db, "CREATE INDEX a ON orders (customer)")
    assert await differences(db) == [
        "+ CREATE INDEX a ON public.orders USING btree (customer) (not in migrations/)"
    ]
    typed(db, "DROP INDEX a")
    write(db, "001.sql", "CREATE INDEX a ON orders (customer);")
    await db.migrations.apply()
    assert await differences(db) == []
    typed(db, "DROP INDEX a")
    assert await differences(db) == [
        "- CREATE INDEX a ON public.orders USING btree (customer) (not in the database)"
    ]


async def test_what_if_not_exists_would_hide_is_found(db: Postgres) -> None:
    typed(db, "CREATE INDEX a ON orders (customer)")
    write(db, "001.sql", "CREATE INDEX IF NOT EXISTS a ON orders (customer, total);")
    await db.migrations.apply()
    (only,) = await differences(db)
    assert only.startswith("~ index public.a of table public.orders: CREATE INDEX a ON")
    assert "expected: CREATE INDEX a ON public.orders USING btree (customer, total))" in only


# Statement typed in psql → what the one line must contain.
TYPED = {
    "CREATE TABLE t (a int PRIMARY KEY, b text); CREATE INDEX ON t (b)": "+ table public.t: table",
    "DROP TABLE customers CASCADE": "- table public.customers",
    "ALTER TABLE orders ADD note text DEFAULT 'x' NOT NULL": (
        "+ column note of table public.orders: text NOT NULL DEFAULT 'x'::text"
    ),
    "ALTER TABLE orders ALTER state SET NOT NULL": "~ column state of table public.orders",
    "ALTER TABLE customers ALTER name TYPE varchar(9)": "~ column name of table public.customers",
    "ALTER TABLE orders ALTER state SET STATISTICS 1000": "STATISTICS 1000",
    "ALTER TABLE orders ALTER total DROP DEFAULT": "expected: numeric(10,2) DEFAULT 0",
    "ALTER TABLE orders SET (fillfactor = 70)": "fillfactor=70",
    "ALTER TABLE orders SET UNLOGGED": "unlogged table",
    "ALTER TABLE orders ADD CONSTRAINT u UNIQUE (id, state)": "+ constraint u of table",
    "ALTER TABLE orders DROP CONSTRAINT orders_customer_fkey": "- constraint orders_customer_fkey",
    "ALTER TABLE orders DROP CONSTRAINT orders_total_check": "CHECK ((total >= (0)::numeric))",
    "DROP INDEX orders_state": "- CREATE INDEX orders_state",
    "CREATE OR REPLACE VIEW open_orders AS SELECT id, total FROM orders": (
        "~ view public.open_orders"
    ),
    "CREATE MATERIALIZED VIEW m AS SELECT 1": "+ CREATE materialized view public.m",
    "CREATE INDEX i ON totals (customer)": "+ CREATE INDEX i ON public.totals",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'": "+ CREATE OR REPLACE FUNCTION",
    "CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RETURN NULL; END $$": "~ routine public.touch()",
    "ALTER TABLE orders DISABLE TRIGGER touched": "-- disabled",
    "DROP TRIGGER touched ON orders": "- CREATE TRIGGER touched",
    "CREATE RULE quiet AS ON DELETE TO orders DO INSTEAD NOTHING": "+ CREATE RULE quiet",
    "ALTER TYPE mood ADD VALUE 'so so'": "~ type public.mood",
    "CREATE DOMAIN d AS int CHECK (value > 0)": "+ type public.d: domain integer",
    "CREATE SEQUENCE s": "+ CREATE SEQUENCE public.s",
    "CREATE STATISTICS st ON customer, state FROM orders": "+ CREATE STATISTICS public.st",
    "CREATE POLICY p ON orders USING (true)": "+ policy p of table public.orders",
    "CREATE EXTENSION btree_gin": "+ CREATE EXTENSION btree_gin",
    "CREATE SCHEMA other": "+ CREATE SCHEMA other",
}


async def test_everything_typed_is_found(db: Postgres) -> None:
    """Each change alone, in a transaction that is rolled back."""
    missed = {}
    connection = await psycopg.AsyncConnection.connect(db.dsn("app"))
    async with connection:
        pristine = await read_schema(connection)
        for statement, wanted in TYPED.items():
            await connection.execute(statement.encode())
            found = compare(pristine, await read_schema(connection))
            if not any(wanted in each for each in found):
                missed[statement] = found
            await connection.rollback()
    assert missed == {}


async def test_settings_typed_are_found(db: Postgres) -> None:
    typed(db, "ALTER DATABASE shop SET work_mem = '1GB'", "ALTER ROLE shop SET jit = off")
    assert await differences(db) == [
        "+ ALTER DATABASE shop SET work_mem=1GB (not in migrations/)",
        "+ ALTER ROLE shop SET jit=off (not in migrations/)",
    ]


async def test_settings_that_a_migration_makes_are_no_drift(db: Postgres) -> None:
    write(db, "001.sql", "ALTER DATABASE shop SET work_mem = '8MB';")
    await db.migrations.apply()
    assert await differences(db) == []


async def test_nothing_of_the_comparison_stays_behind(db: Postgres) -> None:
    typed(db, "CREATE INDEX a ON orders (customer)")
    await differences(db)
    with psycopg.connect(db.dsn("admin")) as connection:
        found = connection.execute("SELECT datname FROM pg_database ORDER BY 1").fetchall()
    assert found == [("shop",), ("sysdesign_pristine",)]


def test_parts_of_a_new_table_are_not_told_one_by_one() -> None:
    live = {"table public.t": "table", "column a of table public.t": "integer"}
    assert compare({}, live) == ["+ table public.t: table (not in migrations/)"]
    assert compare(live, {}) == ["- table public.t: table (not in the database)"]
    assert compare({"table public.t": "table"}, live) == [
        "+ column a of table public.t: integer (not in migrations/)"
    ]

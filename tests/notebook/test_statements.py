"""What ``lesson.sql`` and ``lesson.explain`` do with a statement, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from jupyter_sysdesign.environment.statement import execute
from jupyter_sysdesign.environment.status import SqlResult, State
from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.notebook.explain import Plan
from jupyter_sysdesign.notebook.statements import Table, explain, sql

if TYPE_CHECKING:
    from jupyter_sysdesign.notebook.connection import Connection


@pytest.fixture
def connection(postgres: str) -> Connection:
    """Return a connection whose environment is the shop's database, and runs."""

    def send(_: str, statement: str, **more: object) -> SqlResult:
        return asyncio.run(execute(postgres, statement, **more))

    status = SimpleNamespace(state=State.READY)
    return SimpleNamespace(
        environment="shop", client=SimpleNamespace(sql=send), status=lambda: status
    )


DELETE = "DELETE FROM orders WHERE id < 2000"


def orders(connection: Connection) -> int:
    found = sql(connection, "SELECT count(*) FROM orders")
    assert isinstance(found, Table)
    return found.rows[0][0]


@pytest.mark.parametrize(
    "before",
    [
        "EXPLAIN ANALYZE",
        "-- what would this cost?\nEXPLAIN ANALYZE",
        "/* how /* much */ */ -- is it?\n EXPLAIN (ANALYZE)",
        "EXPLAIN -- it\n(BUFFERS /* (all) */, ANALYZE)",
        "EXPLAIN /* off */ ANALYZE /* and */ VERBOSE -- off\n",
    ],
)
def test_what_is_explained_is_rolled_back(connection: Connection, before: str) -> None:
    for ask in (sql, explain):
        plan = ask(connection, f"{before} {DELETE};")
        assert isinstance(plan, Plan)
        assert (plan.measured, plan.rows, plan.statement) == (True, 1999, DELETE)
    assert orders(connection) == 60_000


@pytest.mark.parametrize("off", ["off", "'off'", '"off"', "FALSE", "0", "/* not now */ 'false'"])
def test_explain_without_analyze_runs_nothing(connection: Connection, off: str) -> None:
    plan = sql(connection, f"-- only a guess\nEXPLAIN (ANALYZE {off}, VERBOSE) {DELETE}")
    assert isinstance(plan, Plan)
    assert not plan.measured
    assert plan.statement == DELETE


@pytest.mark.parametrize(
    "statement",
    [
        "BEGIN",
        "-- all or nothing\nSTART TRANSACTION",
        "ROLLBACK;",
        "SET enable_seqscan = off",
        "set local work_mem = '64kB'",
        "RESET ALL",
        "DISCARD TEMP",
        "CREATE TEMP TABLE few (id int)",
        "create or replace temporary view few as select 1",
        "CREATE LOCAL TEMPORARY TABLE few AS SELECT 1",
    ],
)
def test_what_would_end_with_its_statement_is_refused(
    connection: Connection, statement: str
) -> None:
    with pytest.raises(InvalidRequestError, match="a session of its own") as refused:
        sql(connection, statement)
    assert "sysdesign console" in refused.value.hint


def test_what_only_looks_like_it_is_run(connection: Connection) -> None:
    for statement in (
        "CREATE TABLE temp (reset int)",
        "CREATE INDEX temporary ON temp (reset)",
        "ALTER TABLE temp SET (fillfactor = 70)",
        "DROP TABLE temp",
        "SHOW work_mem",
        "DO $$ BEGIN PERFORM 1; END $$",
    ):
        sql(connection, statement)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("interval '1 year 2 months 3 days 4 hours'", "1 year 2 mons 3 days 04:00:00"),
        ("timestamptz 'infinity'", "infinity"),
        ("timestamp '-infinity'", "-infinity"),
        ("date '0044-03-15 BC'", "0044-03-15 BC"),
        ("time '24:00'", "24:00:00"),
        ("ARRAY[date '2024-05-01', date 'infinity']", ["2024-05-01", "infinity"]),
        ("timestamp '2024-05-01 12:00'", "2024-05-01T12:00:00"),
        ("timetz '12:00+02'", "12:00:00+02:00"),
        ("12345678901234567.89::numeric(20, 2)", "12345678901234567.89"),
        ("1e-400::numeric", f"0.{'0' * 399}1"),
        ("10::numeric ^ 4400", f"1{'0' * 4400}"),
        ("9223372036854775807::numeric", 2**63 - 1),
        ("19.99::numeric", 19.99),
        ("avg(v) FROM (VALUES (1), (1), (2)) AS t (v)", 4 / 3),
    ],
)
def test_values_are_told_as_they_are(connection: Connection, value: str, said: object) -> None:
    found = sql(connection, f"SELECT {value}")
    assert isinstance(found, Table)
    assert SqlResult.model_validate_json(found.result.model_dump_json()).rows == [[said]]


def test_no_rows_have_columns_all_the_same(connection: Connection) -> None:
    found = sql(connection, "-- none\nSELECT id, quantity FROM orders WHERE false; -- at all\n")
    assert isinstance(found, Table)
    assert (found.columns, found.rows) == (["id", "quantity"], [])

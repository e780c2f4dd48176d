"""What ``lesson.sql`` and ``lesson.explain`` do with a statement, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from jupyter_sysdesign.environment.statement import execute
from jupyter_sysdesign.environment.status import State
from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.notebook.explain import Plan
from jupyter_sysdesign.notebook.statements import Table, explain, sql

if TYPE_CHECKING:
    from jupyter_sysdesign.environment.status import SqlResult
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

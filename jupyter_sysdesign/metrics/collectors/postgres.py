"""PostgreSQL, through one connection that is kept, with one statement per sample.

What is counted per table leaves out the catalogues, so that neither this statement nor a look at
the schema in psql shows up in the figures. It sums up the table's indexes, one of which may go, and
is kept by oid, for a name may change. PostgreSQL's sessions report their own statistics once a
second at most. Tables are asked for by the functions below pg_stat_user_tables: the plan of a
statement on that view takes the session a MiB more.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from jupyter_sysdesign.metrics.collectors.replication import ReplicationLag
from jupyter_sysdesign.metrics.counters import Counters, Increases

if TYPE_CHECKING:
    from collections.abc import Collection

    from jupyter_sysdesign.metrics.sources import PostgresSource

_CONNECT_TIMEOUT_S = 5
_STATEMENT_TIMEOUT_MS = 5000
_STATES = {
    "active": "active",
    "idle": "idle",
    "idle in transaction": "idle_in_transaction",
    "idle in transaction (aborted)": "idle_in_transaction",
}
#: Tables and statements beyond these are left out: the busiest come first.
MAX_TABLES = 300
MAX_STATEMENTS = 300
#: So many tables have figures of their own.
SHOWN_TABLES = 20

_STATISTICS = """
SELECT json_build_object(
  'database', (
    SELECT row_to_json(d) FROM (
      SELECT pg_catalog.pg_stat_get_db_xact_commit(oid)
               + pg_catalog.pg_stat_get_db_xact_rollback(oid) AS transactions,
             pg_catalog.pg_stat_get_db_xact_rollback(oid) AS rollbacks,
             pg_catalog.pg_stat_get_db_deadlocks(oid) AS deadlocks,
             pg_catalog.pg_stat_get_db_temp_bytes(oid) AS temp_bytes
      FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) d),
  'max_connections', pg_catalog.current_setting('max_connections')::int,
  'sessions', (
    SELECT json_agg(s) FROM (
      SELECT state, coalesce(wait_event_type = 'Lock', false) AS waiting, count(*) AS n
      FROM pg_catalog.pg_stat_get_activity(NULL)
      WHERE backend_type = 'client backend' AND pid <> pg_catalog.pg_backend_pid()
        AND datid = (SELECT oid FROM pg_catalog.pg_database
                     WHERE datname = pg_catalog.current_database())
      GROUP BY 1, 2) s),
  'tables', (
    SELECT json_agg(t) FROM (SELECT * FROM (
      SELECT c.oid,
             CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || c.relname AS name,
             pg_catalog.pg_stat_get_numscans(c.oid) AS seq_scan,
             pg_catalog.pg_stat_get_tuples_returned(c.oid) AS seq_tup_read,
             coalesce(i.scans, 0) AS idx_scan,
             coalesce(i.fetched, 0) + pg_catalog.pg_stat_get_tuples_fetched(c.oid)
               AS idx_tup_fetch,
             pg_catalog.pg_stat_get_tuples_inserted(c.oid)
               + pg_catalog.pg_stat_get_tuples_updated(c.oid)
               + pg_catalog.pg_stat_get_tuples_deleted(c.oid) AS written,
             pg_catalog.pg_stat_get_blocks_hit(c.oid) + coalesce(i.hit, 0) AS hit,
             pg_catalog.pg_stat_get_blocks_fetched(c.oid) - pg_catalog.pg_stat_get_blocks_hit(c.oid)
               + coalesce(i.asked - i.hit, 0) AS read
      FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN LATERAL (
        SELECT sum(pg_catalog.pg_stat_get_numscans(indexrelid)) AS scans,
               sum(pg_catalog.pg_stat_get_tuples_fetched(indexrelid)) AS fetched,
               sum(pg_catalog.pg_stat_get_blocks_hit(indexrelid)) AS hit,
               sum(pg_catalog.pg_stat_get_blocks_fetched(indexrelid)) AS asked
        FROM pg_catalog.pg_index WHERE indrelid = c.oid) i ON true
      WHERE c.relkind IN ('r', 'm') AND c.oid >= 16384 AND n.nspname <> 'sysdesign') u
      ORDER BY seq_tup_read + idx_tup_fetch + written DESC, name
      LIMIT {tables}) t),
  'log_end', CASE WHEN NOT pg_catalog.pg_is_in_recovery()
    THEN pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), '0/0') END,
  'replicas', (
    SELECT json_object_agg(
      application_name, pg_catalog.pg_wal_lsn_diff(replay_lsn, '0/0'))
    FROM pg_catalog.pg_stat_get_wal_senders() JOIN pg_catalog.pg_stat_get_activity(NULL) USING (pid)
    WHERE replay_lsn IS NOT NULL),
  'statements', {statements})
"""
_STATEMENTS = """(
    SELECT json_agg(q) FROM (
      SELECT queryid::text AS id, sum(calls) AS calls, sum(total_exec_time) AS total_ms
      FROM {schema}.pg_stat_statements(false)
      WHERE dbid = (SELECT oid FROM pg_catalog.pg_database
                    WHERE datname = pg_catalog.current_database())
        AND userid <> (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user)
      GROUP BY queryid ORDER BY total_ms DESC LIMIT {limit}) q)"""
_EXTENSION = """
SELECT n.nspname FROM pg_catalog.pg_extension e
JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'
"""

Facts = dict[str, Any]
Key = tuple[str, str]


class PostgresCollector:
    """One database."""

    def __init__(self, source: PostgresSource) -> None:
        """Prepare; connects at the first sample."""
        self._service = source.service
        self._dsn = source.dsn
        self._connection: psycopg.AsyncConnection[tuple[Any, ...]] | None = None
        self._query: sql.Composed | None = None
        self._counters: Counters[Key] = Counters()
        self._lag = ReplicationLag(source.replicas)
        self._complete = True
        self._asking = False

    async def sample(self) -> dict[str, float]:
        """Return connections, scans, blocks, transactions, the slowest statement, replicas' lag."""
        self._asking = True
        try:
            facts = await self._ask()
        except (psycopg.Error, asyncio.CancelledError):
            await self._disconnect()
            raise
        finally:
            self._asking = False
        found = self._connections(facts)
        found.update(self._rates(facts))
        named = {f"{self._service}.{name}": value for name, value in found.items()}
        if facts["log_end"] is not None:
            at = facts["replicas"] or {}
            named.update(self._lag.update(time.monotonic(), facts["log_end"], at))
        return named

    async def close(self) -> None:
        """Close the connection, also under a statement that a frozen server does not answer."""
        if not self._asking:
            await self._disconnect()
            return
        if self._connection is None or self._connection.closed:
            return  # it is connecting, which has its own timeout
        # psycopg would ask the server to cancel, which a frozen one does not do. An end of the
        # stream wakes the statement up; its descriptor stays open until it has noticed.
        with socket.socket(fileno=os.dup(self._connection.fileno())) as link:
            link.shutdown(socket.SHUT_RDWR)

    async def _ask(self) -> Facts:
        connection = self._connection
        if connection is None:
            connection = self._connection = await psycopg.AsyncConnection.connect(
                self._dsn,
                autocommit=True,
                # Making the plan anew takes a millisecond; a kept one takes the session 0.5 MiB.
                prepare_threshold=None,
                connect_timeout=_CONNECT_TIMEOUT_S,
                application_name="sysdesign metrics",
                options=f"-c statement_timeout={_STATEMENT_TIMEOUT_MS} -c jit=off",
            )
            self._query = await self._compose(connection)
        assert self._query is not None  # noqa: S101 (it came with the connection)
        row = await (await connection.execute(self._query)).fetchone()
        assert row is not None  # noqa: S101 (it has no FROM)
        facts: Facts = row[0]
        return facts

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            # Not close(), which is polite to a server that may be frozen.
            connection.pgconn.finish()
            await connection.close()

    async def _compose(self, connection: psycopg.AsyncConnection[tuple[Any, ...]]) -> sql.Composed:
        row = await (await connection.execute(_EXTENSION)).fetchone()
        statements: sql.Composable = sql.SQL("NULL")
        if row is not None:
            statements = sql.SQL(_STATEMENTS).format(
                schema=sql.Identifier(row[0]), limit=sql.Literal(MAX_STATEMENTS)
            )
        return sql.SQL(_STATISTICS).format(tables=sql.Literal(MAX_TABLES), statements=statements)

    def _connections(self, facts: Facts) -> dict[str, float]:
        found = dict.fromkeys((*_STATES.values(), "waiting", "total"), 0.0)
        for session in facts["sessions"] or ():
            count = session["n"]
            found["total"] += count
            if session["waiting"]:
                found["waiting"] += count
            state = _STATES.get(session["state"])
            if state is not None:
                found[state] += count
        found["max"] = float(facts["max_connections"])
        return {f"connections_{name}": value for name, value in found.items()}

    def _rates(self, facts: Facts) -> dict[str, float]:
        tables = facts["tables"] or []
        statements = facts["statements"] or []
        values = {
            ("database", name): float(count or 0) for name, count in facts["database"].items()
        }
        for table in tables:
            for name, count in table.items():
                if name not in ("oid", "name"):
                    values[name, table["oid"]] = float(count)
        for statement in statements:
            values["calls", statement["id"]] = float(statement["calls"])
            values["total_ms", statement["id"]] = float(statement["total_ms"])
        complete = len(tables) < MAX_TABLES and len(statements) < MAX_STATEMENTS
        increases = self._counters.update(
            values, complete=self._complete, anchor=("database", "transactions")
        )
        self._complete = complete
        if increases is None:
            return {}
        found = _totals(increases, [table["oid"] for table in tables])
        for oid, name in ((each["oid"], each["name"]) for each in tables[:SHOWN_TABLES]):
            found[f"table.{name}.seq_scans_per_s"] = increases.rate(("seq_scan", oid))
            found[f"table.{name}.seq_tuples_per_s"] = increases.rate(("seq_tup_read", oid))
            found[f"table.{name}.index_scans_per_s"] = increases.rate(("idx_scan", oid))
            found[f"table.{name}.index_tuples_per_s"] = increases.rate(("idx_tup_fetch", oid))
            found[f"table.{name}.rows_written_per_s"] = increases.rate(("written", oid))
        if facts["statements"] is not None:
            found.update(_statements(increases, [each["id"] for each in statements]))
        return found


def _totals(increases: Increases[Key], tables: Collection[str]) -> dict[str, float]:
    def rate(what: str, *of: str) -> float:
        return increases.rate(*((what, each) for each in of))

    hits, reads = rate("hit", *tables), rate("read", *tables)
    found = {
        # The statement that asked is a transaction too.
        "transactions_per_s": max(rate("database", "transactions") - 1 / increases.seconds, 0.0),
        "rollbacks_per_s": rate("database", "rollbacks"),
        "deadlocks_per_s": rate("database", "deadlocks"),
        "temp_bytes_per_s": rate("database", "temp_bytes"),
        "seq_scans_per_s": rate("seq_scan", *tables),
        "seq_tuples_per_s": rate("seq_tup_read", *tables),
        "index_scans_per_s": rate("idx_scan", *tables),
        "rows_written_per_s": rate("written", *tables),
        "blocks_per_s": hits + reads,
        "blocks_read_per_s": reads,
    }
    if hits + reads > 0:
        found["cache_hit_ratio"] = hits / (hits + reads)
    return found


def _statements(increases: Increases[Key], ids: list[str]) -> dict[str, float]:
    found = {"statements_per_s": increases.rate(*(("calls", each) for each in ids))}
    means = [
        increases.by["total_ms", each] / increases.by["calls", each]
        for each in ids
        if increases.by["calls", each] > 0
    ]
    if means:  # the mean time of the statement whose mean is the largest, just now
        found["slowest_statement_ms"] = max(means)
    return found

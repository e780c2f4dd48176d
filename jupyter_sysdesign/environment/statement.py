"""Runs one SQL statement for a learner or the grader and returns JSON values."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import decimal
import ipaddress
import math
import re
import time
import uuid
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import errors as pg
from psycopg.adapt import Loader
from psycopg.pq import Format
from psycopg.types.string import TextLoader

from jupyter_sysdesign.environment import sql_script
from jupyter_sysdesign.environment.sql_errors import answers, is_beyond, is_end, is_no_room, said
from jupyter_sysdesign.environment.status import SqlResult
from jupyter_sysdesign.errors import InvalidRequestError, ResourceError, SqlError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg.abc import AdaptContext, Buffer

_CONNECT_TIMEOUT_S = 5
_STATEMENT_TIMEOUT_S = 60
# The server's own limit does not come while the server is frozen.
_PATIENCE_S = _STATEMENT_TIMEOUT_S + 10
_CHUNK = 100
_LONGEST_CELL = 10_000
_EXPLAIN = "EXPLAIN (ANALYZE, BUFFERS, SETTINGS, FORMAT JSON) "
#: What begins so may return any number of rows; it changes something only if it says so.
_READS = frozenset({"select", "values", "table", "with"})
#: A ``SELECT`` that has this makes a table instead of returning rows, and a stream wants some.
_MAKES = frozenset({"into"})
#: A ``WITH`` that has one of these may return none, either.
_CHANGES = _MAKES | {"insert", "update", "delete", "merge"}
_HALVES = re.compile("[\ud800-\udfff]")

#: Kinds of values of which PostgreSQL has some that Python has not: ``infinity``, 44 BC, 24:00.
_TIMES = ("date", "timestamp", "timestamptz", "time", "timetz")
_LARGEST_INTEGER = 2**63
#: Digits behind the point that somebody may have stored; quotients have more, and are rounded.
_STORED_DIGITS = 6

Connection = psycopg.AsyncConnection[tuple[Any, ...]]


class _TimeLoader(Loader):
    """Reads a date or time; one that Python cannot have stays as PostgreSQL writes it."""

    def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
        super().__init__(oid, context)
        usual = psycopg.adapters.get_loader(oid, Format.TEXT)
        assert usual is not None  # noqa: S101 (psycopg has one for each of _TIMES)
        self._usual = usual(oid, context)

    def load(self, data: Buffer) -> object:
        try:
            return self._usual.load(data)
        except psycopg.DataError:
            return bytes(data).decode()


async def execute(
    dsn: str,
    statement: str,
    *,
    parameters: Sequence[Any] = (),
    max_rows: int = 200,
    explain: bool = False,
) -> SqlResult:
    """Run ``statement``; with ``explain``, run it under EXPLAIN ANALYZE and roll it back.

    Raises:
        InvalidRequestError: what it does would be over with the session, which is its own.
        SqlError: PostgreSQL refuses it, or it took longer than a minute.
        ResourceError: the database has no room.
        UnavailableError: the database does not answer, or ended meanwhile.
    """
    first = _first(statement)
    if first is not None and first.lasts_a_session:
        raise InvalidRequestError(
            "This would be over as soon as it is run: each statement has a session of its own here",
            hint="`sysdesign console` (in JupyterLab: Talk to the Database) keeps one session.",
        )
    sent = _EXPLAIN + statement if explain else statement
    try:
        return await asyncio.wait_for(
            _execute(dsn, statement, parameters, max_rows, explain), _PATIENCE_S
        )
    except asyncio.TimeoutError:
        raise UnavailableError("The database does not answer; is it paused?") from None
    except pg.QueryCanceled as error:
        raise SqlError(
            f"{said(error)} (it ran for more than {_STATEMENT_TIMEOUT_S} s)",
            hint="Add a WHERE clause or a LIMIT.",
        ) from error
    except psycopg.Error as error:
        if is_no_room(error):
            raise ResourceError(said(error)) from error
        if is_beyond(error) or (is_end(error) and not await answers(dsn)):
            raise UnavailableError(f"The database does not answer: {said(error)}") from error
        raise SqlError(_located(error, sent), hint=error.diag.message_hint or "") from error


async def _execute(
    dsn: str, statement: str, parameters: Sequence[Any], max_rows: int, explain: bool
) -> SqlResult:
    options = f"-c statement_timeout={_STATEMENT_TIMEOUT_S}s"
    async with await psycopg.AsyncConnection.connect(
        dsn, autocommit=True, connect_timeout=_CONNECT_TIMEOUT_S, options=options
    ) as connection:
        for name in _TIMES:
            connection.adapters.register_loader(name, _TimeLoader)
        connection.adapters.register_loader("interval", TextLoader)  # a month has no length
        bound = list(parameters) or None
        began = time.perf_counter()
        if explain:
            plan = await _explain(connection, statement, bound)
            return _result([], [], None, began, plan=plan)
        return await _fetch(connection, statement, bound, max_rows, began)


async def _explain(
    connection: Connection, statement: str, parameters: list[Any] | None
) -> dict[str, object]:
    async with connection.transaction(force_rollback=True):
        # One statement only, so that none of it can end the transaction before the rollback.
        found = await connection.execute(_one(_EXPLAIN + statement), parameters, prepare=True)
        row = await found.fetchone()
    document = row[0][0] if row else {}
    return dict(document)


async def _fetch(
    connection: Connection,
    statement: str,
    parameters: list[Any] | None,
    max_rows: int,
    began: float,
) -> SqlResult:
    query, first = _one(statement), _first(statement)
    rows: list[list[object]] = []
    truncated = False
    async with connection.cursor() as cursor:
        if first is None or not _is_read(first):
            # Prepared: PostgreSQL then takes one statement only.
            await cursor.execute(query, parameters, prepare=True)
            if cursor.description is None:
                return _result([], [], max(cursor.rowcount, 0), began)
            found = await cursor.fetchmany(max_rows + 1)
            rows = [[_cell(value) for value in row] for row in found[:max_rows]]
            truncated = len(found) > max_rows
        else:
            # Streamed: nobody keeps a million rows to show two hundred.
            stream = cursor.stream(query, parameters, size=_CHUNK)
            async with contextlib.aclosing(stream):  # type: ignore[type-var]  # a generator
                async for row in stream:
                    if len(rows) == max_rows:
                        truncated = True
                        break
                    rows.append([_cell(value) for value in row])
        columns = _names(cursor)
    if not columns and first is not None:
        columns = await _columns(connection, first.text.encode(), parameters)
    return _result(columns, rows, None, began, truncated=truncated)


def _first(statement: str) -> sql_script.Statement | None:
    """Return the first of what should be one; None where PostgreSQL says what is wrong with it."""
    with contextlib.suppress(sql_script.ScriptError):
        return next(iter(sql_script.split(statement)), None)
    return None


def _is_read(statement: sql_script.Statement) -> bool:
    if not statement.words or statement.words[0] not in _READS:
        return False
    return (_CHANGES if statement.words[0] == "with" else _MAKES).isdisjoint(statement.words)


def _names(cursor: psycopg.AsyncCursor[tuple[Any, ...]]) -> list[str]:
    return [column.name for column in cursor.description or ()]


async def _columns(connection: Connection, query: bytes, parameters: list[Any] | None) -> list[str]:
    """Return what a stream does not say that found nothing; runs none of it again."""
    empty = b"SELECT * FROM (" + query + b"\n) AS nothing LIMIT 0"
    with contextlib.suppress(psycopg.Error):  # one that changes something cannot stand there
        return _names(await connection.execute(empty, parameters))
    return []


def _one(statement: str) -> bytes:
    return statement.strip().rstrip(";").encode()


def _result(
    columns: list[str],
    rows: list[list[object]],
    count: int | None,
    began: float,
    *,
    truncated: bool = False,
    plan: dict[str, object] | None = None,
) -> SqlResult:
    return SqlResult(
        columns=columns,
        rows=rows,
        row_count=len(rows) if count is None else count,
        truncated=truncated,
        plan=plan,
        duration_ms=(time.perf_counter() - began) * 1000,
    )


def _decimal(value: decimal.Decimal) -> object:
    if not value.is_finite():
        return str(value)
    if abs(value) < _LARGEST_INTEGER:
        if value == value.to_integral_value():
            return int(value)
        near, stored = float(value), value == round(value, _STORED_DIGITS)
        if decimal.Decimal(repr(near)) == value or (near and not stored):
            return near
    return _short(f"{value:f}")


def _cell(value: Any) -> object:
    """Return a value as JSON has it: what has no counterpart becomes the text psql would show."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, decimal.Decimal):
        return _decimal(value)
    if isinstance(value, list | tuple):
        return [_cell(each) for each in value]
    if isinstance(value, dict):
        return {_sayable(str(name)): _cell(each) for name, each in value.items()}
    if isinstance(value, bytes | bytearray | memoryview):
        text = "\\x" + bytes(value).hex()
    elif isinstance(value, dt.date | dt.time):
        text = value.isoformat()
    elif isinstance(value, uuid.UUID | ipaddress.IPv4Address):
        text = str(value)
    else:
        text = _sayable(str(value))
    return _short(text)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_CELL else text[:_LONGEST_CELL] + " …"


def _sayable(text: str) -> str:
    """Return what an answer can carry: JSON in a database may hold half of a surrogate pair."""
    return _HALVES.sub("\N{REPLACEMENT CHARACTER}", text)


def _located(error: psycopg.Error, statement: str) -> str:
    position = error.diag.statement_position
    if position is None or "\n" not in statement.strip():
        return said(error)
    line = statement[: int(position) - 1].count("\n") + 1
    return f"line {line}: {said(error)}"

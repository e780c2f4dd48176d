"""Whose an error of PostgreSQL is: the statement's, or the machine's.

A program in the database raises whatever SQLSTATE and words it likes, and may end its own session.
What it cannot choose is where in PostgreSQL's source an error comes from, and that the server is
gone: by these it is judged.
"""

from __future__ import annotations

import psycopg
from psycopg import errors as pg

_RAISE = "exec_stmt_raise"  # PL/pgSQL's RAISE
_OUT_OF_LOCKS = "out of shared memory"
_IO_ERROR, _CRASH, _NOT_YET = "58030", "57P02", "57P03"
_CONNECT_TIMEOUT_S = 5


def is_no_room(error: psycopg.Error) -> bool:
    """Tell whether the machine has no room; too many locks are the statement's own doing."""
    full = isinstance(error, (pg.DiskFull, pg.OutOfMemory)) and not _is_raised(error)
    return full and error.diag.message_primary != _OUT_OF_LOCKS


def is_beyond(error: psycopg.Error) -> bool:
    """Tell whether the server could not go on, whatever the statement was."""
    if error.sqlstate is None:
        return isinstance(error, psycopg.OperationalError)
    return error.sqlstate in (_IO_ERROR, _CRASH, _NOT_YET) and not _is_raised(error)


def is_end(error: psycopg.Error) -> bool:
    """Tell whether the session ended with it: the server's end, if that does not answer either."""
    return error.diag.severity_nonlocalized in ("FATAL", "PANIC")


def is_wrong_anywhere(error: psycopg.Error) -> bool:
    """Tell whether a statement is wrong as it is written, whatever rows it meets."""
    return (error.sqlstate or "").startswith("42") and not _is_raised(error)


async def answers(dsn: str) -> bool:
    """Tell whether the server gives a session."""
    try:
        async with await psycopg.AsyncConnection.connect(dsn, connect_timeout=_CONNECT_TIMEOUT_S):
            return True
    except psycopg.OperationalError:
        return False


def said(error: psycopg.Error) -> str:
    """Return PostgreSQL's own words."""
    parts = [error.diag.message_primary, error.diag.message_detail]
    return " ".join(part for part in parts if part) or str(error).strip()


def _is_raised(error: psycopg.Error) -> bool:
    return error.diag.source_function == _RAISE

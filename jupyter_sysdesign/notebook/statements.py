"""``lesson.sql`` and ``lesson.explain``: one statement against the environment's database."""

from __future__ import annotations

import contextlib
import json
import re
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.environment import sql_script
from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.notebook.explain import Plan
from jupyter_sysdesign.notebook.rendering import sql as rendering
from jupyter_sysdesign.notebook.starting import ensure_running

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jupyter_sysdesign.environment.status import SqlResult
    from jupyter_sysdesign.notebook.connection import Connection

_COMMENT = r"(?: --[^\n]*(?:\n|\Z) | /\* (?:(?!\*/).)* \*/ )"
_SPACE = rf"(?: \s | {_COMMENT} )*"
_EXPLAIN = re.compile(
    rf"""EXPLAIN \b {_SPACE}
    (?: \( (?! {_SPACE} (?:SELECT|WITH|VALUES|TABLE) \b )
        (?P<options> (?: {_COMMENT} | (?!--|/\*)[^()] )* ) \)
      | (?P<words> (?: (?:ANALYZE|ANALYSE|VERBOSE) \b {_SPACE} )* ) )
    {_SPACE} (?P<rest> .+ )""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_COMMENTS = re.compile(_COMMENT, re.VERBOSE | re.DOTALL)
_ANALYZE = re.compile(r"""\bANALY[ZS]E\b(?!\s*=?\s*['"]?(?:FALSE|OFF|0)\b)""", re.IGNORECASE)


class Table:
    """The result of a statement.

    Attributes:
        statement: what was run.
        result: everything, as it stands in the API.
    """

    def __init__(self, result: SqlResult, statement: str) -> None:
        self.result = result
        self.statement = statement

    @property
    def columns(self) -> list[str]:
        """Return the column names."""
        return self.result.columns

    @property
    def rows(self) -> list[list[Any]]:
        """Return the rows that were fetched."""
        return self.result.rows

    @property
    def truncated(self) -> bool:
        """Tell whether there are more rows than were fetched."""
        return self.result.truncated

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (dict(zip(self.columns, row, strict=True)) for row in self.rows)

    def __repr__(self) -> str:
        return rendering.as_text(self.result)

    def _repr_html_(self) -> str:
        return rendering.as_html(self.result, self.statement)


def sql(
    connection: Connection, statement: str, *, parameters: Sequence[Any] = (), max_rows: int = 200
) -> Table | Plan:
    """Run a statement; one that begins with EXPLAIN gives a plan.

    Raises:
        SqlError: PostgreSQL refused it.
        InvalidRequestError: no statement, one that would end with its session (SET, BEGIN), or
            parameters that are no list.
    """
    _check(statement)
    asked = _asked(statement)
    if asked is not None:
        options = _COMMENTS.sub(" ", f"{asked['options'] or ''} {asked['words'] or ''}")
        if _ANALYZE.search(options):
            return explain(connection, asked["rest"], parameters=parameters)
        return _estimate(connection, asked["rest"], parameters)
    ensure_running(connection)
    result = connection.client.sql(
        connection.environment, statement, max_rows=max_rows, parameters=parameters
    )
    return Table(result, statement)


def explain(connection: Connection, statement: str, *, parameters: Sequence[Any] = ()) -> Plan:
    """Run a statement, roll it back, and return how PostgreSQL went about it.

    Raises:
        SqlError: PostgreSQL refused it.
        InvalidRequestError: no statement, or parameters that are no list.
    """
    _check(statement)
    asked = _asked(statement)
    if asked is not None:  # people write it out of habit
        statement = asked["rest"]
    ensure_running(connection)
    result = connection.client.sql(
        connection.environment, statement, explain=True, parameters=parameters
    )
    return Plan(result.plan, statement)


def _estimate(connection: Connection, statement: str, parameters: Sequence[Any]) -> Plan:
    ensure_running(connection)
    result = connection.client.sql(
        connection.environment, f"EXPLAIN (FORMAT JSON) {statement}", parameters=parameters
    )
    document = result.rows[0][0]
    return Plan(json.loads(document) if isinstance(document, str) else document, statement)


def _asked(statement: str) -> re.Match[str] | None:
    """Return the parts of a statement that begins with EXPLAIN, whatever is said before it."""
    with contextlib.suppress(sql_script.ScriptError, ValueError):
        (only,) = sql_script.split(statement)  # PostgreSQL refuses what is none, or several
        return _EXPLAIN.fullmatch(only.text)
    return None


def _check(statement: object) -> None:
    if not isinstance(statement, str) or not statement.strip():
        raise InvalidRequestError(
            "There is no statement to run.", hint='For example lesson.sql("SELECT 1").'
        )

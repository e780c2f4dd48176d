"""Finds what the live schema has that pristine plus migrations would not have, and the reverse.

The expected side is made in a scratch database on the same server: the pristine schema without rows
(every template carries one), with the applied migrations run again. It is remembered per set of
migrations, in a table of the superuser's. Grants, comments and rows are not compared.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import logging
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from jupyter_sysdesign.environment import migrations
from jupyter_sysdesign.environment.schema_catalog import SETTINGS, read_schema
from jupyter_sysdesign.environment.services.postgres_files import (
    EXPECTED_DATABASE,
    PRISTINE_DATABASE,
)
from jupyter_sysdesign.environment.sql_errors import is_wrong_anywhere
from jupyter_sysdesign.environment.status import Drift
from jupyter_sysdesign.environment.threads import in_thread
from jupyter_sysdesign.errors import InvalidFileError, SysdesignError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

log = logging.getLogger(__name__)

_CONNECT_TIMEOUT_S = 5
#: For whoever compares just now.
_PATIENCE_S = 60
_SCRATCH = 7_203_115  # names a lock; any number that nobody else takes
_TYPED = "not in migrations/"
_MISSING = "not in the database"

Objects = dict[str, str]


class SchemaDrift:
    """The comparison for one database."""

    def __init__(self, *, admin: str, expected_admin: str, expected_app: str, owner: str) -> None:
        """Take libpq URLs: ``admin`` of the live database, the others of the scratch one."""
        self._admin = admin
        self._expected_admin = expected_admin
        self._expected_app = expected_app
        self._owner = owner

    async def find(self) -> Drift:
        """Return the differences, sorted.

        Raises:
            UnavailableError: the database does not answer, or the migrations do not run on an
                empty copy, so that there is nothing to compare with.
        """
        try:
            async with await _connect(self._admin) as admin:
                found = await admin.execute(
                    "SELECT name, script FROM sysdesign.migrations WHERE state = 'applied' "
                    "ORDER BY position"
                )
                scripts = await in_thread(_parsed, await found.fetchall())
                expected = await self._expected(admin, scripts)
                live = await read_schema(admin)
                settings = await (await admin.execute(SETTINGS)).fetchall()
        except psycopg.OperationalError as error:
            raise UnavailableError(f"The database does not answer: {error}") from error
        except psycopg.Error as error:
            raise UnavailableError(f"The schemas cannot be compared: {error}") from error
        except InvalidFileError as error:
            raise UnavailableError(f"Cannot tell what the schema should be: {error}") from error
        differences = [*compare(expected, live), *_settings(settings, scripts)]
        return Drift(drifted=bool(differences), differences=differences)

    async def _expected(
        self, admin: psycopg.AsyncConnection[Any], scripts: Sequence[migrations.Script]
    ) -> Objects:
        applied = json.dumps([[each.name, each.sha256] for each in scripts])
        key = hashlib.sha256(applied.encode()).hexdigest()
        await _wait_for_turn(admin)  # who comes second finds what the first one remembered
        found = await admin.execute(
            "SELECT objects FROM sysdesign.expected_schema WHERE migrations = %s", [key]
        )
        row = await found.fetchone()
        if row:
            return dict(row[0])
        objects = await self._replay(admin, scripts)
        await admin.execute(
            "INSERT INTO sysdesign.expected_schema VALUES (%s, %s) ON CONFLICT DO NOTHING",
            [key, json.dumps(objects)],
        )
        return objects

    async def rehearse(self, scripts: Sequence[migrations.Script]) -> None:
        """Run ``scripts`` where there are no rows, and undo it all.

        What cannot be tried so passes: from the first that fits into no transaction on, and what
        rows may be to blame for.

        Raises:
            InvalidFileError: one would be refused on any rows; with its line.
        """
        try:
            async with await _connect(self._admin) as admin:
                await _wait_for_turn(admin)
                async with (
                    self._scratch(admin),
                    await _connect(self._expected_app) as app,
                    app.transaction(force_rollback=True),
                ):
                    for script in itertools.takewhile(lambda one: one.in_transaction, scripts):
                        await migrations.run(script, app)
                        for forget in ("RESET ALL", "DISCARD TEMP", "DEALLOCATE ALL"):
                            await app.execute(forget)
        except InvalidFileError as error:
            cause = error.__cause__
            if isinstance(cause, psycopg.Error) and is_wrong_anywhere(cause):
                raise
        except (SysdesignError, psycopg.Error) as error:
            log.info("not rehearsed: %s", error)

    @contextlib.asynccontextmanager
    async def _scratch(self, admin: psycopg.AsyncConnection[Any]) -> AsyncIterator[None]:
        """Have the pristine schema without rows in the scratch database."""
        scratch = sql.Identifier(EXPECTED_DATABASE)
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(scratch)
        await admin.execute(drop)
        await admin.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY wal_log").format(
                scratch, sql.Identifier(self._owner), sql.Identifier(PRISTINE_DATABASE)
            )
        )
        try:
            yield
        finally:
            await admin.execute(drop)

    async def _replay(
        self, admin: psycopg.AsyncConnection[Any], scripts: Sequence[migrations.Script]
    ) -> Objects:
        async with self._scratch(admin):
            for script in scripts:
                async with await _connect(self._expected_app) as app:
                    if script.in_transaction:
                        async with app.transaction():
                            await migrations.run(script, app)
                    else:
                        await migrations.run(script, app)
            async with await _connect(self._expected_admin) as expected:
                return await read_schema(expected)


def _parsed(applied: Sequence[Any]) -> list[migrations.Script]:
    return [migrations.parse(name, text) for name, text in applied]


def compare(expected: Mapping[str, str], live: Mapping[str, str]) -> list[str]:
    """Return one line per object that differs; parts of a new or lost table are not told apart."""
    lines = []
    for name in sorted({*expected, *live}):
        if expected.get(name) == live.get(name):
            continue
        whole = name.partition(" of ")[2]  # "column a of table public.t" → "table public.t"
        if name not in expected:
            if not whole or whole in expected:
                lines.append(f"+ {_show(name, live[name])} ({_TYPED})")
        elif name not in live:
            if not whole or whole in live:
                lines.append(f"- {_show(name, expected[name])} ({_MISSING})")
        else:
            was, now = _one_line(expected[name]), _one_line(live[name])
            lines.append(f"~ {name}: {now} ({_TYPED}; expected: {was})")
    return lines


def _show(name: str, definition: str) -> str:
    definition = _one_line(definition)
    return definition if definition.upper().startswith("CREATE ") else f"{name}: {definition}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _settings(found: Sequence[Any], scripts: Sequence[migrations.Script]) -> list[str]:
    """Return settings stored for the database or the role that no migration speaks of.

    They belong to the whole server, so a scratch database cannot show them.
    """
    written = "\n".join(each.text for each in scripts).lower()
    lines = []
    for scope, setting in found:
        name = setting.partition("=")[0].lower()
        if name not in written:
            lines.append(f"+ ALTER {scope} SET {setting} ({_TYPED})")
    return sorted(lines)


async def _wait_for_turn(admin: psycopg.AsyncConnection[Any]) -> None:
    """Be the only one with the scratch database, for as long as the session lasts."""
    await admin.execute(f"SET lock_timeout = '{_PATIENCE_S}s'")
    await admin.execute("SELECT pg_advisory_lock(%s)", [_SCRATCH])


async def _connect(dsn: str) -> psycopg.AsyncConnection[Any]:
    return await psycopg.AsyncConnection.connect(
        dsn, autocommit=True, connect_timeout=_CONNECT_TIMEOUT_S
    )

"""The learner's ``migrations/*.sql``: applied in order, each file once, in one transaction.

Files run as the application's role. What was applied is recorded by the superuser in a table the
application's role cannot write. Two sessions cannot commit together, so the record comes first,
with the id of the file's transaction: after a crash PostgreSQL itself tells whether that
transaction was committed (``pg_xact_status``).
"""

from __future__ import annotations

import errno
import hashlib
import re
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import errors as pg

from jupyter_sysdesign import file_names
from jupyter_sysdesign.environment import sql_script
from jupyter_sysdesign.environment.sql_errors import answers, is_beyond, is_end, is_no_room, said
from jupyter_sysdesign.environment.status import Migration
from jupyter_sysdesign.environment.threads import in_thread
from jupyter_sysdesign.errors import (
    ConflictError,
    InvalidFileError,
    ResourceError,
    UnavailableError,
    not_utf8,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterator, Sequence
    from pathlib import Path

FOLDER = "migrations"

_NO_TRANSACTION = re.compile(r"\s*--\s*no-transaction\b")
_LOCK_KEY = 7_303_014_201_118  # any number: advisory locks of ours only
_APPLY_OPTIONS = "-c lock_timeout=10s -c client_min_messages=warning"
_CONNECT_TIMEOUT_S = 5
_MOST_BYTES = 32 << 20  # the database keeps the text as well
_EXISTS = (pg.DuplicateTable, pg.DuplicateObject, pg.DuplicateColumn, pg.DuplicateFunction)

Connection = psycopg.AsyncConnection[Any]
Names = list[str]
States = list[Migration]


@dataclass(frozen=True)
class Script:
    """One file, read and split."""

    name: str
    text: str
    statements: tuple[sql_script.Statement, ...]
    in_transaction: bool

    @property
    def shown(self) -> str:
        """Return the path as the learner knows it."""
        return f"{FOLDER}/{self.name}"

    @property
    def sha256(self) -> str:
        """Return the hash that tells whether the file changed."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True)
class Record:
    """One applied file, as the database remembers it; ``applying``: cut short, outcome unknown."""

    name: str
    sha256: str
    script: str
    state: str


class Migrations:
    """The migrations of one database."""

    def __init__(self, folder: Path, *, app: str, admin: str) -> None:
        """Read files from ``folder``; ``app`` and ``admin`` are libpq URLs of the two roles."""
        self._folder = folder
        self._app = app
        self._admin = admin

    async def list(self) -> list[Migration]:
        """Return the state of every file, in order; of an applied one that is gone as well.

        Raises:
            UnavailableError: the database does not answer.
        """
        async with self._recording() as admin:
            return await in_thread(self._states, await _records(admin))

    async def must_replay(self) -> str:
        """Return why pristine data must be restored before ``apply``; empty when it need not be."""
        async with self._recording() as admin:
            return await in_thread(self._must_replay, await _records(admin))

    async def apply(self) -> Names:
        """Apply the pending files in order and return their names.

        A file that fails leaves nothing of itself; the files before it stay applied.

        Raises:
            InvalidFileError: a file is refused by PostgreSQL or cannot be read; with its line.
            ResourceError: the machine has no room for what one does.
            ConflictError: ``must_replay`` has a reason, or another ``apply`` is under way.
            UnavailableError: the database does not answer, or ended meanwhile; a disk is broken.
        """
        async with self._recording() as admin:
            locked = await admin.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK_KEY])
            if not (await locked.fetchone() or [False])[0]:
                raise ConflictError("Migrations are being applied already")
            records = await _records(admin)
            reason = await in_thread(self._must_replay, records)
            if reason:
                raise ConflictError(reason, hint="Restore the pristine data, then apply again.")
            scripts = await in_thread(self._read_all, {each.name for each in records})
            for script in scripts:
                await self._apply(script, admin)
            return [each.name for each in scripts]

    def read(self) -> Sequence[Script]:
        """Return all files in order, split into statements; needs no database.

        Raises:
            InvalidFileError: one cannot be split, or holds what no migration may; with its line.
        """
        return self._read_all()

    def _read_all(self, known: Collection[str] = ()) -> Sequence[Script]:
        return [self._read(name) for name in self._names() if name not in known]

    def _names(self) -> Names:
        if not self._folder.is_dir():
            return []
        files = [each.name for each in self._folder.glob("*.sql") if each.is_file()]
        found = sorted(name for name in files if not name.startswith("."))
        for name in found:
            if not file_names.is_text(name):
                shown = f"{FOLDER}/{file_names.shown(name)}"
                raise InvalidFileError("its name is not UTF-8 text", file=shown)
        return found

    def _sha256(self, name: str) -> str:
        try:
            return self._read_text(name)[1]
        except InvalidFileError:
            return ""

    def _read_text(self, name: str) -> tuple[str, str]:
        shown = f"{FOLDER}/{name}"
        try:
            path = self._folder / name
            if path.stat().st_size > _MOST_BYTES:
                size = f"larger than {_MOST_BYTES >> 20} MiB"
                raise InvalidFileError(size, file=shown, hint="Have SQL generate what it fills in.")
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise not_utf8(error, shown) from error
        except OSError as error:
            why = error.strerror or str(error)
            if error.errno == errno.EIO:
                raise UnavailableError(f"{shown} cannot be read: {why}") from error
            raise InvalidFileError(why, file=shown) from error
        if "\0" in text:
            line = text[: text.index("\0")].count("\n") + 1
            raise InvalidFileError("a zero byte, which no text has", file=shown, line=line)
        return text, hashlib.sha256(text.encode()).hexdigest()

    def _read(self, name: str) -> Script:
        text, _ = self._read_text(name)
        return parse(name, text)

    def _states(self, records: Sequence[Record]) -> States:
        names = self._names()
        applied = {each.name: each for each in records}
        states: States = []
        for name in sorted({*names, *applied}):
            record = applied.get(name)
            if record is None:
                state = "pending"
            elif name not in names:
                state = "removed"
            else:
                unchanged = record.state == "applied" and self._sha256(name) == record.sha256
                state = "applied" if unchanged else "changed"
            states.append(Migration(name=name, state=state))
        return states

    def _must_replay(self, records: Sequence[Record]) -> str:
        names = self._names()
        for each in records:
            if each.state == "applying":
                return f"{each.name} was cut short while it was applied"
            if each.name not in names:
                return f"{each.name} was applied and is gone now"
            if self._sha256(each.name) != each.sha256:
                return f"{each.name} changed after it was applied"
        known = {each.name for each in records}
        last = max(known, default="")
        for name in names:
            if name not in known and name < last:
                return f"{name} comes before {last}, which is applied already"
        return ""

    async def _apply(self, script: Script, admin: Connection) -> None:
        try:
            opened = await _connect(self._app, options=_APPLY_OPTIONS)
        except psycopg.OperationalError as error:
            raise UnavailableError(
                f"The database does not let us in to apply {script.shown}: {said(error)}",
                hint="Was a password, a setting or a right changed? Reset the environment, and "
                "apply again.",
            ) from error
        try:
            async with opened as app:
                await _clear(script, app)
                if script.in_transaction:
                    await _run_in_transaction(script, app, admin)
                else:
                    await _run_alone(script, app, admin)
        except psycopg.Error as error:
            if is_end(error) and not is_beyond(error) and await answers(self._admin):
                raise InvalidFileError(said(error), file=script.shown) from error
            raise UnavailableError(
                f"The database went away while {script.shown} was applied ({said(error)})"
            ) from error

    @asynccontextmanager
    async def _recording(self) -> AsyncIterator[Connection]:
        """Yield a superuser's session in which all records of the past are settled."""
        try:
            admin = await _connect(self._admin)
        except psycopg.OperationalError as error:
            raise UnavailableError(f"The database does not answer: {said(error)}") from error
        async with admin:
            with _recorded():
                await admin.execute(_SETTLE)
            yield admin


#: What says that nothing of a file came about.
_REFUSED = (InvalidFileError, ResourceError)

# A record without an outcome: its transaction's fate decides; one still running stays as it is.
_SETTLE = """
WITH settled AS (
  UPDATE sysdesign.migrations SET state = 'applied'
  WHERE state = 'applying' AND xid IS NOT NULL AND pg_xact_status(xid) = 'committed'
)
DELETE FROM sysdesign.migrations
WHERE state = 'applying' AND xid IS NOT NULL AND pg_xact_status(xid) = 'aborted'
"""

# What CREATE INDEX CONCURRENTLY leaves when it fails is of no use, and in the way of the next one.
# What is being built looks the same; an index ON ONLY a partitioned table waits for its parts.
_UNFINISHED = """
SELECT format('DROP INDEX %s', indexrelid::regclass)
FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
WHERE NOT indisvalid AND relkind = 'i' AND relowner = current_user::regrole
  AND relnamespace <> 'pg_toast'::regnamespace
  AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index WHERE index_relid = indexrelid)
"""


def parse(name: str, text: str) -> Script:
    """Split one migration and check what can be checked without a database.

    Raises:
        InvalidFileError: with the line.
    """
    shown = f"{FOLDER}/{name}"
    try:
        statements = sql_script.split(text)
    except sql_script.ScriptError as error:
        raise InvalidFileError(str(error), file=shown, line=error.line) from error
    in_transaction = not _NO_TRANSACTION.match(text)
    if not in_transaction and len(statements) > 1:
        raise InvalidFileError(
            "a file that begins with -- no-transaction holds one statement",
            file=shown,
            line=statements[1].line,
            hint="Put the other statements into a file of their own.",
        )
    for each in statements:
        if each.controls_transaction:
            raise InvalidFileError(
                f"{each.words[0].upper()} is not needed: the whole file is one transaction",
                file=shown,
                line=each.line,
                hint="Remove it. For statements that cannot run inside a transaction, begin the "
                "file with -- no-transaction.",
            )
        if each.shuts_out:
            raise InvalidFileError(
                f"{each.shuts_out} would shut out the system itself, which has this database's "
                "migrations and checks to do",
                file=shown,
                line=each.line,
                hint="Leave passwords and the right to connect as they are.",
            )
    return Script(name, text, tuple(statements), in_transaction)


async def run(script: Script, connection: Connection) -> None:
    """Run the statements of ``script`` one after the other.

    Raises:
        InvalidFileError: PostgreSQL refused one; with the line.
        ResourceError: the machine has no room for what one does.
        UnavailableError: the database cannot go on.
        psycopg.Error: the connection broke.
    """
    for statement in script.statements:
        await _execute(statement, script, connection)


async def _execute(statement: sql_script.Statement, script: Script, connection: Connection) -> None:
    with _refusals(script, connection, statement):
        await connection.execute(statement.text.encode())


@contextmanager
def _refusals(
    script: Script, connection: Connection, statement: sql_script.Statement | None = None
) -> Iterator[None]:
    """Lay what PostgreSQL refuses within to the file, but not the loss of the connection."""
    try:
        yield
    except psycopg.Error as error:
        if connection.broken or is_end(error):
            raise
        if is_no_room(error):
            raise ResourceError(f"No room to apply {script.shown}: {said(error)}") from error
        if is_beyond(error):
            why = f"The database cannot apply {script.shown}: {said(error)}"
            raise UnavailableError(why) from error
        place = error.diag.statement_position
        line = statement.line_at(int(place) if place else None) if statement else None
        raise InvalidFileError(
            said(error), file=script.shown, line=line, hint=_hint(error)
        ) from error


async def _clear(script: Script, app: Connection) -> None:
    """Drop the indexes that were not finished."""
    with _refusals(script, app):
        for (drop,) in await (await app.execute(_UNFINISHED)).fetchall():
            await app.execute(drop)


async def _run_in_transaction(script: Script, app: Connection, admin: Connection) -> None:
    try:
        with _refusals(script, app):  # the COMMIT checks what is deferred
            async with app.transaction():
                found = await (await app.execute("SELECT pg_current_xact_id()::text")).fetchone()
                await _record(admin, script, found[0] if found else None)
                await run(script, app)
    except _REFUSED:
        await _forget(admin, script)  # PostgreSQL may take a moment to end the transaction
        raise
    await _confirm(admin, script)


async def _run_alone(script: Script, app: Connection, admin: Connection) -> None:
    await app.set_autocommit(True)
    await _record(admin, script, None)
    try:
        await run(script, app)
    except _REFUSED:
        await _forget(admin, script)
        raise
    await _confirm(admin, script)


@contextmanager
def _recorded() -> Iterator[None]:
    """Say of what fails within that it was the record."""
    try:
        yield
    except psycopg.Error as error:
        raise UnavailableError(
            f"The database keeps no record of migrations: {said(error)}"
        ) from error


async def _record(admin: Connection, script: Script, xid: str | None) -> None:
    with _recorded():  # within the file's transaction, and not its mistake
        await admin.execute(
            "INSERT INTO sysdesign.migrations (name, sha256, script, state, xid) "
            "VALUES (%s, %s, %s, 'applying', %s::xid8)",
            [script.name, script.sha256, script.text, xid],
        )


async def _forget(admin: Connection, script: Script) -> None:
    with _recorded():
        await admin.execute("DELETE FROM sysdesign.migrations WHERE name = %s", [script.name])


async def _confirm(admin: Connection, script: Script) -> None:
    with _recorded():
        await admin.execute(
            "UPDATE sysdesign.migrations SET state = 'applied' WHERE name = %s", [script.name]
        )


async def _records(admin: Connection) -> list[Record]:
    found = await admin.execute(
        "SELECT name, sha256, script, state FROM sysdesign.migrations ORDER BY position"
    )
    return [Record(*row) for row in await found.fetchall()]


async def _connect(dsn: str, **options: Any) -> Connection:
    return await psycopg.AsyncConnection.connect(
        dsn, autocommit=True, connect_timeout=_CONNECT_TIMEOUT_S, **options
    )


def _hint(error: psycopg.Error) -> str:
    if error.diag.message_hint:
        return error.diag.message_hint
    if isinstance(error, _EXISTS):
        return "Was it typed into psql before? Reset the environment, then apply: the file does it."
    if isinstance(error, pg.LockNotAvailable):
        return "Another session holds a lock: end its transaction (in psql: ROLLBACK)."
    if isinstance(error, pg.ActiveSqlTransaction):
        return "Put it alone into a file that begins with -- no-transaction."
    return ""

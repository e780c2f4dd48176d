"""Faults of a database: locks, connections and passwords, taken and changed as anybody could."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal

import psycopg
from psycopg import sql
from pydantic import Field

from jupyter_sysdesign.environment.status import ServiceState
from jupyter_sysdesign.environment.tasks import end
from jupyter_sysdesign.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
)
from jupyter_sysdesign.faults.fault import Arguments, Fault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from jupyter_sysdesign.environment.passwords import Role
    from jupyter_sysdesign.environment.status import EnvironmentStatus, ServiceStatus

    Connection = psycopg.AsyncConnection[tuple[Any, ...]]

#: What a session of a fault calls itself in pg_stat_activity.
APPLICATION = "sysdesign fault"

_CONNECT_S = 5
_LOCK_MS = 5000
#: What becomes free is taken this soon.
_REFILL_S = 0.1
_HEARSAY_S = 0.1
_LOOKS, _LOOK_EVERY_S = 100, 0.02


class DatabaseFault(Fault[Any]):
    """What the faults of databases have in common."""

    target = "database"
    kinds = ("postgres",)

    def over(self, status: EnvironmentStatus) -> str:
        """It is over when the server is gone."""
        return server_gone(status, self.spot.service)

    def _dsn(self, role: Role, service: str | None = None) -> str:
        return self.spot.system.dsn(role, service or self.spot.service)

    async def _connect(self, role: Role = "app", service: str | None = None) -> Connection:
        return await psycopg.AsyncConnection.connect(
            self._dsn(role, service),
            autocommit=True,
            application_name=APPLICATION,
            connect_timeout=_CONNECT_S,
        )

    async def _until_ended(self, pids: list[int]) -> None:
        """Wait until the server has ended closed sessions; not for one that is frozen."""
        service = _service(self.spot.system.status, self.spot.service)
        if not pids or service.state is not ServiceState.READY:
            return
        async with self._asked(), await self._connect("admin") as admin:
            for _ in range(_LOOKS):
                found = await admin.execute(
                    "SELECT FROM pg_catalog.pg_stat_activity WHERE pid = ANY(%s)", (pids,)
                )
                if not found.rowcount:
                    return
                await asyncio.sleep(_LOOK_EVERY_S)

    @asynccontextmanager
    async def _asked(self) -> AsyncIterator[None]:
        """Say as a conflict why the server does not do what it is asked."""
        require_awake(self.spot.system.status, self.spot.service)
        try:
            yield
        except psycopg.OperationalError as error:
            raise ConflictError(f"{self.spot.service}: {_said(error)}") from error


class LockArguments(Arguments):
    """Arguments of ``hold-lock``."""

    table: str | None = Field(
        None, max_length=200, description="name, or schema.name; by default the largest table"
    )
    mode: Literal["ACCESS EXCLUSIVE", "EXCLUSIVE", "SHARE"] = Field(
        "ACCESS EXCLUSIVE",
        description="ACCESS EXCLUSIVE blocks readers and writers, the others writers only",
    )


class HoldLock(DatabaseFault):
    """A forgotten transaction."""

    id = "hold-lock"
    name = "Hold a lock"
    description = (
        "A session of the application's own role locks a table and stays idle in its transaction."
    )
    expect = (
        "Statements that need the table wait, holding their connections, until the pool is empty. "
        "pg_locks and pg_stat_activity show who waits for whom; ending that session ends it."
    )
    replica = False
    takes = LockArguments

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._connection: Connection | None = None
        self._watching: asyncio.Task[None] | None = None
        self._table = ""

    async def inject(self) -> None:
        """Lock the table; wait a few seconds for others that use it."""
        async with self._asked():
            connection = self._connection = await self._connect()
            try:
                table = await self._find(connection)
                await connection.execute(f"SET lock_timeout = {_LOCK_MS}")
                await connection.execute("BEGIN")
                await connection.execute(
                    sql.SQL("LOCK TABLE {} IN {} MODE").format(table, sql.SQL(self.arguments.mode))
                )
            except psycopg.errors.LockNotAvailable as error:
                raise ConflictError(
                    f"{self._table} is in use: no lock was granted within {_LOCK_MS // 1000} s",
                    hint="pg_stat_activity shows who has it.",
                ) from error
            except (psycopg.DataError, UnicodeError) as error:  # no text for a server
                raise InvalidRequestError("arguments.table: this cannot be a name") from error
            except psycopg.ProgrammingError as error:
                raise ConflictError(f"{self._table} cannot be locked: {_said(error)}") from error
        self._watching = asyncio.create_task(self._watch(connection), name="fault hold-lock")

    async def verify(self) -> str:
        """Look into pg_locks."""
        connection = self._connection
        pid = connection.info.backend_pid if connection else 0
        async with self._asked(), await self._connect("admin") as admin:
            found = await admin.execute(
                "SELECT mode FROM pg_catalog.pg_locks WHERE pid = %s AND granted"
                " AND locktype = 'relation' AND replace(mode, 'Lock', '') = %s",
                (pid, self.arguments.mode.title().replace(" ", "")),
            )
            row = await found.fetchone()
        if row is None:
            raise UnavailableError(f"pg_locks does not show the lock on {self._table}")
        return f"pg_locks shows {row[0]} on {self._table}, granted to process {pid}"

    async def recover(self) -> None:
        """End the session, and the lock with it."""
        pids = [each.info.backend_pid for each in (self._connection,) if each and not each.closed]
        await self.release()
        await self._until_ended(pids)

    async def release(self) -> None:
        """Close the session."""
        watching, self._watching = self._watching, None
        if watching is not None:
            await end(watching)
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _find(self, connection: Connection) -> sql.Identifier:
        given = self.arguments.table
        if given is None:
            found = await connection.execute(
                "SELECT n.nspname, c.relname FROM pg_catalog.pg_class c"
                " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                " WHERE c.relkind = 'r' AND n.nspname !~ '^(pg_|information_schema)'"
                " AND pg_catalog.pg_get_userbyid(c.relowner) = current_user"
                " ORDER BY pg_catalog.pg_table_size(c.oid) DESC, c.relname LIMIT 1"
            )
        else:
            schema, dot, name = given.rpartition(".")
            found = await connection.execute(
                "SELECT n.nspname, c.relname FROM pg_catalog.pg_class c"
                " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                " WHERE c.relkind IN ('r', 'p') AND n.nspname = %s AND c.relname = %s",
                (schema if dot else "public", name),
            )
        row = await found.fetchone()
        if row is None:
            raise NotFoundError(
                f"{self.spot.service} has no table {given!r}" if given else "There is no table",
                hint="Name one as it stands in the schema, such as orders or public.orders.",
            )
        self._table = f"{row[0]}.{row[1]}"
        return sql.Identifier(row[0], row[1])

    async def _watch(self, connection: Connection) -> None:
        """Tell when somebody else ended the session."""
        try:
            async for _ in connection.notifies():
                pass
        except psycopg.OperationalError as error:
            # If it was the server that ended, its own end is heard of, sooner or later.
            while not await self._answers():  # noqa: ASYNC110 (the server tells nobody)
                await asyncio.sleep(_HEARSAY_S)
            self.spot.gone(f"its session was ended: {_said(error)}")

    async def _answers(self) -> bool:
        try:
            await (await self._connect("admin")).close()
        except (psycopg.OperationalError, ConflictError):  # it is down, or all are
            return False
        return True


class ExhaustConnections(DatabaseFault):
    """A client that takes everything."""

    id = "exhaust-connections"
    name = "Exhaust connections"
    description = (
        "Opens connections as the application's role until the server refuses more, and takes "
        "each that becomes free."
    )
    expect = (
        "Who has a connection goes on; whoever needs a new one gets the server's own error, "
        "“remaining connection slots are reserved” or “too many clients already”."
    )

    excludes = frozenset({"wrong-password"})

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._connections: list[Connection] = []
        self._filling: asyncio.Task[None] | None = None

    async def inject(self) -> None:
        """Take all there are."""
        await self._fill()
        self._filling = asyncio.create_task(self._keep_full(), name="fault exhaust-connections")

    async def verify(self) -> str:
        """Be refused once more; take what has become free meanwhile."""
        for _ in range(_LOOKS):
            try:
                connection = await self._connect()
            except psycopg.OperationalError as error:
                if not _is_full(error):
                    raise UnavailableError(_said(error)) from error
                return f"holds {len(self._connections)} connections; another one: {_said(error)}"
            self._connections.append(connection)
        raise UnavailableError("The server still takes connections")

    async def recover(self) -> None:
        """Close all of them."""
        pids = [each.info.backend_pid for each in self._connections if not each.closed]
        await self.release()
        await self._until_ended(pids)

    async def release(self) -> None:
        """Close all of them."""
        filling, self._filling = self._filling, None
        if filling is not None:
            await end(filling)
        held, self._connections = self._connections, []
        for each in held:
            await each.close()

    async def _fill(self) -> None:
        """Connect until that is refused for want of connections."""
        async with self._asked():
            try:
                while True:
                    self._connections.append(await self._connect())
            except psycopg.OperationalError as error:
                if not _is_full(error):
                    raise

    async def _keep_full(self) -> None:
        while True:
            await asyncio.sleep(_REFILL_S)
            self._connections = [each for each in self._connections if not _has_ended(each)]
            try:
                await self._fill()
            except ConflictError:
                continue  # it is going down, and with it this fault


class PasswordArguments(Arguments):
    """Arguments of ``wrong-password``."""

    drop_connections: bool = Field(
        default=True, description="end the application's connections, so that it has to log in"
    )


class WrongPassword(DatabaseFault):
    """A rotated secret that nobody told the application."""

    id = "wrong-password"
    name = "Wrong password"
    description = "Changes the password of the application's role; the application keeps the old."
    expect = (
        "Every new connection fails with “password authentication failed”. Connections that are "
        "open go on, so a pool may hide it for a while unless they are dropped."
    )
    replica = False
    excludes = frozenset({"exhaust-connections"})
    takes = PasswordArguments

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._changed = False

    async def inject(self) -> None:
        """Give the role a password that nobody knows."""
        self._changed = True
        await self.spot.system.set_app_password(self.spot.service, secrets.token_hex(16))
        if self.arguments.drop_connections:
            user = psycopg.conninfo.conninfo_to_dict(self._dsn("app"))["user"]
            async with self._asked(), await self._connect("admin") as admin:
                await admin.execute(
                    "SELECT pg_catalog.pg_terminate_backend(pid)"
                    " FROM pg_catalog.pg_stat_activity"
                    " WHERE usename = %s AND application_name <> %s",
                    (user, APPLICATION),  # another fault's session is not the application's
                )

    async def verify(self) -> str:
        """Fail to log in."""
        try:
            connection = await self._connect()
        except psycopg.OperationalError as error:
            if "authentication failed" in str(error):
                return _said(error)
            raise UnavailableError(_said(error)) from error
        await connection.close()
        raise UnavailableError("The old password still works")

    async def recover(self) -> None:
        """Give the role its password back."""
        if self._changed:
            async with self._asked():
                await self.spot.system.set_app_password(self.spot.service, None)
            self._changed = False


def require_awake(status: EnvironmentStatus, name: str) -> None:
    """Refuse to ask a frozen server: whoever waits for its answer keeps its pause from ending.

    Raises:
        ConflictError: it is paused.
    """
    if _service(status, name).state is ServiceState.PAUSED:
        raise ConflictError(f"{name}: it is paused", hint="Resume it first.")


def server_gone(status: EnvironmentStatus, name: str) -> str:
    """Return why a server that has to run is gone; empty while it is there."""
    service = _service(status, name)
    if service.state in (ServiceState.READY, ServiceState.PAUSED):
        return ""
    why = f": {service.reason}" if service.reason else ""
    return f"{name} {service.state.value}{why}"


def _service(status: EnvironmentStatus, name: str) -> ServiceStatus:
    return next(each for each in status.services if each.name == name)


def _has_ended(connection: Connection) -> bool:
    """Look whether the server has ended an idle session; the driver notices when it reads."""
    try:
        for _ in range(2):  # the server's last words, and the end
            connection.pgconn.consume_input()
    except psycopg.OperationalError:
        return True
    return False


def _is_full(error: psycopg.Error) -> bool:
    return "connection slots" in str(error) or "too many" in str(error)


def _said(error: psycopg.Error) -> str:
    """Return the first line of what the server or the driver said, without where it is."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rpartition("failed: ")[2] if lines else type(error).__name__

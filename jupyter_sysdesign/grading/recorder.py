"""Records what the clients of a real database ask and are told, for the checkers to judge.

The checkers of ``simulation/checkers`` know nothing of databases; here is where a history of one
comes from. What counts is the client's view: the moment just before it asks and the moment just
after it was answered, on one clock for all clients of this process.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

import psycopg
import redis

from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.simulation.checkers.history import History, Operation
from jupyter_sysdesign.simulation.checkers.transactions import TXN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from jupyter_sysdesign.simulation.checkers.history import Status, Value

#: PostgreSQL's isolation levels, as it spells them.
LEVELS = ("read committed", "repeatable read", "serializable")
#: Error classes and codes after which nobody knows whether a commit happened: connection lost,
#: shutdown, and "statement completion unknown" (PostgreSQL's appendix A).
_OPEN_END = ("08", "57P", "40003")


#: What an operation is until it ends.
_OPEN: Status = "info"


class Recorder:
    """Collects the operations of any number of clients, each in a thread of its own."""

    def __init__(self) -> None:
        self._operations: list[Operation] = []
        self._lock = threading.Lock()

    def perform(
        self, client: int | str, kind: str, key: Value, value: Value, call: Callable[[], Value]
    ) -> Operation:
        """Make ``call``, which returns what the client is told, and record how it ended.

        An error of the database ends the operation as ``fail`` or ``info``. A client that repeats
        a request by itself must be told not to (``Redis(retry=None)``): it would do twice what is
        recorded once.
        """
        invoked, status, result = now(), _OPEN, None
        try:
            result = call()
            status = "ok"
        except (psycopg.Error, redis.RedisError) as error:
            status = ended(error)
        finally:
            operation = Operation(client, kind, key, value, result, invoked, now(), status)
            self.add(operation)
        return operation

    def add(self, operation: Operation) -> None:
        """Record an operation."""
        with self._lock:
            self._operations.append(operation)

    def history(self) -> History:
        """Return what was recorded so far."""
        with self._lock:
            return History(self._operations)


class Session:
    """One client of a PostgreSQL, whose transactions on lists and registers are recorded.

    The connection must not be in autocommit mode and is used by nobody else.
    """

    def __init__(
        self, client: int | str, connection: psycopg.Connection, recorder: Recorder
    ) -> None:
        self.client = client
        self._connection = connection
        self._recorder = recorder

    @contextlib.contextmanager
    def transaction(self, level: str) -> Iterator[Steps]:
        """Open a transaction of ``level``, commit it at the end, and record it.

        Raises:
            psycopg.Error: the database refused a step or the commit; that is recorded, too.
        """
        self._connection.isolation_level = psycopg.IsolationLevel[level.upper().replace(" ", "_")]
        steps = Steps(self._connection)
        invoked, status, committing = now(), _OPEN, False
        try:
            yield steps
            committing = True
            self._connection.commit()
            status = "ok"
        except psycopg.Error as error:
            status = ended(error)
            raise
        finally:
            # A commit that was interrupted may have happened.
            if status != "ok" and self._rolled_back() and not committing:
                status = "fail"
            told = steps.told if status == "ok" else None
            self._recorder.add(
                Operation(self.client, TXN, None, steps.asked, told, invoked, now(), status)
            )

    def _rolled_back(self) -> bool:
        try:
            self._connection.rollback()
        except psycopg.Error:
            return False
        return True


class Steps:
    """The steps of one open transaction, on the tables of ``create_tables``.

    Each raises ``InvalidRequestError`` where no such list or register was created.

    Attributes:
        asked: the steps as they were asked for.
        told: the same with the answers.
    """

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self.asked: list[list[Value]] = []
        self.told: list[list[Value]] = []

    def append(self, key: str, element: int) -> None:
        """Append ``element``, which must be new, to a list."""
        self._write("append", key, element, "UPDATE lists SET elements = elements || %s::bigint")

    def elements(self, key: str) -> list[int]:
        """Return a list."""
        answer: list[int] = self._read(key, "SELECT elements FROM lists")
        return answer

    def write(self, key: str, value: int) -> None:
        """Set a register to ``value``, which must be new to it."""
        self._write("w", key, value, "UPDATE registers SET value = %s")

    def value(self, key: str) -> int | None:
        """Return the value of a register, None before its first write."""
        answer: int | None = self._read(key, "SELECT value FROM registers")
        return answer

    def _write(self, kind: str, key: str, value: int, sql: str) -> None:
        step = [kind, key, value]
        self.asked.append(step)
        if not self._connection.execute(f"{sql} WHERE key = %s", [value, key]).rowcount:
            raise _unknown(key)
        self.told.append(step)

    def _read(self, key: str, sql: str) -> Any:
        self.asked.append(["r", key, None])
        row = self._connection.execute(f"{sql} WHERE key = %s", [key]).fetchone()
        if row is None:
            raise _unknown(key)
        self.told.append(["r", key, row[0]])
        return row[0]


def _unknown(key: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"there is no list or register {key!r}", hint="Name it to create_tables."
    )


def create_tables(connection: psycopg.Connection, keys: Sequence[str]) -> None:
    """Create the tables that sessions use, with an empty list and register for each key."""
    connection.execute(
        "CREATE TABLE lists (key text PRIMARY KEY, elements bigint[] NOT NULL DEFAULT '{}')"
    )
    connection.execute("CREATE TABLE registers (key text PRIMARY KEY, value bigint)")
    for key in keys:
        connection.execute("INSERT INTO lists VALUES (%s)", [key])
        connection.execute("INSERT INTO registers VALUES (%s)", [key])
    connection.commit()


def ended(error: psycopg.Error | redis.RedisError) -> Status:
    """Return whether what failed certainly did not happen (``fail``) or may have (``info``)."""
    if isinstance(error, psycopg.Error):
        known = error.sqlstate is not None and not error.sqlstate.startswith(_OPEN_END)
        return "fail" if known else "info"
    return "fail" if isinstance(error, redis.ResponseError) else "info"


def now() -> int:
    """Return the moment, in ns, on the clock of all histories of this process."""
    return time.monotonic_ns()

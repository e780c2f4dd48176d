"""Builds a seeded PostgreSQL data folder; a process of its own, so that it can be ended any time.

``python -m jupyter_sysdesign.environment.services.postgres_build`` reads one line of JSON on stdin
(the fields of ``Order``) and writes JSON lines on stdout: ``{"step", "done"}`` …, at last
``{"built": true}`` or ``{"failed": {"message", "kind", "file", "line"}}``. End of stdin ends it and
its server.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from jupyter_sysdesign.environment import sql_script
from jupyter_sysdesign.environment.owner import make_folder, server_owner
from jupyter_sysdesign.environment.passwords import generate
from jupyter_sysdesign.environment.services.postgres_files import (
    GRADER,
    PRISTINE_DATABASE,
    REPLICATION,
    SUPERUSER,
    clear_leftovers,
    write_origin,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_START_TIMEOUT_S = 60.0
_POLL_S = 0.005
_PR_SET_PDEATHSIG = 1
_QUIT_S = 10.0

# Loading is faster when a crash may lose everything: the folder is thrown away then.
_LOADING = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "wal_recycle": "off",
    "min_wal_size": "2MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "1h",
    "autovacuum": "off",
    "maintenance_work_mem": "256MB",
    "shared_buffers": "128MB",
    "listen_addresses": "",
    "shared_preload_libraries": "pg_stat_statements",
    "dynamic_shared_memory_type": "mmap",
    "io_method": "sync",
    "lc_messages": "C",
    "timezone": "UTC",
    "log_checkpoints": "off",
}

# A replica begins at a checkpoint whose log can be streamed, of a server that allowed no more than
# itself of each of these.
_SETTLING = {
    "wal_level": "replica",
    "max_connections": "10",
    "max_worker_processes": "0",
    "max_locks_per_transaction": "10",
}

_BOOKKEEPING = """
CREATE EXTENSION pg_stat_statements;
CREATE SCHEMA sysdesign;
CREATE TABLE sysdesign.migrations (
  name text PRIMARY KEY,
  sha256 text NOT NULL,
  script text NOT NULL,
  state text NOT NULL CHECK (state IN ('applying', 'applied')),
  xid xid8,
  position integer GENERATED ALWAYS AS IDENTITY
);
CREATE TABLE sysdesign.expected_schema (
  migrations text PRIMARY KEY,
  objects jsonb NOT NULL
);
"""


@dataclass(frozen=True)
class Order:
    """What to build.

    Attributes:
        data: folder to create.
        sockets: folder to create for the server's socket while it runs.
        scripts: (name for people, path) of the SQL files, in order.
        key: the template's key, written into the data folder.
        initdb, postgres: programs.
    """

    data: Path
    sockets: Path
    scripts: tuple[tuple[str, Path], ...]
    key: str
    database: str
    user: str
    initdb: Path
    postgres: Path


class BuildError(Exception):
    """The build failed.

    Attributes:
        facts: ``message``, ``kind`` ("script", "disk" or "server"), and ``file``, ``line``.
    """

    def __init__(self, message: str, kind: str = "server", **where: Any) -> None:
        super().__init__(message)
        self.facts = {"message": message, "kind": kind, **where}


def main() -> int:
    """Build what stdin asks for; 0 when done."""
    order = _read_order()
    try:
        _build(order)
    except BuildError as error:
        _say(failed=error.facts)
        return 1
    except psycopg.Error as error:
        kind = "disk" if isinstance(error, psycopg.errors.DiskFull) else "server"
        _say(failed={"message": str(error), "kind": kind})
        return 1
    _say(built=True)
    return 0


def _read_order() -> Order:
    fields = json.loads(sys.stdin.readline())
    paths = ("data", "sockets", "initdb", "postgres")
    scripts = tuple((name, Path(path)) for name, path in fields["scripts"])
    return Order(**fields | {name: Path(fields[name]) for name in paths} | {"scripts": scripts})


def _say(**facts: Any) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def _build(order: Order) -> None:
    owner = server_owner()
    make_folder(order.sockets, owner)
    make_folder(order.data, owner)
    _say(step="Creating an empty database", done=0.0)
    _initialise(order)
    password = generate()
    with _server(order, "postgres", _LOADING):
        with _connect(order, SUPERUSER, "postgres") as connection:
            _create_roles(connection, order, password)
        with _connect(order, SUPERUSER, order.database) as connection:
            connection.execute(_BOOKKEEPING)
            _grant(connection, order)
        _seed(order)
        _say(step="Tidying up: VACUUM ANALYZE", done=0.9)
        _finish(order)
    with _server(order, order.database, _LOADING | _SETTLING):
        pass
    write_origin(order.data, {"key": order.key, "admin": password})


def _initialise(order: Order) -> None:
    # The builtin locale sorts the same on every machine and in every image.
    argv = [str(order.initdb), "-D", str(order.data), "-U", SUPERUSER, "--auth=trust"]
    argv += ["--no-sync", "--wal-segsize=1", "--no-instructions", "--encoding=UTF8"]
    argv += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd="/", **_as_owner())
    if done.returncode:
        text = done.stderr.strip() or done.stdout.strip()
        raise BuildError(f"initdb failed: {text}", "disk" if "No space left" in text else "server")


def _as_owner() -> Any:
    owner = server_owner()
    return {"user": owner.uid, "group": owner.gid, "extra_groups": []} if owner else {}


@contextmanager
def _server(order: Order, database: str, settings: Mapping[str, str]) -> Iterator[None]:
    """Run the server; ``database`` is one that is there."""
    values = {**settings, "unix_socket_directories": str(order.sockets)}
    argv = [str(order.postgres), "-D", str(order.data)]
    argv += [part for name, value in values.items() for part in ("-c", f"{name}={value}")]
    log = order.data.parent / "build.log"
    with log.open("wb") as stream:
        server = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            cwd="/",
            preexec_fn=_die_with_parent,  # noqa: PLW1509 (there is one thread so far)
            **_as_owner(),
        )
    threading.Thread(target=_end_with_stdin, args=(server,), daemon=True).start()
    try:
        _await(order, database, server, log)
        yield
    except psycopg.OperationalError as error:
        if server.poll() is None:
            raise
        raise BuildError(f"the server ended: {_tail(log)}", _kind(log)) from error
    finally:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(_START_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            server.send_signal(signal.SIGQUIT)
            server.wait()
        clear_leftovers(order.data, order.sockets)
        log.unlink(missing_ok=True)


def _die_with_parent() -> None:
    """Ask the kernel to end the server with this process, where the kernel can (Linux)."""
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 (only here)

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)


def _end_with_stdin(server: subprocess.Popen[bytes]) -> None:
    """Wait for the end of stdin: whoever wanted the template is gone.

    Whoever hears of our end removes the data: by then nobody may write to it any more.
    """
    sys.stdin.read()
    server.send_signal(signal.SIGQUIT)  # it kills what does not end within 5 s by itself
    with contextlib.suppress(subprocess.TimeoutExpired):
        server.wait(_QUIT_S)
    os._exit(1)


def _await(order: Order, database: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _START_TIMEOUT_S
    while not _answers(order, database):
        if server.poll() is not None or time.monotonic() > end:
            raise BuildError(f"the server did not start: {_tail(log)}", _kind(log))
        time.sleep(_POLL_S)


def _answers(order: Order, database: str) -> bool:
    try:
        _connect(order, SUPERUSER, database).close()
    except psycopg.OperationalError:
        return False
    return True


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-5:])


def _kind(log: Path) -> str:
    return "disk" if "No space left" in log.read_text(errors="replace") else "server"


def _connect(order: Order, user: str, database: str) -> psycopg.Connection[Any]:
    return psycopg.connect(
        host=str(order.sockets), user=user, dbname=database, autocommit=True, client_encoding="utf8"
    )


def _create_roles(connection: psycopg.Connection[Any], order: Order, password: str) -> None:
    app = sql.Identifier(order.user)
    database = sql.Identifier(order.database)
    # Row security must not hide rows from the grader, nor may names of the learner's shadow others.
    connection.execute(
        sql.SQL(
            """
            CREATE ROLE {app} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
            CREATE ROLE {replication} LOGIN REPLICATION;
            CREATE ROLE {grader} LOGIN BYPASSRLS
              IN ROLE pg_read_all_data, pg_monitor, pg_use_reserved_connections;
            ALTER ROLE {grader} SET search_path = pg_catalog;
            ALTER ROLE {superuser} PASSWORD {password};
            """
        ).format(
            app=app,
            grader=sql.Identifier(GRADER),
            replication=sql.Identifier(REPLICATION),
            superuser=sql.Identifier(SUPERUSER),
            password=sql.Literal(password),
        )
    )
    connection.execute(
        sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0").format(database, app)
    )


def _grant(connection: psycopg.Connection[Any], order: Order) -> None:
    app = sql.Identifier(order.user)
    connection.execute(
        sql.SQL(
            """
            GRANT USAGE ON SCHEMA sysdesign TO {app};
            GRANT SELECT ON sysdesign.migrations TO {app};
            """
        ).format(app=app)
    )


def _seed(order: Order) -> None:
    """Run the lesson's scripts as the application's own role, statement by statement."""
    scripts = [(name, _statements(name, path)) for name, path in order.scripts]
    total = sum(len(statements) for _, statements in scripts) or 1
    finished = 0
    with _connect(order, order.user, order.database) as connection:
        for name, statements in scripts:
            for statement in statements:
                done = 0.05 + 0.85 * finished / total
                _say(step=f"Seeding the database (first time only): {name}", done=done)
                _run(connection, name, statement)
                finished += 1


def _statements(name: str, path: Path) -> list[sql_script.Statement]:
    try:
        return sql_script.split(path.read_text(encoding="utf-8-sig"))
    except sql_script.ScriptError as error:
        raise BuildError(str(error), "script", file=name, line=error.line) from error
    except UnicodeDecodeError as error:
        raise BuildError("not UTF-8 text", "script", file=name, line=None) from error


def _run(connection: psycopg.Connection[Any], name: str, statement: sql_script.Statement) -> None:
    try:
        connection.execute(statement.text.encode())
    except psycopg.errors.DiskFull:
        raise
    except psycopg.Error as error:
        if connection.broken:
            raise
        place = error.diag.statement_position
        line = statement.line_at(int(place) if place else None)
        message = error.diag.message_primary or str(error)
        raise BuildError(message, "script", file=name, line=line) from error


def _finish(order: Order) -> None:
    """Keep the schema without rows beside the data, and leave nothing for later to clean up."""
    with _connect(order, SUPERUSER, order.database) as connection:
        connection.execute("VACUUM ANALYZE")
    with _connect(order, SUPERUSER, "postgres") as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(PRISTINE_DATABASE), sql.Identifier(order.database)
            )
        )
    with _connect(order, SUPERUSER, PRISTINE_DATABASE) as connection:
        _empty(connection)
    with _connect(order, SUPERUSER, order.database) as connection:
        # Three databases nobody needs are 900 files that every copy would carry.
        for spare in ("postgres", "template1", "template0"):
            connection.execute(
                sql.SQL("ALTER DATABASE {} IS_TEMPLATE false").format(sql.Identifier(spare))
            )
            connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(spare)))
        connection.execute(
            "SELECT pg_stat_reset(), pg_stat_reset_shared(), public.pg_stat_statements_reset()"
        )
        connection.execute("CHECKPOINT")


def _empty(connection: psycopg.Connection[Any]) -> None:
    """Remove all rows of the lesson's tables, without its triggers noticing."""
    connection.execute("SET session_replication_role = replica")
    found = connection.execute(
        """
        SELECT c.relkind, n.nspname, c.relname
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname !~ '^pg_'
          AND n.nspname NOT IN ('information_schema', 'sysdesign')
          AND NOT EXISTS (
            SELECT FROM pg_depend d
            WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
        """
    ).fetchall()
    views = [sql.Identifier(schema, name) for kind, schema, name in found if kind == "m"]
    tables = [sql.Identifier(schema, name) for kind, schema, name in found if kind != "m"]
    for view in views:
        connection.execute(sql.SQL("REFRESH MATERIALIZED VIEW {} WITH NO DATA").format(view))
    if tables:
        connection.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(tables)))


if __name__ == "__main__":
    sys.exit(main())

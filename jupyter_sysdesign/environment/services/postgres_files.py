"""The files a PostgreSQL instance is configured by, and what a killed one leaves behind."""

from __future__ import annotations

import ctypes
import json
import os
import shlex
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from jupyter_sysdesign.environment.addresses import POSTGRES_PORT
from jupyter_sysdesign.environment.commands import postgres_settings
from jupyter_sysdesign.environment.owner import server_owner
from jupyter_sysdesign.environment.passwords import write_private

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_sysdesign.environment.owner import Owner
    from jupyter_sysdesign.environment.spec import ServiceSpec

#: Holds the pristine schema without rows: the expected side of drift starts from it.
PRISTINE_DATABASE = "sysdesign_pristine"
#: Scratch copy of it, while drift is computed.
EXPECTED_DATABASE = "sysdesign_expected"
SUPERUSER = "postgres"
GRADER = "grader"
#: Whom replicas stream as; it can do nothing else.
REPLICATION = "sysdesign_replication"

#: In the data folder: which template it is a copy of, and the template's superuser password until
#: this instance's own are set.
ORIGIN = "sysdesign.json"

#: Has the log kept for a replica from here on; nothing happens if it is already.
CREATE_SLOT = """
SELECT pg_catalog.pg_create_physical_replication_slot(%(slot)s, true)
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_replication_slots WHERE slot_name = %(slot)s)
"""

_IPC_RMID = 0
_LOCK_SHARED_MEMORY_LINE = 6  # of postmaster.pid, 0-based: "key id"


@dataclass(frozen=True)
class Database:
    """What ``compose.yaml`` says about one database."""

    name: str
    user: str

    @classmethod
    def of(cls, spec: ServiceSpec) -> Database:
        """Read the variables the official image knows."""
        user = spec.environment["POSTGRES_USER"]
        return cls(spec.environment.get("POSTGRES_DB", user), user)


def settings(spec: ServiceSpec, sockets: Path) -> dict[str, str]:
    """Return the server settings: ours, then those of the lesson's command.

    Connections: 17 of the default 100 … 20 minus 3 stay what they are in a stock server, but two of
    the three reserved ones are for the grader, who must get in when the learner's code took all.
    """
    ours = {
        "listen_addresses": "",
        "unix_socket_directories": str(sockets),
        "unix_socket_permissions": "0700",
        "port": str(POSTGRES_PORT),
        "shared_preload_libraries": "pg_stat_statements",
        # Its table is filled when the server starts: 5,000 places, the default, are 2 MiB.
        "pg_stat_statements.max": "1000",
        # So is that of predicate locks, 64 for each connection: what only serializable
        # transactions take. A lesson about them says more in its command.
        "max_pred_locks_per_transaction": "10",
        "superuser_reserved_connections": "1",
        "reserved_connections": "2",
        # Files, not /dev/shm: containers have little of that, and a killed server leaves it there.
        "dynamic_shared_memory_type": "mmap",
        # Reads are done by the backend that wants them: counted and throttled where they belong.
        "io_method": "sync",
        "max_wal_size": "256MB",
        "min_wal_size": "8MB",
        # What a replica that is away may cost its primary's disk.
        "max_slot_wal_keep_size": "256MB",
        "log_checkpoints": "off",
        "log_line_prefix": "%m [%p] ",
        "lc_messages": "C",
        "timezone": "UTC",
        "track_io_timing": "on",
        # A process that waits for subscriptions: a lesson that has some says so in its command.
        "max_logical_replication_workers": "0",
    }
    if not spec.durable:
        ours |= {"fsync": "off", "full_page_writes": "off"}
    return ours | dict(postgres_settings(spec))


def write_configuration(
    data: Path, values: Mapping[str, str], database: Database, owner: Owner | None
) -> None:
    """Write ``postgresql.conf`` and ``pg_hba.conf`` into the data folder."""
    lines = [f"{name} = '{_escape(value)}'" for name, value in values.items()]
    _write(data / "postgresql.conf", "\n".join(lines) + "\n", owner)
    method = "scram-sha-256"
    entries = [
        ("all", SUPERUSER),
        (f'"{database.name}"', database.user),
        (f'"{EXPECTED_DATABASE}"', database.user),
        (f'"{database.name}"', GRADER),
        ("replication", REPLICATION),
    ]
    hba = "".join(f'local {name} "{user}" {method}\n' for name, user in entries)
    _write(data / "pg_hba.conf", hba, owner)
    # An ALTER SYSTEM of an earlier life would override ours.
    _write(data / "postgresql.auto.conf", "", owner)


def write_standby(data: Path, password: str, owner: Owner | None) -> Path:
    """Make the data folder a standby's; return the password file it connects with."""
    _write(data / "standby.signal", "", owner)
    # Not in postgresql.conf: whoever may read all settings would see it there.
    secret = data / "replication.pass"
    _write(secret, f"*:*:*:{REPLICATION}:{password}\n", owner)
    return secret


def read_origin(data: Path) -> dict[str, Any]:
    """Return what ``write_origin`` wrote, empty when the data folder is none of ours."""
    try:
        found: dict[str, Any] = json.loads((data / ORIGIN).read_text())
    except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError):
        return {}
    return found


def write_origin(data: Path, origin: Mapping[str, Any]) -> None:
    """Say in the data folder where it comes from."""
    # The server's own user reads it too: it hands out all files of the folder to a replica.
    _write(data / ORIGIN, json.dumps(dict(origin)), server_owner())


def write_psql(
    folder: Path, suffix: str, facts: Mapping[str, str], password: str, programs: Path
) -> None:
    """Write ``psql.env`` and the password file it names.

    A shell that sources it can call ``psql`` (in ``programs``) without arguments.
    """
    secret = folder / f"pgpass{suffix}"
    entry = [facts[key] for key in ("PGHOST", "PGPORT", "PGDATABASE", "PGUSER")]
    escaped = [each.replace("\\", "\\\\").replace(":", "\\:") for each in [*entry, password]]
    write_private(secret, ":".join(escaped) + "\n")
    lines = [f"export {name}={shlex.quote(value)}" for name, value in facts.items()]
    lines.append(f"export PGPASSFILE={shlex.quote(str(secret))}")
    lines.append(f'export PATH={shlex.quote(str(programs))}:"$PATH"')
    write_private(folder / f"psql{suffix}.env", "\n".join(lines) + "\n")


def clear_leftovers(data: Path, sockets: Path) -> None:
    """Remove the lock files of a killed server, so that a reused pid cannot pass for it."""
    lock = data / "postmaster.pid"
    with suppress(FileNotFoundError, ValueError, IndexError):
        lines = lock.read_text().splitlines()
        if _serves(int(lines[0]), data):
            return
        lock.unlink()
        key, identifier = map(int, lines[_LOCK_SHARED_MEMORY_LINE].split())
        _free_shared_memory(key, identifier)
    for leftover in sockets.glob(f".s.PGSQL.{POSTGRES_PORT}*"):
        leftover.unlink(missing_ok=True)


def _serves(pid: int, data: Path) -> bool:
    """Tell whether process ``pid`` is a server on ``data`` (its working directory)."""
    try:
        return Path(psutil.Process(abs(pid)).cwd()).samefile(data)
    except (psutil.Error, OSError):
        return False


def _free_shared_memory(key: int, identifier: int) -> None:
    """Remove the System V segment of a killed server if nobody is attached to it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if os.uname().sysname == "Linux" and not _attached(key, identifier):
        libc.shmctl(identifier, _IPC_RMID, None)


def _attached(key: int, identifier: int) -> bool:
    """Tell whether a segment is in use, or not ours to judge (it is not in the kernel's list).

    A server in a container has segments of its own, by numbers that mean others here.
    """
    for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1] == str(identifier) and int(fields[0]) % 2**32 == key % 2**32:
            return fields[6] != "0"
    return True


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")


def _write(file: Path, text: str, owner: Owner | None) -> None:
    write_private(file, text)
    if owner:
        os.chown(file, owner.uid, owner.gid)

"""A streaming replica of another PostgreSQL of the same environment.

It begins as a copy of the template its primary began as, or of the primary itself where that has
gone on meanwhile. The primary keeps its log in a slot until the replica has it, up to
``max_slot_wal_keep_size``; who was away for longer than that is copied anew at the next start, and
so is one whose primary has less of something now than its log was written with.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg

from jupyter_sysdesign.environment import file_copy
from jupyter_sysdesign.environment.addresses import POSTGRES_PORT
from jupyter_sysdesign.environment.launch import Launch, NotReady
from jupyter_sysdesign.environment.owner import make_folder
from jupyter_sysdesign.environment.replication import slot
from jupyter_sysdesign.environment.services import postgres_files as files
from jupyter_sysdesign.environment.services.base import environment
from jupyter_sysdesign.environment.services.postgres import Postgres
from jupyter_sysdesign.environment.templates import STOPPED
from jupyter_sysdesign.errors import (
    ConflictError,
    MissingBinaryError,
    StartFailedError,
    SysdesignError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jupyter_sysdesign.environment.services.base import OnProgress

_CONNECT_TIMEOUT_S = 5
_COPY_TIMEOUT_S = 600.0
_CANCELLED_WITHIN_S = 0.2
_CONTROL_TIMEOUT_S = 10.0
#: What a replica must have as much of as its primary had when that wrote the log: by setting, its
#: name in ``pg_controldata``, and what it is by default.
_NEEDED = {
    "max_connections": ("max_connections", 100),
    "max_worker_processes": ("max_worker_processes", 8),
    "max_wal_senders": ("max_wal_senders", 10),
    "max_prepared_transactions": ("max_prepared_xacts", 0),
    "max_locks_per_transaction": ("max_locks_per_xact", 64),
}
#: How ``pg_basebackup`` copies.
COPY = ("--no-password", "--no-sync", "--no-manifest", "--checkpoint=fast", "--wal-method=none")
_STREAMS = "SELECT status = 'streaming' FROM pg_catalog.pg_stat_wal_receiver"


class Replica(Postgres):
    """One replica: it answers reads, as its primary was a moment ago."""

    def launch(self) -> Launch:
        """Return the server's process; copies the primary first if there is nothing to go on from.

        Raises:
            StartFailedError: it has no data, and its primary cannot be copied.
            ConflictError: ``place.cancelled`` was set meanwhile.
        """
        self._require_data()
        launch = super().launch()
        return replace(launch, reads=(*launch.reads, self._upstream))

    @property
    def _upstream(self) -> Path:
        """Return the folder of the primary's socket."""
        return self.place.addresses.folder(self._primary)

    def _obtain(self, key: str, progress: OnProgress | None) -> None:
        """Take the template if the primary begins with it now; ``launch`` sees to the rest."""
        del progress  # its primary tells how far the same template is
        origin = files.read_origin(self.place.data(self._primary))
        if origin.get("key") != key or "admin" in origin:
            super()._obtain(key, None)
        else:
            self.discard()

    def _configure(self) -> None:
        if self.data.is_dir():
            super()._configure()

    def _more_settings(self) -> dict[str, str]:
        password = self.place.passwords.of(self._primary, "replication")
        secret = files.write_standby(self.data, password, self._owner)
        upstream = psycopg.conninfo.make_conninfo(
            host=str(self._upstream),
            port=POSTGRES_PORT,
            user=files.REPLICATION,
            passfile=str(secret),
            application_name=self.spec.name,
        )
        return {
            "primary_conninfo": upstream,
            "primary_slot_name": slot(self.spec.name),
            # By default it looks for its primary every 5 s, and says every 10 s how far it is.
            "wal_retrieve_retry_interval": "200ms",
            "wal_receiver_status_interval": "1s",
        }

    def _require_data(self) -> None:
        """Have data that the primary still keeps the log for; all is well if it is away."""
        found = self.data.is_dir()
        fits = found and self._has_enough()
        try:
            with (
                psycopg.connect(
                    self._dsn_of(self._primary, "admin"),
                    autocommit=True,
                    connect_timeout=_CONNECT_TIMEOUT_S,
                ) as primary,
                _cut_off(primary, self.place.cancelled),
            ):
                if not self._renew_slot(primary, keep=fits):
                    return
        except psycopg.OperationalError as error:
            if self.place.cancelled.is_set():
                raise ConflictError(STOPPED) from error
            if found:
                return
            raise StartFailedError(
                f"{self.spec.name} has no data, and {self._primary} cannot be copied: "
                f"{str(error).strip()}"
            ) from error
        self.discard()
        self._copy_primary()
        files.write_origin(self._partial, {"key": self._key()})
        self._move_in()
        self._configure()

    def _has_enough(self) -> bool:
        """Tell whether it has as much now as its log asks for."""
        program = self._program().with_name("pg_controldata")
        try:
            told = subprocess.run(
                [str(program), str(self.data)],
                env={"LC_ALL": "C"},
                capture_output=True,
                text=True,
                check=True,
                timeout=_CONTROL_TIMEOUT_S,
            ).stdout
        except (OSError, subprocess.SubprocessError):
            return True  # what is wrong with it, the server says better
        needed = dict(re.findall(r"^(\w+) setting: +(\d+)$", told, re.MULTILINE))
        given = files.settings(self.spec, self._upstream)
        return all(
            int(needed.get(name, 0)) <= int(given.get(setting, default))
            for setting, (name, default) in _NEEDED.items()
        )

    def _renew_slot(self, primary: psycopg.Connection[Any], *, keep: bool) -> bool:
        """Have a slot that keeps the log; tell whether it is another one than before."""
        name = {"slot": slot(self.spec.name)}
        row = primary.execute(
            "SELECT wal_status FROM pg_catalog.pg_replication_slots WHERE slot_name = %(slot)s",
            name,
        ).fetchone()
        if row is not None:
            if keep and row[0] != "lost":
                return False
            primary.execute("SELECT pg_catalog.pg_drop_replication_slot(%(slot)s)", name)
        primary.execute("CHECKPOINT")  # what came before it is not kept for the slot
        primary.execute(files.CREATE_SLOT, name)
        return True

    def _copy_primary(self) -> None:
        """Copy the running primary; what it writes meanwhile is streamed later."""
        size = file_copy.tree_bytes(self.place.data(self._primary))
        self._empty_trash()  # our own data of before may be in there
        file_copy.require_room(self.data.parent, size, f"a copy of {self._primary}")
        make_folder(self._partial, self._owner)
        program = self._program().with_name("pg_basebackup")
        argv = [str(program), "-D", str(self._partial), "-h", str(self._upstream)]
        argv += ["-p", str(POSTGRES_PORT), "-U", files.REPLICATION, *COPY]
        secrets = {"PGPASSWORD": self.place.passwords.of(self._primary, "replication")}
        owner = self._owner
        user: Any = {"user": owner.uid, "group": owner.gid, "extra_groups": []} if owner else {}
        try:
            with subprocess.Popen(
                argv,
                env=environment(self.place, self.spec.name) | secrets,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                cwd="/",
                **user,
            ) as copying:
                self._follow(copying)
        except FileNotFoundError as error:
            shutil.rmtree(self._partial, ignore_errors=True)
            raise MissingBinaryError(
                f"{program} is not there: {self.spec.name} cannot be copied from {self._primary}",
                hint="Reset the environment: both then begin with the same data.",
            ) from error
        except SysdesignError:
            shutil.rmtree(self._partial, ignore_errors=True)
            raise

    def _follow(self, copying: subprocess.Popen[str]) -> None:
        """Return when the copy is made; one that is not has ended."""
        until = time.monotonic() + _COPY_TIMEOUT_S
        failed = f"{self._primary} could not be copied for {self.spec.name}"
        while (said := _said(copying)) is None:
            if self.place.cancelled.is_set():
                copying.kill()
                raise ConflictError(STOPPED)
            if time.monotonic() > until:
                copying.kill()
                raise StartFailedError(f"{failed} within {_COPY_TIMEOUT_S:.0f} s")
        if copying.returncode:
            raise StartFailedError(": ".join([failed, *said.strip().splitlines()[-1:]]))

    async def _probe(self) -> None:
        """Be let in, and stream; a replica whose primary is away answers all the same."""
        path = self.address.path
        if path is None or not path.exists():
            raise NotReady("its socket is not there yet")
        try:
            async with await self._connect(self.dsn("grader")) as connection:
                row = await (await connection.execute(_STREAMS)).fetchone()
        except psycopg.OperationalError as error:
            raise NotReady(str(error).strip()) from error
        if row is not None and row[0]:
            return
        try:
            await self._query(self._dsn_of(self._primary, "grader"))
        except psycopg.OperationalError:
            return
        raise NotReady(f"it does not stream from {self._primary} yet")


@contextlib.contextmanager
def _cut_off(server: psycopg.Connection[Any], cancelled: threading.Event) -> Iterator[None]:
    """End the connection when ``cancelled`` is set: a checkpoint takes as long as a disk does."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_CANCELLED_WITHIN_S):
            if cancelled.is_set():
                with contextlib.suppress(OSError):  # the server hung up just now
                    wire.shutdown(socket.SHUT_RDWR)
                return

    with socket.socket(fileno=os.dup(server.fileno())) as wire:
        watching = threading.Thread(target=watch, name="cut-off", daemon=True)
        watching.start()
        try:
            yield
        finally:
            done.set()
            watching.join()


def _said(copying: subprocess.Popen[str]) -> str | None:
    """Return what it complained of, once it has ended."""
    try:
        return copying.communicate(timeout=_CANCELLED_WITHIN_S)[1]
    except subprocess.TimeoutExpired:
        return None

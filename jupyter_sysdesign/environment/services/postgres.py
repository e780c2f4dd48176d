"""PostgreSQL: a copy of a seeded template, with passwords and a socket of this instance's own."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import signal
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg
from psycopg import sql

from jupyter_sysdesign.environment import binaries, file_copy
from jupyter_sysdesign.environment.addresses import POSTGRES_PORT
from jupyter_sysdesign.environment.compose import POSTGRES_INIT, image
from jupyter_sysdesign.environment.drift import SchemaDrift
from jupyter_sysdesign.environment.launch import Launch, NotReady
from jupyter_sysdesign.environment.migrations import Migrations
from jupyter_sysdesign.environment.owner import make_folder, require_open, server_owner
from jupyter_sysdesign.environment.passwords import ROLES
from jupyter_sysdesign.environment.programs import for_owner
from jupyter_sysdesign.environment.replication import slot
from jupyter_sysdesign.environment.services import postgres_files as files
from jupyter_sysdesign.environment.services.base import OnProgress, environment
from jupyter_sysdesign.environment.services.postgres_template import build_template
from jupyter_sysdesign.errors import (
    ConflictError,
    InvalidFileError,
    MissingBinaryError,
    ResourceError,
)

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_sysdesign.environment.addresses import Address
    from jupyter_sysdesign.environment.passwords import Role
    from jupyter_sysdesign.environment.services.place import Place
    from jupyter_sysdesign.environment.spec import ServiceSpec

#: Part of every template's key: raise it when the way templates are built changes.
TEMPLATE_FORMAT = 2

#: Major version of ``sysdesign/postgres:18``.
VERSION = "18"

_CONNECT_TIMEOUT_S = 5
# What the owner of a database may have set for all its sessions, and ours do not work with.
_SETTINGS = (
    "default_transaction_read_only=off",
    "role=none",
    "search_path=public",
    "statement_timeout=0",
    "transaction_timeout=0",
    "local_preload_libraries=",
)
_OURS = "?client_encoding=utf8&options=" + quote(" ".join(f"-c {each}" for each in _SETTINGS))


class Postgres:
    """One PostgreSQL server.

    Attributes:
        database: names of the database and of the application's role.
        replaced: ``prepare`` replaced data that nobody had discarded, and not a copy of a
            primary's; for who tells it to reset.
    """

    def __init__(self, spec: ServiceSpec, place: Place) -> None:
        """Describe the server; touches no file."""
        self.spec = spec
        self.place = place
        self.database = files.Database.of(spec)
        self.replaced = False
        #: Whose data, passwords and roles they are.
        self._primary = spec.replica_of or spec.name
        self._owner = server_owner()

    @property
    def address(self) -> Address:
        """Return the server's unix socket."""
        return self.place.addresses.of(self.spec.name)

    @property
    def watched(self) -> tuple[Path, ...]:
        """Nothing: migrations are applied when asked for, not on save."""
        return ()

    @property
    def data(self) -> Path:
        """Return the data folder."""
        return self.place.data(self.spec.name)

    def dsn(self, role: Role = "app", *, database: str | None = None) -> str:
        """Return a libpq URL; ``app`` owns the data, ``grader`` reads all, ``admin`` is us."""
        return self._dsn_of(self.spec.name, role, database)

    def _dsn_of(self, server: str, role: Role, database: str | None = None) -> str:
        user = self._user(role)
        host = quote(str(self.place.addresses.folder(server)), safe="")
        password = self.place.passwords.of(self._primary, role)
        name = quote(database or self.database.name, safe="")
        ours = _OURS if role == "admin" else ""
        return f"postgresql://{quote(user, safe='')}:{password}@{host}:{POSTGRES_PORT}/{name}{ours}"

    @property
    def migrations(self) -> Migrations:
        """Return the learner's migrations of this database."""
        folder = self.place.source.locate("migrations")
        return Migrations(folder, app=self.dsn("app"), admin=self.dsn("admin"))

    @property
    def drift(self) -> SchemaDrift:
        """Return what compares the live schema with the pristine one plus migrations."""
        expected = files.EXPECTED_DATABASE
        return SchemaDrift(
            admin=self.dsn("admin"),
            expected_app=self.dsn("app", database=expected),
            expected_admin=self.dsn("admin", database=expected),
            owner=self.database.user,
        )

    async def set_app_password(self, password: str | None) -> None:
        """Give the application's role another password until the next start; None: its own.

        Raises:
            ConflictError: the server does not let us in.
        """
        if password is not None:  # noted first: whatever happens, the next start mends it
            files.write_origin(self.data, {**files.read_origin(self.data), "spoiled": True})
        try:
            async with await self._connect(self.dsn("admin")) as connection:
                await self._give(connection, "app", password)
        except psycopg.OperationalError as error:
            raise ConflictError(f"{self.spec.name} cannot be reached: {error}") from error
        if password is None:
            self._forget("spoiled")

    def check(self) -> None:
        """Look at the initial scripts' names.

        Raises:
            InvalidFileError: one is not SQL.
        """
        self._scripts()

    def seed(self, progress: OnProgress | None = None) -> Path:
        """Have the template, built if need be; return its data folder."""
        return self._ensure(self._key(), progress)

    def prepare(self, progress: OnProgress | None = None) -> None:
        """Copy the template (built first if need be) unless there are data; write configuration.

        Data of another template are replaced, once the copy is whole.
        """
        shutil.rmtree(self._partial, ignore_errors=True)  # of a copy that was cut short
        key = self._key()
        if files.read_origin(self.data).get("key") != key:
            there = self.data.exists()
            self._obtain(key, progress)
            self.replaced = there and not self.spec.replica_of
        self._configure()
        self._write_psql()

    def launch(self) -> Launch:
        """Return the server's process; PostgreSQL stops fast on SIGINT."""
        sockets = self.place.addresses.folder(self.spec.name)
        make_folder(sockets, self._owner)
        files.clear_leftovers(self.data, sockets)
        return Launch(
            name=self.spec.name,
            argv=(str(self._program()), "-D", str(self.data)),
            arguments=("-D", str(self.data)),
            image=image("postgres"),
            writes=(self.data, sockets),
            env=environment(self.place, self.spec.name),
            cwd=self.place.folder,
            user=self._owner.uid if self._owner else None,
            cpus=self.spec.cpus,
            memory_bytes=self.spec.memory_bytes,
            stop_signal=signal.SIGINT,
            stop_timeout_s=max(self.spec.stop_timeout_s, 10.0),
            probe=self._probe,
            redact=self.place.passwords.all(),
        )

    def discard(self) -> None:
        """Move the data out of the way; ``restock`` removes them, or who needs their room."""
        with suppress(FileNotFoundError):
            files.clear_leftovers(self.data, self.place.addresses.folder(self.spec.name))
            for number in range(1000):
                trash = self.data.with_name(f".{self.spec.name}.trash{number}")
                if not trash.exists():
                    self.data.rename(trash)
                    break

    def restock(self) -> None:
        """Make the spare copies the next start or reset takes, and remove discarded data."""
        with suppress(OSError):
            self._empty_trash()
            key = files.read_origin(self.data).get("key")
            if key:
                pair = len(self.place.spec.replicas(self._primary)) + 1
                self.place.templates.restock(key, spares=pair)

    def _empty_trash(self) -> bool:
        """Remove discarded data; tell whether there were any."""
        found = list(self.data.parent.glob(f".{self.spec.name}.trash*"))
        for trash in found:
            shutil.rmtree(trash, ignore_errors=True)
        return bool(found)

    @property
    def _partial(self) -> Path:
        """Return where data lie until they are whole."""
        return self.data.with_name(f".{self.spec.name}.partial")

    def _obtain(self, key: str, progress: OnProgress | None) -> None:
        """Have pristine data; if there is no room for them, what was discarded goes first."""
        self._ensure(key, progress)
        make_folder(self._partial, self._owner)
        self._partial.rmdir()  # only the folders above it were wanted
        try:
            self.place.templates.copy(key, self._partial, progress)
        except ResourceError:
            if not self._empty_trash():
                raise
            self.place.templates.copy(key, self._partial, progress)
        self._move_in()

    def _move_in(self) -> None:
        """Let data that are whole take the place of those there are."""
        self.discard()  # not before: what cannot be seeded or copied costs nobody their data
        self._partial.rename(self.data)

    def _configure(self) -> None:
        sockets = self.place.addresses.folder(self.spec.name)
        values = files.settings(self.spec, sockets) | self._more_settings()
        files.write_configuration(self.data, values, self.database, self._owner)

    def _more_settings(self) -> dict[str, str]:
        return {}

    def _ensure(self, key: str, progress: OnProgress | None) -> Path:
        require_open(self.place.folder / "data", self._owner)
        require_open(self.place.templates.folder / key / "data", self._owner)
        postgres = self._program()

        def build(folder: Path) -> None:
            self._empty_trash()  # a build takes seconds anyway, and much room
            file_copy.require_room(folder.parent, 0, "a new database")
            build_template(
                data=folder,
                sockets=self.place.sockets / "build",
                scripts=self._scripts(),
                key=key,
                database=self.database,
                postgres=postgres,
                instance=self.place.instance,
                cancelled=self.place.cancelled,
                progress=progress,
            )

        return self.place.templates.ensure(key, build, progress, self.place.cancelled)

    def _program(self) -> Path:
        """Return the server program, where its user can reach it."""
        found = binaries.find("postgres")
        version = binaries.version(found)
        if version.partition(".")[0] != VERSION:
            raise MissingBinaryError(
                f"Lessons need PostgreSQL {VERSION}, and {found} is {version}",
                hint=binaries.PROGRAMS["postgres"],
            )
        return for_owner(found, self._owner)

    def _key(self) -> str:
        """Return the template's name: what it is for, and a hash of all it is made of."""
        made_of = {
            "format": TEMPLATE_FORMAT,
            "server": binaries.version(binaries.find("postgres")),
            "machine": platform.machine(),
            "database": self.database.name,
            "user": self.database.user,
            "scripts": [
                (name, hashlib.sha256(path.read_bytes()).hexdigest())
                for name, path in self._scripts()
            ],
        }
        digest = hashlib.sha256(json.dumps(made_of).encode()).hexdigest()
        return f"{self.place.source.lesson}-{self._primary}-{digest[:12]}"

    def _scripts(self) -> list[tuple[str, Path]]:
        """Return the initial scripts in order; the learner's copy counts if it is editable."""
        found: list[tuple[str, Path]] = []
        for mount in self.spec.volumes:
            if mount.target != POSTGRES_INIT:
                continue
            for path in sorted((self.place.source.pristine / mount.source).iterdir()):
                name = f"{mount.source}/{path.name}"
                if path.suffix in (".sh", ".gz", ".xz", ".zst"):
                    raise InvalidFileError("only .sql files are run", file=name)
                if path.suffix == ".sql":
                    mine = self.place.source.workspace / name
                    edited = self.place.source.is_editable(name) and mine.is_file()
                    found.append((name, mine if edited else path))
        return found

    def _write_psql(self) -> None:
        names = [each.name for each in self.place.spec.services.values() if each.kind == "postgres"]
        suffix = "" if self.spec.name == names[0] else f"-{self.spec.name}"
        facts = {
            "PGHOST": str(self.place.addresses.folder(self.spec.name)),
            "PGPORT": str(POSTGRES_PORT),
            "PGDATABASE": self.database.name,
            "PGUSER": self.database.user,
        }
        password = self.place.passwords.of(self._primary)
        programs = binaries.find("psql").parent
        files.write_psql(self.place.folder, suffix, facts, password, programs)

    async def _probe(self) -> None:
        """Run a query as the application; a fresh copy first gets this instance's passwords."""
        path = self.address.path
        if path is None or not path.exists():
            raise NotReady("its socket is not there yet")
        origin = files.read_origin(self.data)
        try:
            if "admin" in origin:
                await self._set_passwords(origin["admin"])
                await self._expect_replicas()
                self._forget("admin")
            if "spoiled" in origin:
                async with await self._connect(self.dsn("admin")) as connection:
                    await self._give(connection, "app")
                self._forget("spoiled")
            # The grader's role has connections of its own: an application that came back faster
            # may have taken all others.
            await self._query(self.dsn("grader"))
        except psycopg.OperationalError as error:
            raise NotReady(str(error).strip()) from error

    async def _set_passwords(self, template_password: str) -> None:
        """Give all roles their passwords in one transaction, unless that was done already."""
        own = self.place.passwords.of(self._primary, "admin")
        dsn = self.dsn("admin")
        try:
            connection = await self._connect(dsn.replace(own, template_password, 1))
        except psycopg.OperationalError as error:
            if "password authentication failed" not in str(error):
                raise
            await self._query(dsn)  # a start that was cut short has set them
            return
        async with connection:
            for role in ROLES:
                await self._give(connection, role)

    async def _expect_replicas(self) -> None:
        """Keep the log from here on, where replicas that are copies of the same template begin."""
        replicas = self.place.spec.replicas(self.spec.name)
        if replicas:
            async with await self._connect(self.dsn("admin")) as connection:
                for each in replicas:
                    await connection.execute(files.CREATE_SLOT, {"slot": slot(each)})

    async def _give(
        self,
        connection: psycopg.AsyncConnection[tuple[object, ...]],
        role: Role,
        password: str | None = None,
    ) -> None:
        """Give a role a password, by default this instance's own."""
        user = self._user(role)
        wanted = password or self.place.passwords.of(self._primary, role)
        # Hashed here: the server never sees, and so never logs, the password itself.
        hashed = connection.pgconn.encrypt_password(
            wanted.encode(), user.encode(), b"scram-sha-256"
        )
        statement = sql.SQL("ALTER ROLE {} PASSWORD {}").format(
            sql.Identifier(user), sql.Literal(hashed.decode())
        )
        # A synchronous replica cannot confirm it: it comes in only after this.
        await connection.execute("SET LOCAL synchronous_commit = local")
        await connection.execute(statement)

    def _user(self, role: Role) -> str:
        users: dict[Role, str] = {
            "app": self.database.user,
            "grader": files.GRADER,
            "admin": files.SUPERUSER,
            "replication": files.REPLICATION,
        }
        return users[role]

    def _forget(self, name: str) -> None:
        origin = files.read_origin(self.data)
        origin.pop(name, None)
        files.write_origin(self.data, origin)

    async def _query(self, dsn: str) -> None:
        async with await self._connect(dsn) as connection:
            await connection.execute("SELECT 1")

    @staticmethod
    async def _connect(dsn: str) -> psycopg.AsyncConnection[tuple[object, ...]]:
        return await psycopg.AsyncConnection.connect(dsn, connect_timeout=_CONNECT_TIMEOUT_S)

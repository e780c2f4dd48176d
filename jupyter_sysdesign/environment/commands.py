"""What a service's ``command`` may say, and which port it makes the service listen on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jupyter_sysdesign.environment.addresses import POSTGRES_PORT, VALKEY_PORT
from jupyter_sysdesign.environment.passwords import token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_sysdesign.environment.spec import ServiceSpec

UVICORN_PORT = 8000

# Where the server listens, who may enter and where its data lie is the runtime's business.
_POSTGRES_OURS = frozenset(
    (
        "config_file",
        "data_directory",
        "external_pid_file",
        "hba_file",
        "ident_file",
        "listen_addresses",
        "logging_collector",
        "port",
        "shared_preload_libraries",
        "unix_socket_directories",
        "unix_socket_group",
        "unix_socket_permissions",
    )
)
_VALKEY_OURS = frozenset(
    ("bind", "daemonize", "dir", "include", "logfile", "pidfile", "port", "unixsocket")
)
_UVICORN_OURS = frozenset(("--uds", "--fd", "--reload", "--app-dir", "--env-file"))
#: Each of them would report figures of its own, and a look at one service would show one of them.
_ONE_PROCESS = "a service is one process here: for more of them, add services"
_SETTING = re.compile(r"[a-z][a-z0-9_.]*", re.IGNORECASE)


class CommandError(ValueError):
    """A command that cannot be run here.

    Attributes:
        where: keys below the service that it is about.
    """

    def __init__(self, message: str, *where: str | int) -> None:
        super().__init__(message)
        self.where = where or ("command",)


def check(spec: ServiceSpec) -> int | None:
    """Return the container port ``spec`` listens on, None if there is none.

    Raises:
        CommandError: the command or the environment does not fit the kind of service.
    """
    if spec.kind == "postgres":
        return _postgres(spec)
    if spec.kind == "valkey":
        dict(valkey_settings(spec))
        if spec.environment:
            raise CommandError(
                "Valkey takes no environment here: write it into its command", "environment"
            )
        return VALKEY_PORT
    if spec.kind == "haproxy":
        return _haproxy(spec)
    return _python(spec)


def postgres_settings(spec: ServiceSpec) -> Iterator[tuple[str, str]]:
    """Yield the server settings of ``postgres -c name=value …``.

    Raises:
        CommandError: not of that form, or a setting that is the runtime's.
    """
    words = list(enumerate(spec.command))
    if words and words.pop(0)[1] != "postgres":
        raise CommandError("the command of a database begins with postgres", "command", 0)
    while words:
        index, word = words.pop(0)
        if word == "-c" and words:
            index, word = words.pop(0)
        elif word.startswith("--") or (word.startswith("-c") and len(word) > len("-c")):
            word = word[2:]
        else:
            raise CommandError(f"{word}: only -c name=value is known here", "command", index)
        name, equals, value = word.partition("=")
        if not equals or not _SETTING.fullmatch(name):
            raise CommandError(f"{word}: write name=value", "command", index)
        name = name.replace("-", "_").lower()
        if name in _POSTGRES_OURS:
            raise CommandError(f"{name} is set by the runtime", "command", index)
        yield name, value


def valkey_settings(spec: ServiceSpec) -> Iterator[tuple[str, str]]:
    """Yield the settings of ``valkey-server --name value …``.

    Raises:
        CommandError: not of that form, or a setting that is the runtime's.
    """
    words = list(enumerate(spec.command))
    if words and words.pop(0)[1] != "valkey-server":
        raise CommandError("the command of a cache begins with valkey-server", "command", 0)
    while words:
        index, word = words.pop(0)
        if not word.startswith("--"):
            raise CommandError(f"{word}: only --name value is known here", "command", index)
        name, values = word[2:].lower(), []
        while words and not words[0][1].startswith("--"):
            values.append(words.pop(0)[1])
        if name in _VALKEY_OURS:
            raise CommandError(f"{name} is set by the runtime", "command", index)
        if name == "requirepass":
            if values != [f"${{{token(spec.name)}}}"]:
                raise CommandError(
                    f"requirepass can only be ${{{token(spec.name)}}}", "command", index
                )
            continue  # always set, in a file nobody else can read
        yield name, " ".join(_quoted(each) for each in values)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _postgres(spec: ServiceSpec) -> int:
    dict(postgres_settings(spec))
    if spec.replica_of:
        if spec.environment:
            raise CommandError(
                f"a replica takes no environment: its roles are those of {spec.replica_of}",
                "environment",
            )
        return POSTGRES_PORT
    known = ("POSTGRES_DB", "POSTGRES_USER", "POSTGRES_PASSWORD")
    for name in spec.environment:
        if name not in known:
            raise CommandError(f"{name}: a database knows {', '.join(known)}", "environment", name)
    user = spec.environment.get("POSTGRES_USER", "")
    if not user or user in ("postgres", "grader") or user.startswith(("pg_", "sysdesign")):
        raise CommandError(
            "POSTGRES_USER is missing, or a name that is taken (postgres, grader, pg_…)",
            "environment",
            "POSTGRES_USER",
        )
    database = spec.environment.get("POSTGRES_DB", user)
    if database in ("postgres", "template0", "template1") or database.startswith("sysdesign"):
        raise CommandError(f"POSTGRES_DB: {database} is taken", "environment", "POSTGRES_DB")
    wanted = f"${{{token(spec.name)}}}"
    if spec.environment.get("POSTGRES_PASSWORD") != wanted:
        raise CommandError(
            f"POSTGRES_PASSWORD must be {wanted}: passwords are random",
            "environment",
            "POSTGRES_PASSWORD",
        )
    return POSTGRES_PORT


def _haproxy(spec: ServiceSpec) -> int | None:
    if spec.command:
        raise CommandError("HAProxy takes no command here: its file says everything")
    if spec.environment:
        raise CommandError(
            "HAProxy takes no environment here: write it into its file", "environment"
        )
    if len(spec.configs) != 1:
        raise CommandError(
            "HAProxy needs one configuration file: a config, or a volume "
            "./haproxy.cfg:/usr/local/etc/haproxy/haproxy.cfg:ro",
            "volumes",
        )
    return spec.published


def _python(spec: ServiceSpec) -> int | None:
    program = spec.command[0] if spec.command else ""
    if program == "python":
        if len(spec.command) == 1:
            raise CommandError("python needs a file or a module to run")
        if spec.ports:
            raise CommandError("only uvicorn can be published", "ports")
        return None
    if program != "uvicorn":
        raise CommandError("the command of a Python service begins with uvicorn or python")
    return _uvicorn(spec)


def _uvicorn(spec: ServiceSpec) -> int:
    if "WEB_CONCURRENCY" in spec.environment:
        raise CommandError(_ONE_PROCESS, "environment", "WEB_CONCURRENCY")
    port = UVICORN_PORT
    for index, word in enumerate(spec.command):
        name, equals, value = word.partition("=")
        if name in _UVICORN_OURS:
            raise CommandError(f"{name} is set by the runtime", "command", index)
        given = value if equals else "".join(spec.command[index + 1 : index + 2])
        if name == "--workers" and given != "1":
            raise CommandError(_ONE_PROCESS, "command", index)
        if name == "--port":
            if not given.isdigit():
                raise CommandError("--port needs a number", "command", index)
            port = int(given)
    return port

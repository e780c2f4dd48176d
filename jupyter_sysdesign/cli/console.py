"""``sysdesign console``: talk to a lesson's database or cache in a terminal.

The control plane hands out the password over its private socket; from here on it is in this
process, or in the environment of the client that this process starts, and never in an argument.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from jupyter_sysdesign.cli.output import COULD_NOT, DONE, command, console
from jupyter_sysdesign.cli.place import LessonArgument, WorkspaceOption, resolve
from jupyter_sysdesign.errors import ConflictError

if TYPE_CHECKING:
    from jupyter_sysdesign.control.models import Console

_PATIENCE_S = 180.0


@command
def talk(
    lesson: LessonArgument = None,
    *,
    service: Annotated[
        str | None, typer.Option(help="Which database or cache (default: the first).")
    ] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Talk to a lesson's database (pgcli) or cache in this terminal; started if needed."""
    from jupyter_sysdesign.control.client import ControlClient

    # The environment stays up as long as somebody talks to it.
    with ControlClient(holder=f"console:{os.getpid()}") as client:
        folder = resolve(client, lesson, workspace)
        status = client.create_environment(str(folder), start=False)
        with contextlib.suppress(ConflictError):  # it does not run yet
            client.console(status.id, service)  # what cannot be talked to is refused at once
        status = client.create_environment(str(folder), reuse=True)
        if status.state.value not in ("ready", "degraded"):
            console.print(f"Starting {status.lesson} …")
            client.wait(status.id, ("ready", "degraded"), timeout_s=_PATIENCE_S)
        found = client.console(status.id, service)
        if found.kind == "postgres":
            code = _postgres(found)
        else:
            from jupyter_sysdesign.cli.valkey_prompt import talk_to

            talk_to(found.url, found.service)
            code = DONE
    raise typer.Exit(DONE if code == 0 else COULD_NOT)


def _postgres(found: Console) -> int:
    from psycopg.conninfo import conninfo_to_dict

    variables = {
        "host": "PGHOST",
        "port": "PGPORT",
        "dbname": "PGDATABASE",
        "user": "PGUSER",
        "password": "PGPASSWORD",
    }
    facts = conninfo_to_dict(found.url)
    given = {variables[name]: str(facts[name]) for name in variables if facts.get(name)}
    with _uninterrupted():
        return subprocess.run(_client(), env={**os.environ, **given}, check=False).returncode


def _client() -> list[str]:
    if sys.stdin.isatty():
        # One connection, as a learner expects who counts them.
        pgcli = ["pgcli", "--single-connection", "--less-chatty", r"--prompt=\u@\d> "]
        return [sys.executable, "-m", *pgcli]
    from jupyter_sysdesign.environment import binaries

    return [str(binaries.find("psql")), "--no-psqlrc", "--set=ON_ERROR_STOP=1"]


class _uninterrupted:  # noqa: N801 (used like a function)
    """Leave Ctrl-C to the client, which shares this terminal."""

    def __enter__(self) -> None:
        # Not SIG_IGN: the client would begin with it, and no query of it could be interrupted.
        self._before = signal.signal(signal.SIGINT, lambda *_: None)

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)

"""Runs the building of a PostgreSQL template as a process, and can end it at any time."""

from __future__ import annotations

import json
import os
import selectors
import shutil
import subprocess
from typing import IO, TYPE_CHECKING, Any

from jupyter_sysdesign.environment.file_copy import no_room, tree_bytes
from jupyter_sysdesign.environment.status import Progress
from jupyter_sysdesign.environment.templates import STOPPED
from jupyter_sysdesign.errors import ConflictError, InvalidFileError, StartFailedError
from jupyter_sysdesign.interpreter import module_command

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator
    from pathlib import Path

    from jupyter_sysdesign.environment.services.base import OnProgress
    from jupyter_sysdesign.environment.services.postgres_files import Database

_POLL_S = 0.25


def build_template(
    *,
    data: Path,
    sockets: Path,
    scripts: list[tuple[str, Path]],
    key: str,
    database: Database,
    postgres: Path,
    instance: str,
    cancelled: threading.Event,
    progress: OnProgress | None,
) -> None:
    """Create ``data`` from ``scripts``; ``sockets`` is a short folder used meanwhile.

    Raises:
        InvalidFileError: a script failed; with its line.
        ResourceError: no space left.
        ConflictError: ``cancelled`` was set.
        StartFailedError: the server could not do it; with its last log lines.
    """
    order = {
        "data": str(data),
        "sockets": str(sockets),
        "scripts": [(name, str(path)) for name, path in scripts],
        "key": key,
        "database": database.name,
        "user": database.user,
        "initdb": str(postgres.with_name("initdb")),
        "postgres": str(postgres),
    }
    module = "jupyter_sysdesign.environment.services.postgres_build"
    shutil.rmtree(sockets, ignore_errors=True)
    with subprocess.Popen(
        module_command(module),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"SYSDESIGN_INSTANCE": instance},
        start_new_session=True,
    ) as process:
        try:
            assert process.stdin is not None  # noqa: S101 (asked for as a pipe)
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()
            last = _follow(process, data, cancelled, progress)
            if not last.get("built"):
                raise _error(last, process, data)
        finally:
            if process.stdin:
                process.stdin.close()  # ends it, and its server with it
            process.wait()
            shutil.rmtree(sockets, ignore_errors=True)


def _follow(
    process: subprocess.Popen[str],
    data: Path,
    cancelled: threading.Event,
    progress: OnProgress | None,
) -> dict[str, Any]:
    """Report progress until the process has its last word, and return that."""
    now = Progress(step="Creating an empty database")
    for line in _lines(process):
        if cancelled.is_set():
            raise ConflictError(STOPPED)
        if line is not None:
            said: dict[str, Any] = json.loads(line)
            if "step" not in said:
                return said
            now = Progress(step=said["step"], done=said["done"])
        if progress:
            progress(now.model_copy(update={"bytes": tree_bytes(data)}))
    return {}


def _lines(process: subprocess.Popen[str]) -> Iterator[str | None]:
    """Yield lines as they come, None now and then while there is none."""
    assert process.stdout is not None  # noqa: S101 (asked for as a pipe)
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        reader = _LineReader(process.stdout)
        while not reader.ended:
            if selector.select(_POLL_S):
                yield from reader.take()
            else:
                yield None


class _LineReader:
    """Whole lines from a pipe whose buffered reader would hide what has already arrived."""

    def __init__(self, stream: IO[str]) -> None:
        self.descriptor = stream.fileno()
        self.rest = b""
        self.ended = False

    def take(self) -> list[str]:
        data = os.read(self.descriptor, 1 << 16)
        self.ended = not data
        *lines, self.rest = (self.rest + data).split(b"\n")
        return [line.decode() for line in lines]


def _error(last: dict[str, Any], process: subprocess.Popen[str], data: Path) -> Exception:
    failed = last.get("failed")
    if failed is None:
        assert process.stderr is not None  # noqa: S101 (asked for as a pipe)
        said = process.stderr.read().strip().splitlines()[-5:]
        return StartFailedError("Preparing the database failed: " + "\n".join(said))
    if failed["kind"] == "script":
        return InvalidFileError(failed["message"], file=failed["file"], line=failed["line"])
    if failed["kind"] == "disk":
        return no_room(data.parent.parent, "the seeded database")
    return StartFailedError(f"Preparing the database failed: {failed['message']}")

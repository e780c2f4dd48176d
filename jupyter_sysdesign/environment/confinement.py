"""What a service that runs a learner's files may see, where the learner is not trusted.

A control plane whose environment has ``SYSDESIGN_CONFINE=1`` (a grader starts such ones) runs every
service of this kind in a box of its own: it sees its programs, its own files and the instance's
sockets; not the checker, not the other services' processes and data, not the pristine system.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from jupyter_sysdesign.environment.confine import View, command
from jupyter_sysdesign.environment.owner import make_folder, server_owner

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from jupyter_sysdesign.environment.launch import Launch
    from jupyter_sysdesign.environment.services.place import Place

VARIABLE = "SYSDESIGN_CONFINE"

_SCRATCH_BYTES = 64 << 20


def confined(launch: Launch, place: Place, reads: Iterable[Path], scratch: Path | None) -> Launch:
    """Return ``launch`` in a box, if this control plane confines what learners wrote."""
    if not os.environ.get(VARIABLE):
        return launch
    argv = tuple(boxed(launch.argv, place, reads, scratch, launch.cwd))
    return replace(launch, argv=argv, python=())


def boxed(
    argv: Iterable[str], place: Place, reads: Iterable[Path], scratch: Path | None, cwd: Path
) -> list[str]:
    """Return the argv that runs ``argv`` in a box; as it is where nothing is confined."""
    if not os.environ.get(VARIABLE):
        return list(argv)
    services = place.spec.services.values()
    databases = [place.addresses.folder(each.name) for each in services if each.kind == "postgres"]
    for folder in databases:  # a socket that is put in its place later would be taken for its own
        make_folder(folder, server_owner())
    sockets = str(place.sockets)
    view = View(
        read=[*_programs(), *map(str, reads), *map(str, databases)],
        write={sockets: sockets},
        scratch={} if scratch is None else {str(scratch): _SCRATCH_BYTES},
        cwd=str(cwd),
        network=_talks_by_port(place),
    )
    return command(view, list(argv))


def _programs() -> list[str]:
    return sorted({sys.prefix, sys.base_prefix, sys.exec_prefix})


def _talks_by_port(place: Place) -> bool:
    """Tell whether services of the lesson reach each other by ports, not by sockets."""
    return any(each.tcp and not each.ports for each in place.spec.services.values()) or any(
        each.tcp for each in place.spec.routes
    )

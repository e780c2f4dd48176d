"""What a service that runs a learner's files may see, where the learner is not trusted.

A control plane whose environment has ``SYSDESIGN_CONFINE=1`` (a grader starts such ones) runs every
service of this kind in a box of its own: it sees its programs, its own files and the instance's
sockets; not the checker, not the other services' processes and data, not the pristine system.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import jupyter_sysdesign
from jupyter_sysdesign.environment.confine import View, command

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyter_sysdesign.environment.launch import Launch

VARIABLE = "SYSDESIGN_CONFINE"

_SCRATCH_BYTES = 64 << 20


def confined(launch: Launch) -> Launch:
    """Return ``launch`` in a box, if this control plane confines what learners wrote."""
    if not launch.untrusted or not os.environ.get(VARIABLE):
        return launch
    return replace(launch, argv=tuple(boxed(launch.argv, launch)), python=())


def boxed(argv: Iterable[str], launch: Launch) -> list[str]:
    """Return the argv that runs ``argv`` in the box of ``launch``; as it is where there is none."""
    if not os.environ.get(VARIABLE):
        return list(argv)
    view = View(
        read=[*_programs(), *map(str, launch.reads)],
        write={str(folder): str(folder) for folder in launch.writes},
        scratch={} if launch.scratch is None else {str(launch.scratch): _SCRATCH_BYTES},
        cwd=str(launch.cwd),
        network=launch.network,
    )
    return command(view, list(argv))


def alone(argv: list[str]) -> list[str]:
    """Return the argv that runs a program of ours in a box with nothing but it, and no network."""
    if not os.environ.get(VARIABLE):
        return argv
    package = Path(jupyter_sysdesign.__file__).parent
    return command(View(read=[*_programs(), str(package)], write={}, scratch={}, cwd="/"), argv)


def _programs() -> list[str]:
    return sorted({sys.prefix, sys.base_prefix, sys.exec_prefix})

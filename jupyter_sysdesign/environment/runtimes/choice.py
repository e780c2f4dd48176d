"""Which runtime an instance runs on: the one asked for, else the configured one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, get_args

from jupyter_sysdesign.environment.ports import LocalPorts
from jupyter_sysdesign.environment.runtimes.embedded import Embedded
from jupyter_sysdesign.errors import InvalidRequestError

if TYPE_CHECKING:
    from jupyter_sysdesign.environment.runtimes import Listener, Ports, Runtime
    from jupyter_sysdesign.environment.services import Place

RuntimeName = Literal["embedded", "docker"]
NAMES: tuple[str, ...] = get_args(RuntimeName)
EMBEDDED, DOCKER = NAMES

#: The variable that names the runtime where nobody else does.
VARIABLE = "SYSDESIGN_RUNTIME"


def default() -> str:
    """Return the configured runtime.

    Raises:
        InvalidRequestError: what is configured is none.
    """
    name = os.environ.get(VARIABLE) or EMBEDDED
    if name not in NAMES:
        raise InvalidRequestError(
            f"{VARIABLE} is {name!r}, which is no runtime", hint=f"There are {', '.join(NAMES)}."
        )
    return name


def ports(name: str, instance: str) -> Ports:
    """Return where an instance takes its ports from; blocks.

    Raises:
        MissingBinaryError: there is no Docker engine, no image, no SDK.
        ResourceError: there is no room for another network.
    """
    if name == EMBEDDED:
        return LocalPorts()
    from jupyter_sysdesign.environment.runtimes.docker.network import Network  # noqa: PLC0415

    return Network(instance)


def runtime(name: str, place: Place, listener: Listener, *, temporary: bool) -> Runtime:
    """Return what will run the services of ``place``."""
    if name == EMBEDDED:
        return Embedded(place.instance, place.folder, place.sockets, listener, temporary=temporary)
    from jupyter_sysdesign.environment.runtimes.docker.runtime import Docker  # noqa: PLC0415

    return Docker(place, listener, temporary=temporary)

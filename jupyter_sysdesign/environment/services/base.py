"""What every kind of service can do for the runtime that runs it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from jupyter_sysdesign.environment.status import Progress

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_sysdesign.environment.addresses import Address
    from jupyter_sysdesign.environment.launch import Launch
    from jupyter_sysdesign.environment.services.place import Place
    from jupyter_sysdesign.environment.spec import ServiceSpec

OnProgress = Callable[[Progress], None]


class Service(Protocol):
    """One service of one instance. Methods block for milliseconds to seconds: run them in a thread.

    Order of use: ``check``, ``prepare``, then ``launch`` anew before every spawn. ``restock`` when
    the environment is up and idle. ``discard`` only while the service is stopped.

    Attributes:
        spec: what ``compose.yaml`` says.
    """

    spec: ServiceSpec

    @property
    def address(self) -> Address | None:
        """Where clients and collectors reach it, None for a worker that listens nowhere."""

    @property
    def watched(self) -> tuple[Path, ...]:
        """Files and folders whose change means ``check``, ``prepare`` and a restart."""

    def check(self) -> None:
        """Look at the learner's files without starting anything.

        Raises:
            InvalidFileError: they cannot work, e.g. ``app/server.py:12: invalid syntax``.
        """

    def prepare(self, progress: OnProgress | None = None) -> None:
        """Write configuration, and the pristine data where there is none yet. Safe to repeat.

        Raises:
            MissingBinaryError, ResourceError, InvalidFileError, StartFailedError.
        """

    def launch(self) -> Launch:
        """Return what to spawn; clears what a killed predecessor left (sockets, lock files).

        The probe returns once the service is fully usable: anything to be done after start, such
        as setting this instance's passwords, happens inside it before it returns.
        """

    def discard(self) -> None:
        """Forget the data: the next ``prepare`` starts pristine. The service must be stopped."""

    def restock(self) -> None:
        """Make the next ``prepare`` after a ``discard`` quick; empty the trash.

        Best effort: no room or no rights means that it does nothing.
        """


def environment(place: Place, service: str) -> dict[str, str]:
    """Return the environment every process starts from: nothing of the caller's but these."""
    kept = {name: os.environ[name] for name in ("PATH", "TZ") if name in os.environ}
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        **kept,
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "SYSDESIGN_INSTANCE": place.instance,
        "SYSDESIGN_SERVICE": service,
    }

"""What runs services: plain processes (embedded) or containers (Docker), behind one protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_sysdesign.environment.launch import Launch


@dataclass(frozen=True)
class Exit:
    """How a service ended.

    Attributes:
        code: exit code; negative: the signal that ended it.
        told: we asked for it.
        reason: set where the runtime ended it on its own, e.g. out of memory.
    """

    name: str
    pid: int
    code: int
    told: bool
    reason: str = ""


class Listener(Protocol):
    """What hears of everything that happens by itself; called on the event loop, in order."""

    def ended(self, how: Exit) -> None:
        """A service ended, asked or not."""

    def printed(self, name: str, ts: float, lines: Sequence[str], skipped: int) -> None:
        """A service printed ``lines``; ``skipped`` lines before them were not passed on."""

    def lost(self, reason: str) -> None:
        """The runtime itself died; none of its services runs any more. Not called by ``close``."""


class Ports(Protocol):
    """The TCP ports of one instance, held from start to stop. Methods block.

    Attributes:
        host: where this machine reaches them.
        inherits: a service inherits the socket that listens on its port; else it makes its own.
    """

    host: str
    inherits: bool

    def take(self, name: str, wanted: int, before: int | None) -> int:
        """Return a port for ``name``.

        Args:
            name: a service or route.
            wanted: what ``compose.yaml`` calls it.
            before: what it was last time.

        Raises:
            OSError, ResourceError: there is none.
        """

    def close(self) -> None:
        """Give all ports back."""


class Runtime(Protocol):
    """Runs the services of one instance and owns every signal to them."""

    async def open(self) -> None:
        """Get ready to spawn.

        Raises:
            ResourceError, StartFailedError.
        """

    async def close(self) -> None:
        """End everything that still runs, in whatever state; afterwards nothing of it is left."""

    async def spawn(self, launch: Launch) -> int:
        """Start one service, without a CPU quota yet; return its main process id.

        Raises:
            MissingBinaryError, StartFailedError, ResourceError, ConflictError.
        """

    async def stop(self, name: str) -> Exit | None:
        """Ask a service to stop, then kill it; return once all of it is gone (None: it was)."""

    async def kill(self, name: str) -> Exit | None:
        """Kill a service and everything below it; return once all of it is gone."""

    async def pause(self, name: str) -> None:
        """Freeze a service; returns once it is frozen. Quotas never wake it."""

    async def resume(self, name: str) -> None:
        """Let a paused service go on."""

    async def stands_still(self, name: str) -> str:
        """Return, of a service that was paused, what stands still; empty: something still runs."""

    async def set_quota(self, name: str, cpus: float | None) -> None:
        """Hold a running service to ``cpus`` cores from now on; None: no quota."""

    async def wait(self, name: str) -> Exit | None:
        """Return once the service has ended (None: it does not run)."""

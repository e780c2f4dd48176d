"""A running copy of the lesson's system, as a check sees it: from outside."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any

import httpx

from jupyter_sysdesign.environment.status import EnvironmentStatus, ServiceState, State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jupyter_sysdesign.control.client import ControlClient
    from jupyter_sysdesign.control.models import RunSummary

#: Of one request a check makes itself (load runs have the profile's own).
REQUEST_TIMEOUT_S = 10.0
MAX_ROWS = 10_000


class System:
    """One instance under check.

    Attributes:
        id: the environment's id.
        http: client whose base URL is the published service; every request times out.
    """

    def __init__(
        self,
        client: ControlClient,
        status: EnvironmentStatus,
        *,
        seed: int,
        profiles: Mapping[str, Any],
    ) -> None:
        """Look at the ready environment ``status``; ``profiles`` are load.yaml's, by name."""
        self.id = status.id
        self._client = client
        self._seed = seed
        self._profiles = profiles
        self.http = httpx.Client(base_url=status.url or "", timeout=REQUEST_TIMEOUT_S)
        self.pids = {each.name: each.pid for each in status.services}
        self.touched: set[str] = set()

    def load(
        self,
        profile: str,
        *,
        seed: int | None = None,
        scale: float = 1.0,
        duration_s: float | None = None,
    ) -> RunSummary:
        """Run a profile of ``load.yaml`` and return its summary.

        The seed defaults to one derived from the held-out seed and the profile's name: the same
        for the learner's and the pristine system.

        Raises:
            CannotTell: the load generator was the bottleneck, or the run did not finish.
        """
        raise NotImplementedError

    def sql(self, query: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Run one statement as the grader (reads everything, changes nothing).

        Parameters are ``%s``. At most 10,000 rows.
        """
        raise NotImplementedError

    def blocks(self) -> int:
        """Return the 8 KiB blocks the application's statements have touched so far."""
        raise NotImplementedError

    def wal_bytes(self) -> int:
        """Return the write-ahead log written so far, in bytes."""
        raise NotImplementedError

    def connections(self) -> int:
        """Return the client connections open now, the grader's own not counted."""
        raise NotImplementedError

    def status(self) -> EnvironmentStatus:
        """Return the environment's state now."""
        return self._client.environment(self.id)

    def kill(self, service: str) -> None:
        """Kill a service without warning (SIGKILL)."""
        raise NotImplementedError

    def restart(self, service: str) -> None:
        """Stop a service, start it again and wait until it answers."""
        raise NotImplementedError

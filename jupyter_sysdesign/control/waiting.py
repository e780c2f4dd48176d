"""When to stop waiting for an environment's state, for both clients."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from jupyter_sysdesign.environment.status import State
from jupyter_sysdesign.errors import ConflictError, StartFailedError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyter_sysdesign.environment.status import EnvironmentStatus


class Waiting:
    """Waits for one of ``states``, for ``timeout_s`` at most."""

    def __init__(self, environment_id: str, states: Iterable[str], timeout_s: float) -> None:
        self._id = environment_id
        self._states = {State(state) for state in states}
        self._timeout_s = timeout_s
        self._until = time.monotonic() + timeout_s
        self._was_starting = False

    def is_over(self, status: EnvironmentStatus) -> bool:
        """Tell whether the state is one of those waited for.

        Raises:
            StartFailedError: it failed, which is not one of them.
            ConflictError: it was being started, and was stopped.
            UnavailableError: the time is up.
        """
        if status.state in self._states:
            return True
        if status.state is State.FAILED:
            raise StartFailedError(status.reason, hint="`sysdesign env logs` says more.")
        if status.state is State.STOPPED and self._was_starting:
            raise ConflictError(f"{self._id} was stopped meanwhile", hint="Start it again.")
        self._was_starting |= status.state in (State.PREPARING, State.STARTING)
        if time.monotonic() > self._until:
            wanted = " or ".join(sorted(state.value for state in self._states))
            raise UnavailableError(
                f"{self._id} is {status.state.value}, not {wanted}, after {self._timeout_s:g} s",
                hint="`sysdesign env logs` says more.",
            )
        return False

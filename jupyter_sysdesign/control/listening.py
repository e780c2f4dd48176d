"""Hear an environment's events in a thread, while whoever wants to know waits for an end."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from jupyter_sysdesign.errors import InvalidRequestError, SysdesignError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from jupyter_sysdesign.control.client import ControlClient
    from jupyter_sysdesign.control.models import Event

_RETRY_S = 0.5


class Listener:
    """Calls ``hear`` with every event later than ``after``, in order, from a thread of its own.

    Events are for looking on: whoever waits for an end asks the control plane as well, so that a
    stream that breaks delays nothing. Use as a context manager.
    """

    def __init__(
        self, client: ControlClient, environment: str, after: int, hear: Callable[[Event], None]
    ) -> None:
        self._events = client.events(environment, after)
        self._hear = hear
        self._thread = threading.Thread(target=self._listen, name="sysdesign-listener", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._events.close()

    def _listen(self) -> None:
        while not self._events.closed.is_set():
            with contextlib.suppress(SysdesignError):
                self._follow()
            self._events.closed.wait(_RETRY_S)

    def _follow(self) -> None:
        try:
            for event in self._events:
                if self._events.closed.is_set():
                    return
                self._hear(event)
        except InvalidRequestError:
            self._events.after = 0  # a new control plane counts anew, and has not come that far

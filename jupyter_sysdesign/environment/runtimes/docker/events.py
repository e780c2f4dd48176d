"""What the engine says by itself about the containers of one instance, heard in a thread."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign import paths
from jupyter_sysdesign.environment.runtimes.docker import engine, labels
from jupyter_sysdesign.environment.runtimes.docker.network import HOLDER

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker import APIClient


class Events:
    """Calls ``oom`` with a container's id, or ``lost`` with why nothing can run, in a thread."""

    def __init__(
        self, instance: str, *, oom: Callable[[str], object], lost: Callable[[str], object]
    ) -> None:
        self._instance = instance
        self._oom = oom
        self._lost = lost
        self._stream: Any = None
        self._closed = False

    def open(self, _: APIClient) -> None:
        """Begin to listen; nothing that happens from now on is missed.

        Raises:
            SysdesignError: as ``engine.connect``.
        """
        self._client = client = engine.connect()
        client.timeout = None  # it may be silent for hours
        filters = {"type": "container", "label": [f"{labels.INSTANCE}={self._instance}"]}
        self._stream = client.events(decode=True, filters=filters)
        name = f"docker events {self._instance}"
        threading.Thread(target=self._listen, name=name, daemon=True).start()

    def close(self) -> None:
        """Hear no more."""
        self._closed = True
        if self._stream is not None:
            with contextlib.suppress(Exception):  # it has ended by itself
                self._stream.close()

    def _listen(self) -> None:
        with contextlib.suppress(Exception):  # whatever ends it, it has ended
            for event in self._stream:
                about = event["Actor"]["Attributes"]
                if about.get(labels.HOME) != str(paths.home()):
                    continue
                service = about.get(labels.SERVICE, "")
                if event["Action"] == "oom":
                    self._tell(self._oom, event["Actor"]["ID"])
                elif event["Action"] == "die" and service == HOLDER:
                    self._tell(self._lost, "Its private network was ended; perhaps Docker stopped")
        with contextlib.suppress(Exception):  # the SDK leaves it open when its socket is closed
            self._stream._response.close()  # noqa: SLF001
        self._client.close()
        self._tell(self._lost, "The Docker engine went away")

    def _tell(self, listener: Callable[[str], object], what: str) -> None:
        if not self._closed:
            with contextlib.suppress(RuntimeError):  # the loop has closed
                listener(what)

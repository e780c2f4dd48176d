"""JSON lines on standard output that never make the engine wait for its reader."""

from __future__ import annotations

import json
import os
import select
import time
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.load.poller import WRITE

if TYPE_CHECKING:
    from jupyter_sysdesign.load.poller import Poller


class Outlet:
    """Buffers what the reader does not take.

    A run has a bounded number of ticks (600 s of ten) and of answers that are kept, so the buffer
    is bounded too: about 3 MB, and what those hold.
    """

    def __init__(self, fd: int, poller: Poller) -> None:
        """Make ``fd`` non-blocking and write to it."""
        self._fd = fd
        self._poller = poller
        self._pending = bytearray()
        self._watched = False
        self.broken = False
        os.set_blocking(fd, False)

    def say(self, document: dict[str, Any]) -> None:
        """Write one line, now or later."""
        self._pending += json.dumps(document, separators=(",", ":")).encode() + b"\n"
        self.flush()

    def flush(self) -> None:
        """Write what the reader takes now; what is left is watched for."""
        try:
            while self._pending:
                del self._pending[: os.write(self._fd, self._pending)]
        except BlockingIOError:
            pass
        except OSError:
            self.broken = True  # nobody reads any more
            self._pending.clear()
        if bool(self._pending) == self._watched:
            return
        if self._watched:
            self._poller.remove(self._fd)
        else:
            self._poller.add(self._fd, WRITE)
        self._watched = not self._watched

    def finish(self, timeout_s: float) -> None:
        """Write the rest, waiting for the reader, and give the descriptor back as it was."""
        end = time.monotonic() + timeout_s
        while self._pending and (left := end - time.monotonic()) > 0:
            select.select((), (self._fd,), (), min(left, 1.0))
            self.flush()
        os.set_blocking(self._fd, True)

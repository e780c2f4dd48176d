"""What the services of an instance print: kept in memory, told as events, found again later."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.environment.logs import LogLine, Ring, read_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path


class Console:
    """The log lines of one instance.

    Args:
        folder: where the runtime keeps the log files.
        emit: hears ``log.line`` events.
    """

    def __init__(self, folder: Path, emit: Callable[[str, dict[str, Any]], None]) -> None:
        self._folder = folder
        self._emit = emit
        self._ring = Ring()

    def printed(self, service: str, ts: float, lines: Sequence[str], skipped: int) -> None:
        """Keep and pass on what a service printed."""
        if skipped:
            note = f"… {skipped} lines skipped here; the file is {self._folder / service}.log"
            self._ring.add(LogLine(ts, service, note))
            self._emit("log.line", {"ts": ts, "service": service, "line": note, "skipped": skipped})
        for line in lines:
            self._ring.add(LogLine(ts, service, line))
            self._emit("log.line", {"ts": ts, "service": service, "line": line})

    def say(self, service: str, text: str) -> None:
        """Put a few lines of ours among what a service prints."""
        self.printed(service, time.time(), text.splitlines(), 0)

    def last(self, service: str, count: int) -> list[str]:
        """Return the last lines of a service."""
        return [each.line for each in self._ring.tail(service, count)]

    def tail(self, services: Iterable[str], count: int) -> list[dict[str, Any]]:
        """Return the last lines of some services, oldest first. Thread-safe; may read files."""
        lines: list[LogLine] = []
        for service in services:
            found = self._ring.tail(service, count)
            # Nothing yet: then what an earlier control plane left is the latest there is.
            lines += found or read_file(self._folder, service, count)
        lines.sort(key=lambda line: line.ts)  # stable: of one moment, in the order they came
        return [each._asdict() for each in lines[-count:]] if count > 0 else []

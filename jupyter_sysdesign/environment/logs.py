"""What services print: into bounded files, on to whoever watches, and the last of it in memory.

The supervisor reads the pipes (``Output``); the owner keeps the last lines (``Ring``).
"""

from __future__ import annotations

import calendar
import os
import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FILE_BYTES = 4 << 20
_LINE_BYTES = 8192
_LINES_PER_S = 100.0
_LINES_AT_ONCE = 300.0
_LAST_WORDS = 20


class LogFile:
    """``<service>.log``, and the one before it as ``<service>.log.1``; never more on disk."""

    def __init__(self, path: Path, limit_bytes: int = FILE_BYTES) -> None:
        self._path = path
        self._limit_bytes = limit_bytes
        self._file = -1
        self._size = 0

    def write(self, data: bytes) -> None:
        """Append; a full disk loses lines here, never the service."""
        try:
            if self._file < 0 or self._size >= self._limit_bytes:
                self._open()
            self._size += os.write(self._file, data)
        except OSError:
            self.close()

    def close(self) -> None:
        """Close the file; the next write opens it again."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _open(self) -> None:
        self.close()
        if self._path.exists() and self._path.stat().st_size >= self._limit_bytes:
            self._path.replace(f"{self._path}.1")
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._file = os.open(self._path, flags, 0o600)
        self._size = os.fstat(self._file).st_size


class Lines:
    """Bytes in, whole lines of text out, with secrets struck out and a bound on their length."""

    def __init__(self, redact: Iterable[str] = ()) -> None:
        # Longest first: one secret may be part of another.
        self._redact = sorted((secret for secret in redact if secret), key=len, reverse=True)
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """Return the lines that are complete now."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _LINE_BYTES:
            whole.append(self._rest)
            self._rest = b""
        return [self._text(line) for line in whole]

    def flush(self) -> list[str]:
        """Return what stands without a line end."""
        rest, self._rest = self._rest, b""
        return [self._text(rest)] if rest else []

    def _text(self, line: bytes) -> str:
        text = line.rstrip(b"\r").decode(errors="replace")
        for secret in self._redact:
            text = text.replace(secret, "********")
        if len(text) > _LINE_BYTES:  # after redaction: a cut secret would not be recognised
            text = text[:_LINE_BYTES] + " …"
        return text


class Allowance:
    """How many lines may be passed on: a few hundred at once, then a steady rate."""

    def __init__(self) -> None:
        self._left = _LINES_AT_ONCE
        self._at = time.monotonic()
        self._skipped = 0
        self._held: deque[str] = deque(maxlen=_LAST_WORDS)

    def take(self, lines: list[str]) -> list[str]:
        """Return the lines that may pass; the others are counted."""
        now = time.monotonic()
        self._left = min(self._left + (now - self._at) * _LINES_PER_S, _LINES_AT_ONCE)
        self._at = now
        count = min(len(lines), int(self._left))
        self._left -= count
        self._skipped += len(lines) - count
        if count:
            self._held.clear()
        else:
            self._held.extend(lines)
        return lines[len(lines) - count :]  # the newest are worth most

    def take_skipped(self) -> int:
        """Return how many were skipped since the last call, once some may pass again."""
        skipped = self._skipped if self._left >= 1 else 0
        self._skipped -= skipped
        return skipped

    def take_last(self) -> tuple[list[str], int]:
        """Return the last lines however many there were (the reason of a crash comes last)."""
        last, skipped = list(self._held), self._skipped - len(self._held)
        self._held.clear()
        self._skipped = 0
        return last, skipped


class Output:
    """Everything one service prints: kept in its file, and what of it may be shown."""

    def __init__(self, path: Path, redact: Iterable[str]) -> None:
        self._file = LogFile(path)
        self._lines = Lines(redact)
        self._allowance = Allowance()

    def feed(self, data: bytes) -> tuple[list[str], int]:
        """Return lines to pass on, and how many before them were skipped."""
        return self._keep(self._lines.feed(data))

    def finish(self, line: str | None = None) -> tuple[list[str], int]:
        """Return the last words, and how many lines before them were skipped.

        Args:
            line: one of our own to end with.
        """
        before, skipped = self._keep([*self._lines.flush(), *([] if line is None else [line])])
        held, more = self._allowance.take_last()
        return held + before, skipped + more

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _keep(self, lines: list[str]) -> tuple[list[str], int]:
        if lines:
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
            self._file.write("".join(f"{stamp}Z {line}\n" for line in lines).encode())
        skipped = self._allowance.take_skipped()
        return self._allowance.take(lines), skipped


class LogLine(NamedTuple):
    """One line as it is kept and shown; ``ts`` in seconds since the epoch."""

    ts: float
    service: str
    line: str


class Ring:
    """The last lines of one instance, per service."""

    def __init__(self, per_service: int = 1000) -> None:
        self._per_service = per_service
        self._kept: dict[str, deque[LogLine]] = {}

    def add(self, line: LogLine) -> None:
        """Keep one line; the oldest of that service goes when it is full."""
        kept = self._kept.setdefault(line.service, deque(maxlen=self._per_service))
        kept.append(line)

    def tail(self, service: str | None, count: int) -> list[LogLine]:
        """Return the last ``count`` lines of one service or of all, oldest first."""
        if service is not None:
            lines = list(self._kept.get(service, ()))
        else:  # copies: another thread may be adding
            every = [line for kept in list(self._kept.values()) for line in list(kept)]
            lines = sorted(every, key=lambda line: line.ts)  # of one moment, as they came
        return lines[-count:] if count > 0 else []


def read_file(folder: Path, service: str, count: int) -> list[LogLine]:
    """Return the last ``count`` lines of a service's file, as an earlier owner left it."""
    try:
        lines = (folder / f"{service}.log").read_text(errors="replace").splitlines()[-count:]
    except OSError:
        return []
    found = []
    for line in lines:
        stamp, _, rest = line.partition(" ")
        try:
            ts = float(calendar.timegm(time.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ")))
        except ValueError:
            continue
        found.append(LogLine(ts, service, rest))
    return found

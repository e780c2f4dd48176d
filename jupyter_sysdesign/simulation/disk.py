"""A node's disk: what is written may be lost until it is synced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from jupyter_sysdesign.simulation.values import ATOMS, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping


class PowerCut(BaseException):
    """The node crashes in the middle of a handler; nothing after this statement happens.

    It is no ``Exception``, so that a node's ``except Exception`` cannot survive it.
    """


class Tap(Protocol):
    """Hears of a disk: each write (``"wrote"``), before and after each sync (``"syncing"``, …)."""

    def __call__(self, kind: str) -> None:
        """Hear of one.

        Raises:
            PowerCut: it is the last thing that happens.
        """

    def spared(self) -> Mapping[str, int]:
        """Return how many of a kind surely go by during one event; all of those not named."""


class Disk:
    """Named values, and named logs that grow at the end and are cut at either end.

    A read sees one's own writes at once. A crash loses those that ``sync`` did not follow: all of
    them, or (as real disks do) all after some point.

    Attributes:
        writes: how many writes there were.
        syncs: how many syncs.
        tap: hears of writes and syncs, and may cut the power.
        cut: the power was cut, and the node has not crashed yet: it may be in a ``finally``.
    """

    __slots__ = ("_durable", "_pending", "_seen", "cut", "syncs", "tap", "writes")

    def __init__(self) -> None:
        self._durable: dict[str, Any] = {}
        self._seen: dict[str, Any] = {}
        self._pending: list[tuple[str, str, Any]] = []
        self.writes = 0
        self.syncs = 0
        self.tap: Tap | None = None
        self.cut = False

    def read(self, name: str, default: Any = None) -> Any:
        """Return the value written last, or ``default``."""
        return frozen(self._seen.get(name, default))

    def write(self, name: str, value: Any) -> None:
        """Replace a value."""
        self._write("write", name, value if type(value) in ATOMS else frozen(value))

    def log(self, name: str) -> list[Any]:
        """Return a copy of a log, oldest record first."""
        return [frozen(record) for record in self._seen.get(name, ())]

    def append(self, name: str, record: Any) -> None:
        """Add a record to the end of a log."""
        self._write("append", name, frozen(record))

    def truncate(self, name: str, length: int) -> None:
        """Keep only the first ``length`` records of a log."""
        self._write("truncate", name, length)

    def forget(self, name: str, count: int) -> None:
        """Drop the first ``count`` records of a log."""
        self._write("forget", name, count)

    def sync(self) -> None:
        """Make everything written so far survive a crash."""
        if self.cut:
            raise PowerCut
        self.syncs += 1
        if self.tap is not None and self._pending:  # else a crash would lose nothing
            self._tell(self.tap, "syncing")
        durable = self._durable
        for write in self._pending:
            _apply(durable, *write)
        self._pending.clear()
        if self.tap is not None:
            self._tell(self.tap, "synced")

    def crash(self, kept: int = 0) -> None:
        """Lose the writes since the last sync, except the first ``kept`` of them."""
        for write in self._pending[:kept]:
            _apply(self._durable, *write)
        self.cut = False
        self._pending = []
        self._seen = _copied(self._durable)

    @property
    def unsynced(self) -> int:
        """How many writes a crash could lose."""
        return len(self._pending)

    def _write(self, operation: str, name: str, value: Any) -> None:
        if self.cut:
            raise PowerCut
        self.writes += 1
        _apply(self._seen, operation, name, value)
        self._pending.append((operation, name, value))
        if self.tap is not None:
            self._tell(self.tap, "wrote")

    def _tell(self, tap: Tap, kind: str) -> None:
        try:
            tap(kind)
        except PowerCut:
            self.cut = True
            raise

    def state(self) -> tuple[Any, ...]:
        """Return all there is on it, for ``restore``."""
        return _copied(self._durable), _copied(self._seen), tuple(self._pending)

    def restore(self, state: tuple[Any, ...]) -> None:
        """Go back to what ``state`` returned."""
        durable, seen, pending = state
        self._durable, self._seen = _copied(durable), _copied(seen)
        self._pending = list(pending)


def _apply(files: dict[str, Any], operation: str, name: str, value: Any) -> None:
    if operation == "write":
        files[name] = value
        return
    log = files.get(name)
    if not isinstance(log, list):
        log = files[name] = []
    if operation == "append":
        log.append(value)
    elif operation == "truncate":
        del log[value:]
    else:
        del log[:value]


def _copied(files: dict[str, Any]) -> dict[str, Any]:
    return {key: list(value) if type(value) is list else value for key, value in files.items()}

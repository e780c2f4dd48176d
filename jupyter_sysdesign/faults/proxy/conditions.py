"""What is done to the bytes of one link: all faults on it together."""

from __future__ import annotations

from random import Random
from typing import Any

#: Directions; also the index of what is kept per direction.
TO_TARGET, TO_SOURCE = 0, 1

RECV_BYTES = 1 << 16
_LEAST_PIECE_BYTES = 256
#: A thin line is given pieces of this length, so that connections take turns on it.
_PIECE_S = 0.02
_HIGH_BYTES = 1 << 20
_THIN_PIECES = 4
_WAYS = {"both": (TO_TARGET, TO_SOURCE), "to_target": (TO_TARGET,), "to_source": (TO_SOURCE,)}


class _Draws:
    """A fault that draws: its range or share, and where its draws come from."""

    __slots__ = ("random", "value")

    def __init__(self, value: float, seed: int) -> None:
        self.value = value
        self.random = Random(seed).random  # noqa: S311 (no secret)


class Conditions:
    """The faults of one link.

    Attributes:
        calm: there are none.
        cut: directions in which nothing passes.
        swallows: everything is thrown away.
        delays: bytes may have to wait.
        high_bytes: what may wait in one direction of one connection before reading stops.
        piece_bytes: how much is read at once.
    """

    __slots__ = (
        "_connection_resets",
        "_faults",
        "_free_at",
        "_jitters",
        "_latency_ns",
        "_ns_per_byte",
        "_request_resets",
        "calm",
        "cut",
        "delays",
        "high_bytes",
        "piece_bytes",
        "swallows",
    )

    def __init__(self) -> None:
        self._faults: dict[str, tuple[str, Any]] = {}
        self._free_at = [0, 0]
        self._merge()

    @property
    def identities(self) -> list[str]:
        """Return which faults are in force."""
        return list(self._faults)

    @property
    def draws_connections(self) -> bool:
        """Tell whether new connections may be reset."""
        return bool(self._connection_resets)

    @property
    def draws_requests(self) -> bool:
        """Tell whether requests may be reset."""
        return bool(self._request_resets)

    def put(self, identity: str, kind: str, arguments: dict[str, Any]) -> None:
        """Add a fault; one that is there already stays as it is.

        Raises:
            ValueError, KeyError, TypeError: it makes no sense.
        """
        if identity in self._faults:
            return
        value: Any = None
        if kind == "latency":
            value = int(arguments["latency_ms"] * 1e6)
        elif kind == "jitter":
            value = _Draws(arguments["jitter_ms"] * 1e6, arguments["seed"])
        elif kind == "bandwidth":
            value = arguments["kib_per_s"] * 1024
        elif kind == "partition":
            value = _WAYS[arguments["direction"]]
        elif kind == "reset":
            value = arguments["of"], _Draws(arguments["share"], arguments["seed"])
        elif kind != "blackhole":
            raise ValueError(f"{kind} is nothing that can be done to a link")
        self._faults[identity] = kind, value
        self._merge()

    def take_back(self, identity: str) -> None:
        """Remove a fault, if it is there."""
        self._faults.pop(identity, None)
        self._merge()

    def clear(self) -> None:
        """Remove all faults."""
        self._faults.clear()
        self._merge()

    def due(self, direction: int, size: int, now: int, *, drawn: bool) -> int:
        """Tell when ``size`` bytes that were sent ``now`` arrive, in ns.

        ``drawn``: they take the next draw of jitter; else none, and the sequence stays as it is.
        """
        due = now
        if self._ns_per_byte:
            free_at = max(now, self._free_at[direction]) + int(size * self._ns_per_byte)
            due = self._free_at[direction] = free_at
        if direction == TO_TARGET:
            due += self._latency_ns
            if drawn:
                for jitter in self._jitters:
                    due += int(jitter.random() * jitter.value)
        return due

    def dooms_connection(self) -> bool:
        """Draw whether a new connection will be reset."""
        return _any_drawn(self._connection_resets)

    def dooms_request(self) -> bool:
        """Draw whether a request will be reset."""
        return _any_drawn(self._request_resets)

    def _merge(self) -> None:
        def of(kind: str) -> list[Any]:
            return [value for each, value in self._faults.values() if each == kind]

        self.calm = not self._faults
        self.cut = frozenset(way for ways in of("partition") for way in ways)
        self.swallows = bool(of("blackhole"))
        self._latency_ns = sum(of("latency"))
        self._jitters: list[_Draws] = of("jitter")
        self._request_resets = [draws for what, draws in of("reset") if what == "requests"]
        self._connection_resets = [draws for what, draws in of("reset") if what == "connections"]
        rate = min(of("bandwidth"), default=0.0)
        self._ns_per_byte = 1e9 / rate if rate else 0.0
        self._free_at[:] = 0, 0
        self.delays = bool(self._latency_ns or self._jitters or rate)
        self.high_bytes, self.piece_bytes = _HIGH_BYTES, RECV_BYTES
        if rate:
            self.piece_bytes = min(max(int(rate * _PIECE_S), _LEAST_PIECE_BYTES), RECV_BYTES)
            # What a line of this length holds, and a little to keep it busy.
            on_the_way = int(rate * self._latency_ns / 1e9)
            self.high_bytes = on_the_way + _THIN_PIECES * self.piece_bytes


def _any_drawn(resets: list[_Draws]) -> bool:
    # Every one draws, so that the draws of one do not depend on another.
    drawn = [each.random() < each.value for each in resets]
    return any(drawn)

"""The records the readiness loops work on; everything about them is for the loops' speed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable

    from jupyter_sysdesign.load.http1 import ResponseParser

_MEMO_ENTRIES = 512
_MEMO_HEAD_BYTES = 2048


class Endpoint:
    """One request of the mix, and what became of it since the last tick.

    A server answers one endpoint with the same head over and over. A head that went through the
    strict parser once, and was expected, of fixed length and kept the connection alive, is
    remembered with the bytes that follow it; the same bytes need no parsing again.

    Attributes:
        latencies: of responses with an expected status, in ns.
        waits: of requests that timed out, in ns.
        errors: by kind.
        add: ``latencies.append``.
        seen: from a raw head to the bytes of blank line and body after it, or None.
        last: the last response that was looked up, whole: the next one may well be the same.
    """

    __slots__ = (
        "_expect",
        "add",
        "answers_head",
        "errors",
        "last",
        "latencies",
        "memo",
        "name",
        "seen",
        "waits",
    )

    def __init__(
        self, name: str, *, method: str = "GET", expect: Iterable[int] | None = None
    ) -> None:
        self.name = name
        self.answers_head = method == "HEAD"
        self._expect = frozenset(expect if expect is not None else range(200, 300))
        self.latencies: list[int] = []
        self.waits: list[int] = []
        self.errors: dict[str, int] = {}
        self.add = self.latencies.append
        self.memo: dict[bytes, int] = {}
        self.seen: Callable[[bytes], int | None] = self.memo.get
        self.last: bytes | None = None

    def expects(self, status: int) -> bool:
        """Tell whether a status counts as success."""
        return status in self._expect

    def remember(self, head: bytes, body_bytes: int) -> None:
        """Remember a head whose response needs no second look."""
        if len(head) <= _MEMO_HEAD_BYTES:
            if len(self.memo) >= _MEMO_ENTRIES:
                self.memo.clear()
            self.memo[head] = body_bytes + 4

    def fail(self, kind: str) -> None:
        """Count an error."""
        self.errors[kind] = self.errors.get(kind, 0) + 1


#: What an idle connection waits for: nothing, so that no response of it is ever counted.
NOTHING = Endpoint("")


class Connection:
    """One connection, or the place of one that is about to be opened.

    Attributes:
        due: when the request in flight was meant to be sent, ns; 0 when there is none.
        fast: the next bytes may be looked up in the endpoint's memo.
        unsent: what is still to be written of the request.
        connecting: the handshake is not known to be over.
        retiring: to be closed after its response.
        failures: in a row, without a response between them.
        timer: when it is to be opened (again), ns; 0 when it is not.
    """

    __slots__ = (
        "connecting",
        "due",
        "endpoint",
        "failures",
        "fast",
        "fd",
        "parser",
        "recv",
        "retiring",
        "send",
        "socket",
        "timer",
        "unsent",
    )

    recv: Callable[[int], bytes]
    send: Callable[[bytes], int]

    def __init__(self) -> None:
        self.socket: socket.socket | None = None
        self.fd = -1
        self.due = 0
        self.endpoint = NOTHING
        self.fast = False
        self.parser: ResponseParser | None = None
        self.unsent: memoryview | None = None
        self.connecting = False
        self.retiring = False
        self.failures = 0
        self.timer = 0

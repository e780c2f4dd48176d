"""The records the proxy's loop works on; everything about them is for the loop's speed."""

from __future__ import annotations

import socket
import struct
from collections import deque
from typing import TYPE_CHECKING

from jupyter_sysdesign.faults.proxy.conditions import TO_SOURCE, TO_TARGET, Conditions

if TYPE_CHECKING:
    from collections.abc import Callable

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Link:
    """One marked link.

    Attributes:
        name: ``(source, target)``.
    """

    __slots__ = ("conditions", "connections", "listeners", "name")

    def __init__(self, name: tuple[str, str]) -> None:
        self.name = name
        self.conditions = Conditions()
        self.connections: set[Connection] = set()
        self.listeners: list[Listener] = []


class Listener:
    """One socket that a link's source connects to, and where it leads.

    Attributes:
        waiting: connections that the target's backlog had no place for, and some that ended since.
    """

    __slots__ = ("accepting", "address", "family", "fd", "link", "socket", "waiting")

    def __init__(
        self, link: Link, listening: socket.socket, address: str | tuple[str, int]
    ) -> None:
        self.link = link
        self.socket = listening
        self.fd = listening.fileno()
        self.family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.address = address
        self.accepting = False
        self.waiting: deque[Connection] = deque()


class End:
    """One of the two sockets of a connection.

    Attributes:
        events: what it is watched for.
        pipe: the pipe that it is the source of.
        back: the pipe that it is the sink of.
    """

    __slots__ = ("back", "events", "fd", "pipe", "socket")

    pipe: Pipe
    back: Pipe

    def __init__(self, connected: socket.socket) -> None:
        connected.setblocking(False)  # noqa: FBT003 (the standard library's own signature)
        if connected.family == socket.AF_INET:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = connected
        self.fd = connected.fileno()
        self.events = 0

    def close(self, *, reset: bool) -> None:
        """Close it; ``reset``: so that TCP says it was no orderly end."""
        if reset and self.socket.family == socket.AF_INET:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.socket.close()


class Pipe:
    """One direction of a connection.

    Attributes:
        clear: what arrives can be passed on as it is.
        queue: ``(due, bytes)`` in order; empty bytes are the end of the stream.
        queued: bytes in it.
        last_due: nothing may arrive before that: bytes keep their order.
        timer: when the loop will come back to the queue, ns; 0: it will not.
        blocked: the sink takes no more for now.
        ended: the source has said that it is done.
        finished: the sink has been told so.
    """

    __slots__ = (
        "blocked",
        "clear",
        "connection",
        "direction",
        "ended",
        "finished",
        "last_due",
        "queue",
        "queued",
        "recv",
        "send",
        "sink",
        "source",
        "timer",
    )

    def __init__(self, connection: Connection, direction: int, source: End, sink: End) -> None:
        self.connection = connection
        self.direction = direction
        self.source = source
        self.sink = sink
        self.recv: Callable[[int], bytes] = source.socket.recv
        self.send: Callable[[bytes], int] = sink.socket.send
        self.clear = False
        self.queue: deque[tuple[int, bytes]] = deque()
        self.queued = 0
        self.last_due = 0
        self.timer = 0
        self.blocked = self.ended = self.finished = False

    def hurry(self) -> None:
        """Let everything that waits be due now."""
        self.queue = deque((0, data) for _, data in self.queue)
        self.last_due = 0


class Connection:
    """A connection of a link's source, and the one to its target that belongs to it.

    Attributes:
        server: None as long as there is none.
        established: bytes can pass.
        doomed: to be reset when the source says something.
        between: the source's next bytes begin a request.
        swallowed: bytes of it were thrown away, or would have been.
        echo: one of our own, to measure with; it takes no draws.
    """

    __slots__ = (
        "between",
        "client",
        "doomed",
        "echo",
        "established",
        "link",
        "pipes",
        "server",
        "swallowed",
    )

    def __init__(self, link: Link, client: End) -> None:
        self.link = link
        self.client = client
        self.server: End | None = None
        self.pipes: tuple[Pipe, ...] = ()
        self.established = False
        self.doomed = False
        self.between = True
        self.swallowed = False
        self.echo = False

    def join(self, server: End) -> None:
        """Lead both ends to each other."""
        self.server = server
        there = Pipe(self, TO_TARGET, self.client, server)
        back = Pipe(self, TO_SOURCE, server, self.client)
        self.client.pipe, self.client.back = there, back
        server.pipe, server.back = back, there
        self.pipes = there, back

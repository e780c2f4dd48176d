"""Free TCP ports of 127.0.0.1 that nobody can take between choosing and using them.

The owner keeps a *reservation*: a socket that is bound and never listens. Each start of the
service gets a listening socket of its own on the same port (``SO_REUSEPORT``, which the kernel
allows to the same user only), so that a dead service refuses connections while the port stays ours.
"""

from __future__ import annotations

import errno
import socket

HOST = "127.0.0.1"
#: What a service listens on where the network is its instance's own.
ANYWHERE = "0.0.0.0"  # noqa: S104 (there is nobody else)
_BACKLOG = 1024


class PortTakenError(OSError):
    """Another program has the port."""


class Reservation:
    """A port that stays ours until ``close``."""

    def __init__(self, port: int = 0) -> None:
        """Reserve ``port``, or any free one.

        Raises:
            PortTakenError: another program has it.
        """
        self._socket = _bound(port)
        self.port: int = self._socket.getsockname()[1]

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()


class LocalPorts:
    """The ports of an instance whose services are processes of this machine.

    Attributes:
        host, inherits: see ``Place``.
    """

    host = HOST
    inherits = True

    def __init__(self) -> None:
        self._held: list[Reservation] = []

    def take(self, name: str, wanted: int, before: int | None) -> int:  # noqa: ARG002 (protocol)
        """Return a port for ``name``: that of ``before`` if it is free.

        Raises:
            OSError: there is none.
        """
        self._held.append(reserve(before))
        return self._held[-1].port

    def close(self) -> None:
        """Give all ports back."""
        for each in self._held:
            each.close()


def reserve(preferred: int | None = None) -> Reservation:
    """Reserve the ``preferred`` port if it is free, else another one (compare ``port``)."""
    if preferred:
        try:
            # A listener that allows sharing would let us bind beside it.
            if not _answers(preferred):
                return Reservation(preferred)
        except PortTakenError:
            pass
    return Reservation()


def listening(port: int) -> socket.socket:
    """Return a new listening socket on a port that this user reserved.

    Connections accepted from it send small answers at once (TCP_NODELAY is inherited).

    Raises:
        PortTakenError: it is another program's.
    """
    sock = _bound(port)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.listen(_BACKLOG)
    # Only now, see below: its connections inherit it, and when they linger after everything is
    # over, other programs get the port all the same.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return sock


def _bound(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # Not SO_REUSEADDR: with it on both sides Linux lets another program bind beside a socket
        # that does not listen. SO_REUSEPORT alone also gets past connections that linger.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((HOST, port))
    except OSError as error:
        sock.close()
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            raise PortTakenError(error.errno, f"port {port} is taken by another program") from error
        raise
    return sock


def _answers(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.settimeout(1)
        return sock.connect_ex((HOST, port)) == 0

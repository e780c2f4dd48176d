"""Where load goes: one TCP address or one unix socket."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from typing import Any

from jupyter_sysdesign.errors import InvalidRequestError

_MAX_PORT = 65535


@dataclass(frozen=True)
class Target:
    """One HTTP/1.1 server on this machine.

    Attributes:
        host: name or address; also what the ``Host`` header says.
        port: TCP port.
        unix_path: unix socket to connect to instead of ``host:port``.
        anywhere: allow a host that is not this machine. Nothing that a person writes (a profile,
            a request) reaches this field: load is for one's own services only.

    Raises:
        InvalidRequestError: a port out of range, or a host that is not this machine.
    """

    host: str
    port: int
    unix_path: str | None = None
    anywhere: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.port <= _MAX_PORT:
            raise InvalidRequestError(f"{self.port} is not a TCP port")
        if not self.host.isascii() or any(char in self.host for char in "\r\n /"):
            raise InvalidRequestError(f"{self.host!r} is not a host")
        if self.unix_path is None and not self.anywhere and not is_loopback(self.host):
            raise InvalidRequestError(
                f"Load goes to services on this machine only, not to {self.host}",
                hint="Use the address of one of the lesson's services.",
            )

    @property
    def authority(self) -> str:
        """Return what the ``Host`` header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def resolve(self) -> tuple[socket.AddressFamily, Any]:
        """Return socket family and address to connect to; looks a name up, which may block.

        Raises:
            OSError: there is no such host.
        """
        if self.unix_path is not None:
            return socket.AF_UNIX, self.unix_path
        host = "127.0.0.1" if self.host == "localhost" else self.host
        found = socket.getaddrinfo(host, self.port, type=socket.SOCK_STREAM)
        return found[0][0], found[0][4]


def is_loopback(host: str) -> bool:
    """Tell whether ``host`` is this machine's loopback (``localhost``, 127.0.0.0/8, ``::1``)."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

"""The orders the proxy takes: JSON lines on one unix connection, a reply to each.

``listen`` makes the links, ``put`` and ``take_back`` change what is done to the bytes of one,
``clear`` takes all faults off all links, ``in_force`` names those on one, and ``echo`` sends bytes
through them to an echo and says how long they took. The end of the connection is the end of the
proxy.
"""

from __future__ import annotations

import contextlib
import json
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.environment import ports
from jupyter_sysdesign.faults.proxy.conditions import RECV_BYTES
from jupyter_sysdesign.faults.proxy.connection import End, Link, Listener
from jupyter_sysdesign.faults.proxy.loop import perf

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.faults.proxy.loop import Loop

    Reply = Callable[..., None]

_BACKLOG = 1024


class Control:
    """The orders of whoever started the proxy.

    Args:
        owner: the connection they come by.
    """

    def __init__(self, loop: Loop, owner: socket.socket) -> None:
        self._loop = loop
        self._owner = owner
        self._links: dict[tuple[str, str], Link] = {}
        self._unparsed = b""
        self._orders: dict[str, Callable[[dict[str, Any], Reply], None]] = {
            "listen": self._listen,
            "put": self._put,
            "take_back": self._take_back,
            "clear": self._clear,
            "in_force": self._in_force,
            "echo": self._echo,
        }
        loop.watch(owner.fileno(), self._read)

    def _read(self) -> None:
        try:
            data = self._owner.recv(RECV_BYTES)
        except OSError:
            data = b""
        if not data:
            self._loop.stopping = True
            return
        *lines, self._unparsed = (self._unparsed + data).split(b"\n")
        for line in lines:
            self._obey(json.loads(line))

    def _obey(self, order: dict[str, Any]) -> None:
        def reply(**answer: Any) -> None:
            text = json.dumps({"reply": order["id"], **answer}).encode() + b"\n"
            with contextlib.suppress(OSError):  # whoever asked is gone; the loop hears of it too
                self._owner.sendall(text)

        try:
            self._orders[order["op"]](order, reply)
        except (OSError, KeyError, ValueError, TypeError) as error:
            reply(error=f"{type(error).__name__}: {error}")

    def _listen(self, order: dict[str, Any], reply: Reply) -> None:
        """Open ``routes``: ``{link, listen, to}``, a path or a port of this machine each."""
        for route in order["routes"]:
            name = _name(route)
            link = self._links.setdefault(name, Link(name))
            to = route["to"]
            address = to if isinstance(to, str) else (ports.HOST, int(to))
            self._loop.listen(Listener(link, _listening(route["listen"]), address))
        reply()

    def _put(self, order: dict[str, Any], reply: Reply) -> None:
        link = self._links[_name(order)]
        link.conditions.put(order["fault"], order["kind"], order["arguments"])
        self._loop.changed(link)
        reply()

    def _take_back(self, order: dict[str, Any], reply: Reply) -> None:
        link = self._links[_name(order)]
        link.conditions.take_back(order["fault"])
        self._loop.changed(link)
        reply()

    def _clear(self, _: dict[str, Any], reply: Reply) -> None:
        for link in self._links.values():
            link.conditions.clear()
            self._loop.changed(link)
        reply()

    def _in_force(self, order: dict[str, Any], reply: Reply) -> None:
        reply(faults=self._links[_name(order)].conditions.identities)

    def _echo(self, order: dict[str, Any], reply: Reply) -> None:
        _Echo(self._loop, self._links[_name(order)], order["bytes"], order["patience_ms"], reply)


class _Echo:
    """Bytes sent through a link's conditions and back, timed."""

    def __init__(
        self, loop: Loop, link: Link, count: int, patience_ms: float, reply: Reply
    ) -> None:
        self._loop = loop
        self._left = count
        self._reply = reply
        self._asks, client = socket.socketpair()
        server, self._echoes = socket.socketpair()
        for each in (self._asks, self._echoes):
            each.setblocking(False)  # noqa: FBT003 (the standard library's own signature)
        loop.watch(self._asks.fileno(), self._heard)
        loop.watch(self._echoes.fileno(), self._throw_back)
        self._began = perf()
        self._connection = loop.open(link, End(client), End(server))
        self._connection.echo = True
        self._asks.send(b"\0" * count)
        loop.after(int(patience_ms * 1e6), lambda: self._finish(None))

    def _throw_back(self) -> None:
        with contextlib.suppress(OSError):
            self._echoes.send(self._echoes.recv(RECV_BYTES))

    def _heard(self) -> None:
        with contextlib.suppress(OSError):
            data = self._asks.recv(RECV_BYTES)
            self._left -= len(data)
            if self._left <= 0:
                self._finish((perf() - self._began) / 1e6)

    def _finish(self, took_ms: float | None) -> None:
        if self._asks.fileno() < 0:
            return
        for each in (self._asks, self._echoes):
            self._loop.forget(each.fileno())
            each.close()
        self._loop.abort(self._connection)
        self._reply(took_ms=took_ms)


def _name(order: dict[str, Any]) -> tuple[str, str]:
    source, target = order["link"]
    return source, target


def _listening(where: str | int) -> socket.socket:
    if isinstance(where, int):
        return ports.listening(where)
    with contextlib.suppress(FileNotFoundError):
        Path(where).unlink()
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(where)
    sock.listen(_BACKLOG)
    return sock

"""The closed loop: N clients, each sends its next request when its last one is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.load.connection import Connection
from jupyter_sysdesign.load.loop import RECV_BYTES, Loop, perf
from jupyter_sysdesign.load.poller import READ

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.load.plan import Plan
    from jupyter_sysdesign.load.poller import Poller

_BACKOFF_NS = 5_000_000
_MOST_BACKOFF_NS = 200_000_000


class ClosedLoop(Loop):
    """A loop with as many connections as the plan's level says."""

    def __init__(self, plan: Plan, poller: Poller, on_tick: Callable[[int], None]) -> None:
        """Prepare; see ``Loop``."""
        super().__init__(plan, poller, on_tick)
        self._clients: list[Connection] = []
        self._draining = False

    def _begin(self, now: int) -> None:
        self._adjust(now)

    def _turn(self, until: int) -> None:  # noqa: C901 (hot: a call per response would be dear)
        events = self._wait(until)
        woken = perf()
        connections = self._by_fd
        ready = self._ready
        for fd, mask in events:
            connection = connections.get(fd)
            if mask != READ or connection is None or not connection.fast:
                self._event(fd, mask)
                continue
            try:
                data = connection.recv(RECV_BYTES)
            except BlockingIOError:
                continue
            except OSError as error:
                self._broken(connection, error)
                continue
            endpoint = connection.endpoint
            if data != endpoint.last:
                end = data.find(b"\r\n\r\n")
                if endpoint.seen(data[:end]) != len(data) - end:
                    self._received(connection, data)
                    continue
                endpoint.last = data
            now = perf()
            endpoint.add(now - connection.due)
            if not ready:
                self._refill()
            payload, connection.endpoint = ready.pop()
            connection.due = now
            try:
                sent = connection.send(payload)
            except OSError as error:
                self._send_failed(connection, payload, error)
                continue
            if sent != len(payload):
                self._send_rest(connection, payload, sent)
        if events:
            self.lags.append(perf() - woken)

    def _beat(self, now: int) -> bool:
        if not self._draining:
            if now - self.started < self._plan.duration_ns:
                self._adjust(now)
                return False
            self._draining = True
            self._retire(self._clients)
        return not self._connections

    def _adjust(self, now: int) -> None:
        """Have as many clients as the plan wants now."""
        wanted = round(self._plan.level(now - self.started))
        if wanted < len(self._clients):
            self._retire(self._clients[wanted:])
            del self._clients[wanted:]
        while len(self._clients) < wanted:
            client = Connection()
            self._clients.append(client)
            self._open(client, perf())

    def _retire(self, clients: list[Connection]) -> None:
        for client in clients:
            client.retiring = True
            client.fast = False
            if not client.due:  # between two attempts
                self._close(client)

    def _free(self, connection: Connection, now: int) -> None:
        self._send(connection, now)

    def _gone(self, connection: Connection, now: int) -> None:
        if connection.retiring:
            return
        if connection.failures <= 1:  # a connection may break once: the next may well work
            self._open(connection, now)
            return
        doublings = min(connection.failures - 2, 10)
        self._set_timer(connection, now + min(_BACKOFF_NS << doublings, _MOST_BACKOFF_NS))

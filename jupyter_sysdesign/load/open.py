"""The open loop: requests arrive at their own times, whether or not the service keeps up.

A request that finds no free connection waits for one, and its latency still counts from the moment
it was due: a service that stalls cannot hide it by stalling its clients (coordinated omission).
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from jupyter_sysdesign.load.arrivals import arrivals
from jupyter_sysdesign.load.connection import NOTHING, Connection
from jupyter_sysdesign.load.loop import RECV_BYTES, Loop, perf
from jupyter_sysdesign.load.poller import READ

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.load.plan import Plan
    from jupyter_sysdesign.load.poller import Poller

_NEVER = 1 << 62
#: How many waiting requests may open connections in one turn.
_OPENED_PER_TURN = 64


class OpenLoop(Loop):
    """A loop that sends at the plan's rate, on as many connections as that needs."""

    def __init__(self, plan: Plan, poller: Poller, on_tick: Callable[[int], None]) -> None:
        """Prepare; see ``Loop``."""
        super().__init__(plan, poller, on_tick)
        self._arrivals = arrivals(plan.levels, poisson=plan.poisson, seed=plan.seed)
        self._due = _NEVER
        self._backlog: deque[int] = deque()
        # Last in, first out: as few connections as possible stay busy, the others may idle out.
        self._idle: list[Connection] = []

    @property
    def waiting(self) -> int:
        """Return how many requests are due but not sent, for want of a connection."""
        return len(self._backlog)

    def _begin(self, now: int) -> None:
        self._next_arrival()
        self._fire(now)

    def _turn(self, until: int) -> None:
        events = self._wait(min(until, self._due))
        now = perf()
        if self._due <= now:
            self._fire(now)
        connections, backlog, idle = self._by_fd, self._backlog, self._idle
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
            endpoint.add(perf() - connection.due)
            if backlog:
                self._send(connection, backlog.popleft())
            else:
                connection.due = 0
                connection.endpoint = NOTHING
                idle.append(connection)
        if backlog:
            self._open_for_backlog()

    def _beat(self, now: int) -> bool:
        if now - self.started < self._plan.duration_ns:  # the last request may be due well before
            return False
        over = self._due == _NEVER and not self._backlog
        return over and not any(each.due for each in self._connections)

    def _fire(self, now: int) -> None:
        """Send everything that is due."""
        while self._due <= now:
            due = self._due
            self.lags.append(now - due)
            connection = self._idle_connection()
            if connection is not None:
                self._send(connection, due)
            elif not self._backlog and len(self._connections) < self._plan.connections:
                self._open(Connection(), due)
            else:
                self._backlog.append(due)
            self._next_arrival()
            now = perf()

    def _next_arrival(self) -> None:
        offset = next(self._arrivals, None)
        self._due = _NEVER if offset is None else self.started + offset

    def _idle_connection(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.socket is not None:  # the server may have closed it meanwhile
                return connection
        return None

    def _open_for_backlog(self) -> None:
        for _ in range(_OPENED_PER_TURN):
            if not self._backlog or len(self._connections) >= self._plan.connections:
                return
            self._open(Connection(), self._backlog.popleft())

    def _expire(self, now: int) -> None:
        super()._expire(now)
        limit = now - self._plan.timeout_ns
        while self._backlog and self._backlog[0] < limit:
            _, endpoint = self._take()
            endpoint.waits.append(now - self._backlog.popleft())
            endpoint.fail("timeout")

    def _free(self, connection: Connection, now: int) -> None:  # noqa: ARG002 (a closed loop needs it)
        if self._backlog:
            self._send(connection, self._backlog.popleft())
        else:
            connection.endpoint = NOTHING
            self._idle.append(connection)

    def _gone(self, connection: Connection, now: int) -> None:
        """Do nothing: whoever waits for a connection opens one at the end of the turn."""

"""What the closed and the open loop have in common: connections, and requests on them."""

from __future__ import annotations

import errno
import heapq
import socket
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from jupyter_sysdesign.load.connection import NOTHING, Connection, Endpoint
from jupyter_sysdesign.load.http1 import ClosedError, ProtocolError, Response, ResponseParser
from jupyter_sysdesign.load.poller import READ, WRITE
from jupyter_sysdesign.load.requests import RequestStream
from jupyter_sysdesign.load.sample import MOST_BYTES, Kept, Sample

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.load.plan import Plan
    from jupyter_sysdesign.load.poller import Poller

RECV_BYTES = 65536
#: Timeouts, stages and the wish to stop are looked at this often.
BEAT_NS = 20_000_000
TICK_NS = 100_000_000
_RETRY_NS, _MOST_RETRY_NS = 2_000_000, 64_000_000

_KINDS = {
    errno.ECONNREFUSED: "refused",
    errno.ENOENT: "refused",  # the unix socket is gone
    errno.ECONNRESET: "reset",
    errno.EPIPE: "reset",
    errno.ETIMEDOUT: "timeout",
    errno.EADDRNOTAVAIL: "no_port",
    errno.EMFILE: "no_file",
    errno.ENFILE: "no_file",
}
#: Errors that are this machine's or the generator's, not the service's.
OWN_ERRORS = ("no_port", "no_file")

perf = time.perf_counter_ns


class Loop(ABC):
    """A readiness loop over non-blocking sockets.

    Attributes:
        endpoints: in the order of the mix.
        lags: how late the loop itself was, in ns, since someone last emptied the list.
        watched: descriptors that are no connections, with what to do when they are ready.
        stopping: set it to end the run at the next beat, without waiting for responses.
        sample: the answers that are kept; None: no answer is.
    """

    def __init__(self, plan: Plan, poller: Poller, on_tick: Callable[[int], None]) -> None:
        """Prepare; ``on_tick`` is called every 100 ms with the time since the start, in ns."""
        self.endpoints = [
            Endpoint(each["name"], method=each["method"], expect=each["expect"])
            for each in plan.mix
        ]
        self.lags: list[int] = []
        self.watched: dict[int, Callable[[], None]] = {}
        self.stopping = False
        self.started = 0
        self._plan = plan
        self._poller = poller
        self._on_tick = on_tick
        self._family, self._address = plan.target.resolve()
        self._stream = RequestStream(
            plan.mix,
            plan.parameters,
            self.endpoints,
            seed=plan.seed,
            authority=plan.target.authority,
            keep_alive=plan.keep_alive,
            few=plan.keep > 0,
        )
        self.sample = Sample(plan.keep, plan.seed) if plan.keep else None
        self._taken = 0
        self._ready: list[tuple[bytes, Endpoint]] = []
        self._connections: set[Connection] = set()
        self._by_fd: dict[int, Connection] = {}
        self._closed: set[int] = set()
        self._timers: list[tuple[int, int, Connection | None]] = []
        self._timer_count = 0
        self._line: dict[Connection, None] = {}  # they wait for a place in the target's backlog
        self._line_moves = self._line_wait_ns = 0

    @property
    def taken(self) -> int:
        """Return how many requests were taken from the stream so far."""
        return self._taken - len(self._ready)

    @property
    def waiting(self) -> int:
        """Return how many requests are due but not sent, for want of a connection."""
        return 0

    def elapsed_ns(self) -> int:
        """Return how long the run has been going."""
        return perf() - self.started

    def run(self) -> None:
        """Run as long as the plan says and until all is answered or timed out, or ``stopping``."""
        self.started = now = perf()
        self._begin(now)
        next_beat, next_tick = now + BEAT_NS, self._tick_after(now, now)
        while not self.stopping:
            self._turn(next_beat)
            now = perf()
            if self._timers and self._timers[0][0] <= now:
                self._fire_timers(now)
            if now < next_beat:
                continue
            next_beat = max(next_beat + BEAT_NS, now)
            self._expire(now)
            over = self._beat(now)
            if now >= next_tick:
                next_tick = self._tick_after(next_tick, now)
                self._on_tick(now - self.started)
            if over:
                break

    def _tick_after(self, tick: int, now: int) -> int:
        """Return when to tick next: one tick is at the end of the plan, which no tick straddles."""
        end = self.started + self._plan.duration_ns
        following = max(tick + TICK_NS, now)
        return end if tick < end < following + TICK_NS // 2 else following

    def close(self) -> None:
        """Close all connections."""
        for connection in list(self._connections):
            self._close(connection)

    # --- what the two loops do differently ------------------------------------------------------

    @abstractmethod
    def _begin(self, now: int) -> None:
        """Send the first requests."""

    @abstractmethod
    def _turn(self, until: int) -> None:
        """Wait until something happens or ``until``, and deal with it."""

    @abstractmethod
    def _beat(self, now: int) -> bool:
        """Do what has to be done now and then; tell whether the run is over."""

    @abstractmethod
    def _free(self, connection: Connection, now: int) -> None:
        """Use a connection that can carry the next request."""

    @abstractmethod
    def _gone(self, connection: Connection, now: int) -> None:
        """Go on without a connection that was closed."""

    def _wait(self, until: int) -> list[tuple[int, int]]:
        """Wait for events, or until a moment or a timer."""
        if self._timers and self._timers[0][0] < until:
            until = self._timers[0][0]
        self._closed.clear()
        return self._poller.wait(until - perf())

    # --- requests -------------------------------------------------------------------------------

    def _take(self) -> tuple[bytes, Endpoint]:
        """Return the next request."""
        if not self._ready:
            self._refill()
        return self._ready.pop()

    def _refill(self) -> None:
        batch = self._stream.next()
        if self.sample is not None:
            self.sample.draw(self._taken, batch)
        self._taken += len(batch)
        batch.reverse()
        self._ready += batch

    def _send(self, connection: Connection, due: int) -> None:
        """Send the next request on an open connection."""
        payload, connection.endpoint = self._take()
        connection.due = due
        try:
            sent = connection.send(payload)
        except OSError as error:
            self._send_failed(connection, payload, error)
            return
        if sent != len(payload):
            self._send_rest(connection, payload, sent)

    def _send_failed(self, connection: Connection, payload: bytes, error: OSError) -> None:
        if isinstance(error, BlockingIOError):
            self._send_rest(connection, payload, 0)
        else:
            self._broken(connection, error)

    def _send_rest(self, connection: Connection, payload: bytes, sent: int) -> None:
        connection.fast = False  # nothing else may be sent before the rest of it
        connection.unsent = memoryview(payload)[sent:]
        self._poller.change(connection.fd, READ | WRITE)

    def _write(self, connection: Connection) -> bool:
        """Write more of the request; tell whether the connection is still there."""
        assert connection.socket is not None  # noqa: S101 (it just became writable)
        assert connection.unsent is not None  # noqa: S101
        if connection.connecting:
            code = connection.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                self._broken(connection, OSError(code, ""))
                return False
            connection.connecting = False
        try:
            sent = connection.socket.send(connection.unsent)
        except BlockingIOError:
            return True
        except OSError as error:
            self._broken(connection, error)
            return False
        if sent < len(connection.unsent):
            connection.unsent = connection.unsent[sent:]
            self._poller.change(connection.fd, READ | WRITE)
        else:
            connection.unsent = None
            self._poller.change(connection.fd, READ)
        return True

    # --- connections ----------------------------------------------------------------------------

    def _open(self, connection: Connection, due: int) -> None:
        """Open a connection and send the next request on it."""
        payload, connection.endpoint = self._take()
        connection.due = due
        connection.unsent = memoryview(payload)
        self._connections.add(connection)
        if self._line:
            self._line[connection] = None
        else:
            self._connect(connection)

    def _connect(self, connection: Connection) -> None:
        try:
            link = socket.socket(self._family, socket.SOCK_STREAM)
        except OSError as error:
            self._broken(connection, error)
            return
        link.setblocking(False)  # noqa: FBT003 (the standard library's own signature)
        if self._family != socket.AF_UNIX:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = link.connect_ex(self._address)
        if code == errno.EAGAIN:  # a unix socket whose backlog is full; TCP would try again itself
            link.close()
            if not self._line:
                self._move_line_in(_RETRY_NS)
            self._line[connection] = None  # or it keeps its place
            return
        self._line.pop(connection, None)
        if code not in (0, errno.EINPROGRESS):
            link.close()
            self._broken(connection, OSError(code, ""))
            return
        # On loopback the handshake is over by now: sending at once saves a turn of the loop.
        payload = connection.unsent
        assert payload is not None  # noqa: S101 (set with the request)
        sent, connecting = 0, code != 0
        try:
            sent = link.send(payload)
            connecting = False
        except (BlockingIOError, InterruptedError):
            pass
        except OSError as error:
            if error.errno != errno.ENOTCONN:
                link.close()
                self._broken(connection, error)
                return
        connection.socket, connection.fd = link, link.fileno()
        connection.recv, connection.send = link.recv, link.send
        connection.connecting = connecting
        connection.unsent = payload[sent:] if sent < len(payload) else None
        events = READ if connection.unsent is None else WRITE if connecting else READ | WRITE
        self._by_fd[connection.fd] = connection
        self._poller.add(connection.fd, events)

    def _close(self, connection: Connection) -> None:
        if connection.socket is not None:
            self._poller.remove(connection.fd)
            del self._by_fd[connection.fd]
            self._closed.add(connection.fd)
            connection.socket.close()
            connection.socket = None
        self._connections.discard(connection)
        self._line.pop(connection, None)
        connection.due = 0
        connection.endpoint = NOTHING
        connection.fast = connection.connecting = False
        connection.parser = connection.unsent = None
        connection.timer = 0

    def _fail(self, connection: Connection, kind: str) -> None:
        """Count the request in flight, if there is one, as failed and close the connection."""
        if connection.due:
            connection.endpoint.fail(kind)
            connection.failures += 1
        self._close(connection)
        self._gone(connection, perf())

    def _broken(self, connection: Connection, error: OSError) -> None:
        number = error.errno or 0
        self._fail(
            connection, _KINDS.get(number) or errno.errorcode.get(number, "os_error").lower()
        )

    def _expire(self, now: int) -> None:
        """Fail what has waited longer than the timeout; it counts with the time it waited."""
        limit = now - self._plan.timeout_ns
        late = [each for each in self._connections if each.due and each.due < limit]
        for connection in late:
            connection.endpoint.waits.append(now - connection.due)
            connection.failures = 0  # it has waited enough: no backoff
            self._fail(connection, "timeout")

    # --- what arrives ---------------------------------------------------------------------------

    def _event(self, fd: int, mask: int) -> None:
        """Deal with anything but plain bytes on a connection in the fast lane."""
        if fd in self._closed:  # since the wait: another connection may have the number by now
            return
        connection = self._by_fd.get(fd)
        if connection is None:
            self.watched[fd]()
            return
        if mask & WRITE and connection.unsent is not None and not self._write(connection):
            return
        if mask & ~WRITE and not connection.connecting:
            try:
                data = connection.recv(RECV_BYTES)
            except BlockingIOError:
                return
            except OSError as error:
                self._broken(connection, error)
                return
            self._received(connection, data)
        elif mask & ~WRITE:
            self._write(connection)  # the handshake failed: this finds out how

    def _received(self, connection: Connection, data: bytes) -> None:
        """Take bytes that the fast lane could not make sense of."""
        if not connection.due:  # the server closes an idle connection, or says so first (408)
            self._close(connection)
            self._gone(connection, perf())
            return
        parser = connection.parser
        if parser is None:
            endpoint = connection.endpoint
            keep = MOST_BYTES if isinstance(endpoint, Kept) else 0
            parser = ResponseParser(answers_head=endpoint.answers_head, keep=keep)
        try:
            response = parser.feed(data) if data else parser.end()
        except ProtocolError:
            self._fail(connection, "protocol")
            return
        except ClosedError:
            self._fail(connection, "closed")
            return
        if response is None:
            connection.parser = parser
            connection.fast = False
            return
        connection.parser = None
        self._complete(connection, response, perf())

    def _complete(self, connection: Connection, response: Response, now: int) -> None:
        endpoint = connection.endpoint
        expected = endpoint.expects(response.status)
        if response.leftover:  # nobody asked for more: the length was a lie
            self._fail(connection, "protocol")
            return
        if expected:
            endpoint.add(now - connection.due)
            if isinstance(endpoint, Kept):
                endpoint.keep(response, connection.due, now)
        else:
            kind = "http" if response.status >= 400 else "unexpected"  # noqa: PLR2004
            endpoint.fail(f"{kind}_{response.status}")
        connection.failures = 0
        connection.due = 0
        reusable = response.keep_alive and self._plan.keep_alive and connection.unsent is None
        if not reusable or connection.retiring:
            self._close(connection)
            self._gone(connection, now)
            return
        if expected and response.head:
            endpoint.remember(response.head, response.body_bytes)
        connection.fast = True
        self._free(connection, now)

    # --- timers ---------------------------------------------------------------------------------

    def _set_timer(self, connection: Connection, when: int) -> None:
        connection.timer = when
        self._push_timer(when, connection)

    def _push_timer(self, when: int, connection: Connection | None) -> None:
        self._timer_count += 1
        heapq.heappush(self._timers, (when, self._timer_count, connection))

    def _fire_timers(self, now: int) -> None:
        while self._timers and self._timers[0][0] <= now:
            when, _, connection = heapq.heappop(self._timers)
            if connection is None:
                if when == self._line_moves:
                    self._move_line()
            elif connection.timer == when:  # not closed meanwhile
                connection.timer = 0
                self._open(connection, now)

    def _move_line_in(self, wait_ns: int) -> None:
        self._line_wait_ns = wait_ns
        self._line_moves = perf() + wait_ns
        self._push_timer(self._line_moves, None)

    def _move_line(self) -> None:
        """Connect those in the line, in order, as far as the target's backlog takes them."""
        wait_ns = min(2 * self._line_wait_ns, _MOST_RETRY_NS)
        for connection in list(self._line):
            self._connect(connection)
            if connection in self._line:
                break
            wait_ns = _RETRY_NS
        if self._line:
            self._move_line_in(wait_ns)

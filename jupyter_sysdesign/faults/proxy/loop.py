"""The proxy's readiness loop."""

from __future__ import annotations

import contextlib
import errno
import heapq
import socket
import time
from collections import deque
from typing import TYPE_CHECKING

from jupyter_sysdesign.faults.proxy.conditions import RECV_BYTES, TO_TARGET
from jupyter_sysdesign.faults.proxy.connection import Connection, End
from jupyter_sysdesign.load.poller import READ, WRITE

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.faults.proxy.connection import Link, Listener, Pipe
    from jupyter_sysdesign.load.poller import Poller

_ACCEPTS = 64
_RETRY_NS, _MOST_RETRY_NS = 2_000_000, 64_000_000
#: The kernel's number for a peer that is gone; epoll tells it whatever else is watched.
_HANGUP = 16
_IDLE_NS = 3_600 * 1_000_000_000

perf = time.perf_counter_ns


class Loop:
    """Carries bytes between the two ends of every connection.

    Attributes:
        watched: descriptors that are no connections, with what to do about their events.
        stopping: set it to end the loop.
    """

    def __init__(self, poller: Poller) -> None:
        self.watched: dict[int, Callable[[], None]] = {}
        self.stopping = False
        self._poller = poller
        self._pipes: dict[int, Pipe] = {}
        self._timers: list[tuple[int, int, Callable[[], None]]] = []
        self._timer_count = 0

    def run(self) -> None:
        """Run until ``stopping``."""
        find, wait = self._pipes.get, self._poller.wait
        while not self.stopping:
            for fd, mask in wait(self._timers[0][0] - perf() if self._timers else _IDLE_NS):
                pipe = find(fd)
                if pipe is None or mask != READ or not pipe.clear:
                    self._event(fd, mask)
                    continue
                try:
                    data = pipe.recv(RECV_BYTES)
                except BlockingIOError:
                    continue
                except OSError:
                    self.abort(pipe.connection)
                    continue
                if not data:
                    self._arrive(pipe, data)
                    continue
                try:
                    sent = pipe.send(data)
                except BlockingIOError:
                    sent = 0
                except OSError:
                    self._sink_gone(pipe)
                    continue
                if sent != len(data):
                    self._keep(pipe, 0, data[sent:])
                    pipe.blocked = True
                    self._settle(pipe)
            self._fire_timers()

    # --- links ------------------------------------------------------------------------------

    def listen(self, listener: Listener) -> None:
        """Take connections."""
        listener.socket.setblocking(False)  # noqa: FBT003 (the standard library's own signature)
        listener.link.listeners.append(listener)
        self.watched[listener.fd] = lambda: self._accept(listener)
        self._watch_listener(listener)

    def changed(self, link: Link) -> None:
        """Act on what the link's conditions are now."""
        conditions = link.conditions
        for listener in link.listeners:
            self._watch_listener(listener)
        for connection in list(link.connections):
            if connection.swallowed and not conditions.swallows:
                self.abort(connection)  # its stream has a hole, or leads nowhere
                continue
            connection.between = True
            connection.doomed = connection.doomed and conditions.draws_connections
            for pipe in connection.pipes:
                if not conditions.delays:
                    pipe.hurry()
                self._flush(pipe)

    def open(self, link: Link, client: End, server: End) -> Connection:
        """Join two sockets that are connected already."""
        connection = Connection(link, client)
        link.connections.add(connection)
        connection.join(server)
        self._establish(connection)
        return connection

    def abort(self, connection: Connection) -> None:
        """Close both ends of a connection at once."""
        self._close(connection, reset=True)

    def after(self, delay_ns: int, work: Callable[[], None]) -> None:
        """Do something later."""
        self._timer_count += 1
        heapq.heappush(self._timers, (perf() + delay_ns, self._timer_count, work))

    def watch(self, fd: int, work: Callable[[], None]) -> None:
        """Call ``work`` whenever there is something to read."""
        self.watched[fd] = work
        self._poller.add(fd, READ)

    def forget(self, fd: int) -> None:
        """Watch it no longer."""
        del self.watched[fd]
        self._poller.remove(fd)

    # --- connections ------------------------------------------------------------------------

    def _watch_listener(self, listener: Listener) -> None:
        """Accept nothing while packets of a handshake could not pass."""
        wanted = not listener.link.conditions.cut
        if wanted and not listener.accepting:
            self._poller.add(listener.fd, READ)
        elif listener.accepting and not wanted:
            self._poller.remove(listener.fd)
        listener.accepting = wanted

    def _accept(self, listener: Listener) -> None:
        link = listener.link
        for _ in range(_ACCEPTS):
            try:
                accepted, _ = listener.socket.accept()
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE):
                    self._poller.remove(listener.fd)
                    listener.accepting = False
                    self.after(_RETRY_NS, lambda: self._watch_listener(listener))
                return
            connection = Connection(link, End(accepted))
            connection.doomed = link.conditions.dooms_connection()
            link.connections.add(connection)
            if link.conditions.swallows:
                self._swallow(connection)
            else:
                self._connect(connection, listener)

    def _swallow(self, connection: Connection) -> None:
        """Take and throw away what a connection that leads nowhere sends."""
        client = connection.client
        connection.swallowed = True

        def read() -> None:
            try:
                more = client.socket.recv(RECV_BYTES)
            except BlockingIOError:
                return
            except OSError:
                more = b""
            if not more:
                self.abort(connection)

        client.events = READ
        self.watch(client.fd, read)

    def _connect(self, connection: Connection, listener: Listener) -> None:
        """Connect it to the target, or let it wait behind those that wait already."""
        if listener.waiting or not self._reaches(connection, listener):
            client = connection.client
            client.events = _HANGUP
            self.watched[client.fd] = lambda: self.abort(connection)
            self._poller.add(client.fd, _HANGUP)
            if not listener.waiting:
                self.after(_RETRY_NS, lambda: self._retry(listener, _RETRY_NS))
            listener.waiting.append(connection)

    def _retry(self, listener: Listener, waited_ns: int) -> None:
        """Connect those that wait, in order, as far as the target's backlog takes them."""
        here = listener.link.connections
        waiting = listener.waiting = deque(each for each in listener.waiting if each in here)
        count = len(waiting)
        while waiting and self._reaches(waiting[0], listener):
            waiting.popleft()
        if waiting:
            moved = len(waiting) < count
            wait_ns = _RETRY_NS if moved else min(2 * waited_ns, _MOST_RETRY_NS)
            self.after(wait_ns, lambda: self._retry(listener, wait_ns))

    def _reaches(self, connection: Connection, listener: Listener) -> bool:
        """Begin to connect it to the target; False: the target's backlog is full."""
        try:
            server = End(socket.socket(listener.family, socket.SOCK_STREAM))
        except OSError:
            self.abort(connection)
            return True
        code = server.socket.connect_ex(listener.address)
        if code == errno.EAGAIN:  # a unix socket; TCP would try again itself
            server.socket.close()
            return False
        client = connection.client
        if client.events:  # it has waited
            self.forget(client.fd)
            client.events = 0
        connection.join(server)
        if code == 0:
            self._establish(connection)
        elif code == errno.EINPROGRESS:
            self._pipes[server.fd] = server.pipe
            server.events = WRITE
            self._poller.add(server.fd, WRITE)
        else:
            self.abort(connection)
        return True

    def _establish(self, connection: Connection) -> None:
        connection.established = True
        for pipe in connection.pipes:
            self._pipes[pipe.source.fd] = pipe
        for pipe in connection.pipes:
            self._settle(pipe)

    def _close(self, connection: Connection, *, reset: bool) -> None:
        connection.link.connections.discard(connection)
        for end in (connection.client, connection.server):
            if end is None or end.socket.fileno() < 0:
                continue
            if end.events:
                self._poller.remove(end.fd)
                end.events = 0
            self._pipes.pop(end.fd, None)
            self.watched.pop(end.fd, None)
            end.close(reset=reset)
        for pipe in connection.pipes:
            pipe.clear = False
            pipe.queue.clear()

    # --- bytes ------------------------------------------------------------------------------

    def _event(self, fd: int, mask: int) -> None:
        """Deal with anything but bytes that can be passed on as they are."""
        pipe = self._pipes.get(fd)
        if pipe is None:
            work = self.watched.get(fd)
            if work is not None:
                work()
            return
        connection = pipe.connection
        if not connection.established:
            self._connected(connection)
            return
        end = pipe.source
        if mask & WRITE:
            self._flush(end.back)
        if end.events & READ:
            self._read(pipe)
        elif end.events and mask & ~(READ | WRITE):
            self._sink_gone(end.back)

    def _connected(self, connection: Connection) -> None:
        server = connection.server
        assert server is not None  # noqa: S101 (it was about to be connected)
        if server.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.abort(connection)
        else:
            self._establish(connection)

    def _read(self, pipe: Pipe) -> None:
        connection = pipe.connection
        conditions = connection.link.conditions
        if pipe.direction == TO_TARGET and self._is_doomed(connection):
            # What it said stays unread: that is what makes a unix socket's end a reset.
            self.abort(connection)
            return
        try:
            data = pipe.recv(conditions.piece_bytes)
        except BlockingIOError:
            return
        except OSError:
            self.abort(connection)
            return
        connection.between = pipe.direction != TO_TARGET
        if conditions.swallows:
            connection.swallowed = True
            pipe.ended = pipe.ended or not data
            self._settle(pipe)
        else:
            self._arrive(pipe, data)

    @staticmethod
    def _is_doomed(connection: Connection) -> bool:
        conditions = connection.link.conditions
        drawing = connection.between and conditions.draws_requests
        if connection.echo or not (connection.doomed or drawing):
            return False
        try:
            if not connection.client.socket.recv(1, socket.MSG_PEEK):
                return False  # it only says goodbye
        except OSError:
            return False
        return connection.doomed or conditions.dooms_request()

    def _arrive(self, pipe: Pipe, data: bytes) -> None:
        """Pass bytes (none: the end of the stream) on, now or when they are due."""
        conditions = pipe.connection.link.conditions
        due = 0
        if conditions.delays:
            drawn = bool(data) and not pipe.connection.echo
            due = conditions.due(pipe.direction, len(data), perf(), drawn=drawn)
        pipe.ended = pipe.ended or not data
        self._keep(pipe, due, data)
        self._flush(pipe)

    @staticmethod
    def _keep(pipe: Pipe, due: int, data: bytes) -> None:
        pipe.last_due = due = max(due, pipe.last_due)
        pipe.queue.append((due, data))
        pipe.queued += len(data)

    def _flush(self, pipe: Pipe) -> None:
        """Pass on what is due and what the sink takes."""
        queue = pipe.queue
        pipe.blocked = False
        cut = pipe.direction in pipe.connection.link.conditions.cut
        while queue and not cut:
            due, data = queue[0]
            if due and due > perf():
                self._come_back(pipe, due)
                break
            if not data:
                queue.clear()
                self._finish(pipe)
                return
            try:
                sent = pipe.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                self._sink_gone(pipe)
                return
            pipe.queued -= sent
            if sent < len(data):
                queue[0] = due, data[sent:]
                pipe.blocked = True
                break
            queue.popleft()
        self._settle(pipe)

    def _finish(self, pipe: Pipe) -> None:
        """Tell the sink that the stream has ended; the connection ends with both streams."""
        pipe.finished = True
        if all(each.finished for each in pipe.connection.pipes):
            self._close(pipe.connection, reset=False)
            return
        with contextlib.suppress(OSError):
            pipe.sink.socket.shutdown(socket.SHUT_WR)
        self._settle(pipe)

    def _sink_gone(self, pipe: Pipe) -> None:
        """Give up one direction; what the other end has said before it went still arrives."""
        pipe.queue.clear()
        pipe.queued = 0
        pipe.blocked = False
        pipe.ended = pipe.finished = True
        if all(each.finished for each in pipe.connection.pipes):
            self._close(pipe.connection, reset=True)
        else:
            self._settle(pipe)

    # --- what is watched, and when to come back ---------------------------------------------

    def _settle(self, pipe: Pipe) -> None:
        conditions = pipe.connection.link.conditions
        pipe.clear = conditions.calm and not pipe.queue and not pipe.ended
        self._watch(pipe.source)
        self._watch(pipe.sink)

    def _watch(self, end: End) -> None:
        pipe = end.pipe
        if not pipe.connection.established:
            return
        conditions = pipe.connection.link.conditions
        reading = (
            not pipe.ended
            and pipe.queued < conditions.high_bytes
            and pipe.direction not in conditions.cut
        )
        events = (READ if reading else 0) | (WRITE if end.back.blocked else 0)
        if events == end.events:
            return
        # One that nothing is wanted of is not watched at all: its end would be told for ever.
        if not end.events:
            self._poller.add(end.fd, events)
        elif not events:
            self._poller.remove(end.fd)
        else:
            self._poller.change(end.fd, events)
        end.events = events

    def _come_back(self, pipe: Pipe, due: int) -> None:
        if pipe.timer and pipe.timer <= due:
            return

        def work() -> None:
            if pipe.timer == due:
                pipe.timer = 0
                if pipe.connection in pipe.connection.link.connections:
                    self._flush(pipe)

        pipe.timer = due
        self.after(due - perf(), work)

    def _fire_timers(self) -> None:
        while self._timers and self._timers[0][0] <= perf():
            heapq.heappop(self._timers)[2]()

"""The sync client: notebooks, the command line, the checker and tests use this one."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import httpx
from websockets.exceptions import WebSocketException
from websockets.protocol import State as SocketState
from websockets.sync.client import ClientConnection, unix_connect

from jupyter_sysdesign import paths
from jupyter_sysdesign.control import headers, transport
from jupyter_sysdesign.control.launch import answers, ensure_running
from jupyter_sysdesign.control.operations import Operations
from jupyter_sysdesign.control.subscription import Subscription
from jupyter_sysdesign.control.transport import GoneError
from jupyter_sysdesign.control.waiting import Waiting
from jupyter_sysdesign.errors import LeaseEndedError, SysdesignError
from jupyter_sysdesign.unencrypted import NO_CERTIFICATES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import TracebackType

    from typing_extensions import Self

    from jupyter_sysdesign.control.calls import Call
    from jupyter_sysdesign.environment.status import EnvironmentStatus
    from jupyter_sysdesign.faults.models import ActiveFault

T = TypeVar("T")
R = TypeVar("R")


class Recovery(NamedTuple):
    """What came of taking back several faults.

    Attributes:
        faults: those that were, in the order they were taken back.
        error: why the first of the others could not be.
    """

    faults: list[ActiveFault]
    error: SysdesignError | None


class ControlClient(Operations):
    """Talks to this user's control plane; several threads may share it.

    Args:
        holder: key under which what is started through this client is kept alive, e.g.
            ``kernel:/home/ann/lesson``. It is held from the first request until ``close`` (which
            stops at once what nobody else holds) or until this process ends (then after the grace
            period). None: nothing is held.
        parent: holder whose clean end ends this one too; by default the Jupyter server that started
            this kernel.
        start: start the control plane when none answers.
    """

    def __init__(
        self, *, holder: str | None = None, parent: str | None = None, start: bool = True
    ) -> None:
        self._holder = holder
        self._parent = parent
        self._may_start = start
        self._socket = paths.control_socket()
        self._http = httpx.Client(
            transport=httpx.HTTPTransport(uds=str(self._socket), verify=NO_CERTIFICATES),
            base_url=transport.BASE_URL,
        )
        self._lease: tuple[ClientConnection, str] | None = None
        self._leasing = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the lease, if there is one."""
        with self._leasing:
            if self._lease is not None:
                connection, _ = self._lease
                self._lease = None
                with contextlib.suppress(WebSocketException, OSError, TimeoutError):
                    connection.send(json.dumps({"end": True}))
                    connection.recv(timeout=transport.OPEN_S)  # closing it is the answer
                connection.close()
        self._http.close()

    def send(self, call: Call[T]) -> T:
        """Send one request and return its answer.

        Raises:
            SysdesignError: of the class that the control plane raised; UnavailableError when it
                cannot be reached.
        """
        return self._twice(lambda: self._send(call), repeatable=call.method == "GET")

    def wait(
        self, environment_id: str, states: Iterable[str] = ("ready",), timeout_s: float = 60.0
    ) -> EnvironmentStatus:
        """Return the environment's status once it is in one of ``states``.

        Raises:
            StartFailedError: it failed instead.
            ConflictError: it was stopped instead.
            UnavailableError: not within ``timeout_s``.
        """
        waiting = Waiting(environment_id, states, timeout_s)
        while not waiting.is_over(status := self.environment(environment_id)):
            time.sleep(transport.POLL_S)
        return status

    def recover_faults(self, environment_id: str, faults: Sequence[ActiveFault]) -> Recovery:
        """Take back several faults, the last one first, and leave none out for another's sake."""
        recovery = Recovery([], None)
        for each in reversed(faults):
            try:
                self.recover_fault(environment_id, each.id)
            except SysdesignError as error:  # noqa: PERF203 (one by one, whatever becomes of the others)
                recovery = recovery._replace(error=recovery.error or error)
            else:
                recovery.faults.append(each)
        return recovery

    def events(self, environment_id: str, after: int = 0) -> Subscription:
        """Return the environment's events later than ``after``, to iterate over as they come."""
        return Subscription(
            lambda last: self._subscribe(transport.events_path(environment_id, last)), after
        )

    def _subscribe(self, path: str) -> ClientConnection:
        return self._twice(lambda: self._connect(path, self._lease_headers()), repeatable=True)

    def _twice(self, work: Callable[[], R], *, repeatable: bool) -> R:
        """Do it again where the control plane or the lease was gone and nothing was done yet."""
        try:
            return work()
        except LeaseEndedError:  # with its parent, say
            pass
        except GoneError as problem:
            if problem.asked and not repeatable:
                raise problem.final from problem
        self._drop_lease()
        try:
            return work()
        except GoneError as problem:
            raise problem.final from problem

    def _send(self, call: Call[T]) -> T:
        self._reach()
        with transport.asking(call.timeout_s):
            response = self._http.request(**transport.request(call, self._lease_headers()))
        return transport.read(call, response)

    def _reach(self) -> None:
        if self._may_start:
            ensure_running()
        elif not answers(self._socket):
            raise transport.nobody()

    def _lease_headers(self) -> dict[str, str]:
        """Return the header that names the lease; opens one when there is none (any more)."""
        if self._holder is None:
            return {}
        with self._leasing:
            if self._lease is None or self._lease[0].protocol.state is not SocketState.OPEN:
                path = transport.lease_path(self._holder, self._parent)
                connection = self._connect(path, {})
                with transport.connecting():
                    first = connection.recv(timeout=transport.OPEN_S)
                self._lease = connection, json.loads(first)["lease"]
            return {headers.LEASE: self._lease[1]}

    def _drop_lease(self) -> None:
        with self._leasing:
            if self._lease is not None:
                self._lease[0].close()
                self._lease = None

    def _connect(self, path: str, extra_headers: dict[str, str]) -> ClientConnection:
        self._reach()
        with transport.connecting():
            return unix_connect(
                str(self._socket),
                f"ws://control{path}",
                legacy=True,
                **transport.socket_options(extra_headers),
            )

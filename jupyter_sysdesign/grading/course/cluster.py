"""The same jobs on a dask.distributed cluster, for a cohort that outgrows one machine.

Orders hold hidden seeds and learners' files, and a scheduler runs whatever it is sent: beyond this
machine only TLS will do. Workers need this package, the lessons, and isolation of their own.
"""

from __future__ import annotations

import contextlib
import ipaddress
import threading
import time
import uuid
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jupyter_sysdesign.control.models import Status, Verdict
from jupyter_sysdesign.errors import InvalidRequestError, SysdesignError, UnavailableError
from jupyter_sysdesign.grading.blame import Finding
from jupyter_sysdesign.grading.course import isolation
from jupyter_sysdesign.grading.course.course import found_in
from jupyter_sysdesign.grading.course.executors import Done, do
from jupyter_sysdesign.grading.course.grading import TIMEOUT_S, without_checks
from jupyter_sysdesign.grading.course.orders import Order

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

#: A worker that is lost takes its orders with it; each is given to so many others before it counts
#: as the order's own doing.
_RETRIES = 2
_LOOK_S = 0.5
_WORKER_S = 30.0
_ENDING = ("closing", "closed", "failed")


class AbandonedError(Exception):
    """The worker ended, or nobody waits for the order any more; there is no verdict."""


class Cluster:
    """Jobs on the workers of one scheduler.

    Args:
        address: of the scheduler, ``tls://host:port``; ``tcp://`` on this machine only.
        ca, certificate, key: PEM files for TLS; what is not given here is dask's own configuration
            (``distributed.comm.tls``). The key may stand in the certificate's file.
    """

    def __init__(
        self,
        address: str,
        *,
        ca: Path | None = None,
        certificate: Path | None = None,
        key: Path | None = None,
        trust: bool = False,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """Connect, and wait for the first worker.

        Raises:
            InvalidRequestError: the address is none, or would go over a network in the clear; the
                files are none that TLS can use.
            UnavailableError: nobody answers, no worker comes, or dask.distributed is not installed.
        """
        try:
            from distributed import Client  # noqa: PLC0415 (an optional extra)
        except ImportError as error:
            raise UnavailableError(
                "A cluster needs dask.distributed", hint="pip install 'jupyter-sysdesign[cluster]'"
            ) from error
        files = {"tls_ca_file": ca, "tls_client_cert": certificate, "tls_client_key": key}
        security = _security(files) if _is_encrypted(address) else None
        self._trust = trust
        self._timeout_s = timeout_s
        try:
            self._client = Client(address, security=security, timeout="10s", set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise UnavailableError(f"No scheduler answers at {address}: {error}") from error
        try:
            self._client.wait_for_workers(1, timeout=_WORKER_S)
        except TimeoutError as error:
            self._client.close()
            raise UnavailableError(
                f"The scheduler at {address} has no worker",
                hint="Start some: `dask worker ADDRESS` on each machine (docs/grading.md).",
            ) from error

    def run(self, orders: Sequence[Order]) -> Iterator[Done]:
        """Yield each order as it gets done; those of a lost worker are given to another one."""
        from distributed import as_completed  # noqa: PLC0415 (as above)

        given: dict[Any, Order] = {}
        for order in orders:
            future = self._client.submit(
                _do,
                order.model_dump_json(),
                self._trust,
                self._timeout_s,
                key=f"grade-{order.student}-{uuid.uuid4().hex}",
                pure=False,
                retries=_RETRIES,
            )
            given[future] = order
        try:
            for future in as_completed(list(given), loop=self._client.loop):
                order = given.pop(future)
                done = _taken(order, future)
                future.release()  # else it would be graded again if its worker is lost later
                yield done
        finally:
            self._client.cancel(list(given), force=True)
            self._client.close()


def _do(order: str, trust: bool, timeout_s: float) -> tuple[str, str]:
    """Do one order, on the worker."""
    rung = isolation.choose(trust=trust)
    with _until_unwanted() as stop:
        done = do(Order.model_validate_json(order), rung, timeout_s, stop)
    if stop.is_set():
        raise AbandonedError
    return done.verdict.model_dump_json(), done.isolation


@contextlib.contextmanager
def _until_unwanted() -> Iterator[threading.Event]:
    """Give an event that is set once the order is nobody's any more: dask interrupts no thread.

    So a worker that is told to end does not wait for its job, and a cancelled order leaves none.
    """
    from distributed import get_worker  # noqa: PLC0415 (as above)

    worker = get_worker()
    key = worker.get_current_task()
    main = threading.main_thread()  # dead: the interpreter ends, and waits for other threads
    stop, done = threading.Event(), threading.Event()

    def watch() -> None:
        while not done.wait(_LOOK_S):
            task = worker.state.tasks.get(key)
            wanted = task is not None and task.state == "executing"
            if not wanted or worker.status.name in _ENDING or not main.is_alive():
                stop.set()
                done.wait()  # the process waits for this thread, which waits for the clearing up

    watching = threading.Thread(target=watch, name="order watch")
    watching.start()
    try:
        yield stop
    finally:
        done.set()
        watching.join()


def _taken(order: Order, future: Any) -> Done:
    try:
        error = future.exception()
        verdict, rung = ("", "") if error else future.result()
    except CancelledError as problem:
        raise UnavailableError(
            f"The scheduler is gone ({problem})", hint="What is done is kept: go on with --resume."
        ) from problem
    if error is None:
        return Done(order, Verdict.model_validate_json(verdict), rung)
    said = error.message if isinstance(error, SysdesignError) else f"{type(error).__name__}"
    finding = Finding(Status.UNKNOWN, f"No worker of the cluster could grade it ({said}).")
    lesson = found_in(order.curriculum, order.lesson)
    return Done(order, without_checks(lesson, order, finding, time.time()), "none")


def _security(files: Mapping[str, Path | None]) -> Any:
    """Return what TLS needs, tried out here: a wrong file is not taken for a silent scheduler.

    Raises:
        InvalidRequestError: something is missing, or no PEM file that fits the others.
    """
    from distributed import Security  # noqa: PLC0415 (as above)

    given = {name: str(path) for name, path in files.items() if path is not None}
    security = Security(require_encryption=True, **given)
    if not (security.tls_ca_file and security.tls_client_cert):
        raise InvalidRequestError(
            "TLS needs a CA, a certificate and a key",
            hint="Say --tls-ca, --tls-cert and --tls-key, or name them in dask's configuration "
            "(distributed.comm.tls); scheduler and workers have theirs.",
        )
    try:
        security.get_connection_args("client")
    except OSError as error:  # an ssl.SSLError is one
        raise InvalidRequestError(
            f"The files for TLS cannot be used: {error}",
            hint="CA, certificate and key are PEM files; the key is the certificate's.",
        ) from error
    return security


def _is_encrypted(address: str) -> bool:
    """Tell whether TLS is spoken there.

    Raises:
        InvalidRequestError: it is not, and the address is not on this machine.
    """
    parts = urlsplit(address if "://" in address else f"tcp://{address}")
    if parts.scheme not in ("tcp", "tls") or not parts.hostname:
        raise InvalidRequestError(
            f"{address!r} is no scheduler's address", hint="It looks like tls://host:8786."
        )
    if parts.scheme == "tls":
        return True
    if not _is_here(parts.hostname):
        raise InvalidRequestError(
            f"{address} would send seeds and submissions over the network in the clear",
            hint="Give the scheduler TLS and say tls://… (docs/grading.md).",
        )
    return False


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

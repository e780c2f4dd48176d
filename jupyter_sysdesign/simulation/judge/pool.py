"""The judge's worker processes: forked, limited, replaced when they end."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import selectors
import signal
import sys
import time
import warnings
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.simulation import limits
from jupyter_sysdesign.simulation.judge.worker import work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Self

    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.judge.suite import Suite
    from jupyter_sysdesign.simulation.node import Node

#: A line longer than that is no answer.
_LONGEST_ANSWER = 64 << 20
#: A run gets so many times its CPU seconds by the wall clock: the machine may be busy.
_PATIENCE = 8
#: That a worker which has closed its pipe may take to be gone.
_END_S = 10.0


class Worker:
    """One process, and the order it works on.

    Forked, so that a class made in a notebook needs no import: the child has it already.

    Attributes:
        ending: it has closed its pipe, and is about to end by itself.
    """

    def __init__(
        self,
        server: Callable[[Context], Node],
        suite: Suite,
        *,
        place: int,
        run_s: float,
        memory_bytes: int,
    ) -> None:
        self.place = place
        self.order: dict[str, Any] | None = None
        self.ending = False
        self.until = 0.0
        self._said = bytearray()
        orders_in, self._orders = os.pipe()
        self.answers, answers_out = os.pipe()
        parent = os.getpid()
        with warnings.catch_warnings():
            # Python warns of forks beside threads; the child touches none of their locks.
            warnings.simplefilter("ignore", DeprecationWarning)
            self.pid = os.fork()
        if self.pid == 0:
            try:
                os.setsid()
                limits.follow_parent(parent)
                _close_all_but(orders_in, answers_out)
                with (
                    os.fdopen(orders_in, encoding="utf-8") as orders,
                    os.fdopen(answers_out, "w", encoding="utf-8") as answers,
                ):
                    work(
                        orders,
                        answers,
                        server,
                        suite,
                        place=place,
                        run_s=run_s,
                        memory_bytes=memory_bytes,
                    )
            finally:
                os._exit(0)
        os.close(orders_in)
        os.close(answers_out)

    def give(self, order: dict[str, Any], patience_s: float) -> None:
        """Give it something to do, and say how long we will wait."""
        self.order = order
        self.until = time.monotonic() + patience_s
        rest = memoryview(json.dumps(order).encode() + b"\n")
        with contextlib.suppress(BrokenPipeError):  # Then its end is read, and says the same.
            while rest:
                rest = rest[os.write(self._orders, rest) :]

    def read(self) -> dict[str, Any] | None:
        """Return its answer if that is complete, else None.

        Raises:
            EOFError: it ended, or says what is no answer.
        """
        said = os.read(self.answers, 1 << 20)
        self._said += said
        self.ending = not said
        if self.ending or len(self._said) > _LONGEST_ANSWER:
            raise EOFError
        if not self._said.endswith(b"\n"):
            return None
        try:
            answer = json.loads(self._said)
        except ValueError:
            raise EOFError from None
        self._said.clear()
        if not isinstance(answer, dict) or answer.get("status") not in _STATUSES:
            raise EOFError
        return answer

    def end(self, *, grace_s: float = 0.0) -> str:
        """End it and everything it started; return how it ended, if it did so by itself.

        Args:
            grace_s: for one that is just ending: its pipes close before it is gone.
        """
        until = time.monotonic() + grace_s
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        while pid == 0 and time.monotonic() < until:
            time.sleep(0.002)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        if pid == 0:
            # A young one may have no group of its own yet.
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        for pipe in (self._orders, self.answers):
            os.close(pipe)
        if pid == 0:
            return ""
        code = os.waitstatus_to_exitcode(status)
        return f"signal {-code}" if code < 0 else f"exit code {code}"


_STATUSES = ("passed", "failed", "unknown")


def _close_all_but(*kept: int) -> None:
    """Close every descriptor of the parent's, and send what is printed nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    highest = os.sysconf("SC_OPEN_MAX")
    edges = [2, *sorted(kept), highest]
    for low, high in itertools.pairwise(edges):
        os.closerange(low + 1, high)
    sys.stdin = open(0, encoding="utf-8")  # noqa: SIM115 (for as long as the process lives)
    sys.stdout = sys.stderr = open(1, "w", encoding="utf-8")  # noqa: SIM115


class Pool:
    """Several workers, and orders that are given to whichever is free.

    Use it as a context manager: at the end no process is left.
    """

    def __init__(
        self,
        server: Callable[[Context], Node],
        suite: Suite,
        *,
        workers: int,
        run_s: float,
        memory_bytes: int,
    ) -> None:
        self._server = server
        self._suite = suite
        self._memory_bytes = memory_bytes
        self._run_s = run_s
        self._count = workers
        self._workers: list[Worker] = []

    def __enter__(self) -> Self:
        self._workers = [self._new(place) for place in range(self._count)]
        return self

    def _new(self, place: int) -> Worker:
        return Worker(
            self._server,
            self._suite,
            place=place,
            run_s=self._run_s,
            memory_bytes=self._memory_bytes,
        )

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.end()
        self._workers = []

    def answers(
        self, orders: Iterator[dict[str, Any]], *, until: float = float("inf")
    ) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Yield each order with its answer, as they come.

        Args:
            orders: taken one by one, so that an answer can decide what is asked next.
            until: give no order after this moment of the monotonic clock.
        """
        busy: list[Worker] = []
        idle = list(self._workers)
        with selectors.DefaultSelector() as selector:
            while True:
                while idle and time.monotonic() < until:
                    order = next(orders, None)
                    if order is None:
                        break
                    worker = idle.pop()
                    worker.give(order, self._patience(order))
                    busy.append(worker)
                    selector.register(worker.answers, selectors.EVENT_READ, worker)
                if not busy:
                    return
                soonest = min(worker.until for worker in busy)
                ready = [key.data for key, _ in selector.select(max(soonest - time.monotonic(), 0))]
                late = [each for each in busy if each.until <= time.monotonic()]
                for worker in {id(each): each for each in (*ready, *late)}.values():
                    answer, alive = self._hear(worker, ready=worker in ready)
                    if answer is None:
                        continue
                    selector.unregister(worker.answers)
                    busy.remove(worker)
                    order = worker.order or {}
                    if alive:
                        idle.append(worker)
                    else:
                        idle.append(self._replace(worker, answer))
                    yield order, answer

    def _patience(self, order: dict[str, Any]) -> float:
        runs = 6 if order["do"] == "explain" else 1
        return 1 + self._run_s * runs * _PATIENCE

    def _hear(self, worker: Worker, *, ready: bool) -> tuple[dict[str, Any] | None, bool]:
        """Return an answer, and whether the worker may go on; no answer if it still works."""
        if not ready:
            why = f"it did not answer within {self._patience(worker.order or {}):g} s and was ended"
            return {"status": "failed", "why": why}, False
        try:
            return worker.read(), True
        except EOFError:
            return {"status": "failed", "why": "the process ended in the middle of a run"}, False

    def _replace(self, worker: Worker, answer: dict[str, Any]) -> Worker:
        self._workers.remove(worker)
        if ended := worker.end(grace_s=_END_S if worker.ending else 0.0):
            answer["why"] += f" ({ended})"
        fresh = self._new(worker.place)
        self._workers.append(fresh)
        return fresh

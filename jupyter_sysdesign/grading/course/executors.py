"""Who does the jobs: processes of this machine, or a cluster. One interface."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, NamedTuple, Protocol

from jupyter_sysdesign.control.models import Status
from jupyter_sysdesign.grading.blame import Finding
from jupyter_sysdesign.grading.course import isolation
from jupyter_sysdesign.grading.course.course import found_in
from jupyter_sysdesign.grading.course.grading import TIMEOUT_S, grade, without_checks
from jupyter_sysdesign.grading.machine import room

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jupyter_sysdesign.control.models import Verdict
    from jupyter_sysdesign.grading.course.orders import Order


class Done(NamedTuple):
    """One order, done.

    Attributes:
        isolation: the rung it was graded on.
    """

    order: Order
    verdict: Verdict
    isolation: str


class Executor(Protocol):
    """Does orders, in any order, each at least once and told once."""

    def run(self, orders: Sequence[Order]) -> Iterator[Done]:
        """Yield each order as it gets done. Leaving the iterator ends what is under way."""


class LocalProcesses:
    """Jobs on this machine, ``jobs`` of them at a time; good for one run."""

    def __init__(
        self, jobs: int | None = None, *, trust: bool = False, timeout_s: float = TIMEOUT_S
    ) -> None:
        """Choose the isolation.

        Raises:
            UnavailableError: there is none on this machine, and ``trust`` is not given.
        """
        self.isolation = isolation.choose(trust=trust)
        # What is timed is compared within one job; two jobs on one core would still crowd it.
        self.jobs = jobs or room()
        self._timeout_s = timeout_s
        self._stop = threading.Event()

    def run(self, orders: Sequence[Order]) -> Iterator[Done]:
        """Yield each order as it gets done."""
        pool = ThreadPoolExecutor(self.jobs, thread_name_prefix="grade")
        try:
            for future in as_completed([pool.submit(self._do, each) for each in orders]):
                yield future.result()
        finally:
            self._stop.set()
            pool.shutdown(cancel_futures=True)

    def _do(self, order: Order) -> Done:
        return do(order, self.isolation, self._timeout_s, self._stop)


def do(
    order: Order,
    rung: isolation.Isolation,
    timeout_s: float,
    stop: threading.Event | None = None,
) -> Done:
    """Do one order on this machine; what breaks over it breaks for nobody else."""
    lesson = found_in(order.curriculum, order.lesson)
    started_at = time.time()
    try:
        verdict = grade(order, lesson, rung, timeout_s=timeout_s, stop=stop)
    except Exception as error:  # noqa: BLE001 (a cohort waits behind it)
        traceback.print_exc(file=sys.stderr)
        why = f"Grading broke down ({type(error).__name__})."  # its words may be of hidden values
        verdict = without_checks(lesson, order, Finding(Status.UNKNOWN, why), started_at)
    return Done(order, verdict, rung.name)

"""CPU and memory of each service, over its whole process tree."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from jupyter_sysdesign.metrics.sources import Processes

#: What this says of a service; nobody else may say it.
NAMES = ("cpu_cores", "cpu_quota_cores", "memory_bytes")

_LINUX = sys.platform == "linux"
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class ProcessCollector:
    """All services of one environment."""

    def __init__(
        self,
        processes: Processes,
        cpu_quotas: Mapping[str, float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``processes`` tells who there is now; see ``sources.Processes``."""
        self._processes = processes
        self._quotas = cpu_quotas
        self._clock = clock
        self._before: dict[str, tuple[int, float, float]] = {}

    async def sample(self) -> dict[str, float]:
        """Return ``cpu_cores``, ``cpu_quota_cores`` and ``memory_bytes`` of each service."""
        found = {f"{service}.cpu_quota_cores": quota for service, quota in self._quotas.items()}
        before, self._before = self._before, {}
        for service, pids in self._processes().items():
            if not pids:
                continue
            now, used = self._clock(), cpu_s(pids)
            found[f"{service}.memory_bytes"] = float(memory_bytes(pids))
            self._before[service] = (pids[0], now, used)
            root, then, last = before.get(service, (0, 0.0, 0.0))
            if root == pids[0] and now > then:
                # A child that was reaped since is rounded down to clock ticks in its parent.
                found[f"{service}.cpu_cores"] = max(used - last, 0.0) / (now - then)
        return found

    async def close(self) -> None:
        """Nothing is kept open."""


def cpu_s(pids: Sequence[int]) -> float:
    """Return CPU seconds of the processes so far, and of their children that were reaped.

    With the reaped ones the sum over a tree never falls, however many of it come and go.
    """
    total = 0.0
    for pid in pids:
        try:
            total += _cpu_of(pid)
        except (OSError, psutil.Error):  # noqa: PERF203 (one may be gone, the others count)
            continue
    return total


def _cpu_of(pid: int) -> float:
    if not _LINUX:
        times = psutil.Process(pid).cpu_times()
        return times.user + times.system + times.children_user + times.children_system
    # clock_getcpuclockid(3), which Python does not have: MAKE_PROCESS_CPUCLOCK in the kernel's
    # posix-timers_types.h. It knows nanoseconds, and the threads that have ended.
    own = time.clock_gettime((~pid << 3) | 2)
    fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    return own + (int(fields[13]) + int(fields[14])) / _TICKS_PER_S


def memory_bytes(pids: Sequence[int]) -> int:
    """Return what a tree holds: each process's own pages, and the largest shared part once.

    That is close to PSS, and read from one line: the kernel walks all page tables for PSS, which
    takes milliseconds for a database.
    """
    own = shared = 0
    for pid in pids:
        try:
            if _LINUX:
                fields = _read(f"/proc/{pid}/statm").split()
                resident, common = int(fields[1]) * _PAGE_BYTES, int(fields[2]) * _PAGE_BYTES
            else:
                resident, common = psutil.Process(pid).memory_info().rss, 0
        except (OSError, IndexError, psutil.Error):
            continue
        own += resident - common
        shared = max(shared, common)
    return own + shared


def _read(path: str) -> bytes:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(file, 4096)
    finally:
        os.close(file)

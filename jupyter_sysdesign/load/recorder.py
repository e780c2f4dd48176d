"""From latencies and errors to ticks and the summary (``RunTick`` and ``RunSummary`` as JSON)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.load.histogram import Histogram
from jupyter_sysdesign.load.loop import OWN_ERRORS
from jupyter_sysdesign.load.plan import NS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_sysdesign.load.connection import Endpoint
    from jupyter_sysdesign.load.loop import Loop
    from jupyter_sysdesign.load.plan import Plan

#: One loop cannot do more than one core lets it; from this share on it is the bottleneck.
_BUSY = 0.9
#: Being late matters once it is a good part of what is measured, and never below this.
_LATE_MS = 5.0
_LATE_SHARE = 0.5
_NOTICEABLE_MS = 1.0
_NOTICEABLE_SHARE = 0.1
_QUANTILES = (0.5, 0.95, 0.99)


class Busy:
    """How much of a core this process used, and how much more it wanted, while it had work."""

    def __init__(self) -> None:
        self._before = self._now()
        self._wall = self._used = self._queued = 0

    def lap(self, *, counts: bool) -> None:
        """End a lap; what was used in it belongs to the shares if it ``counts``."""
        before, self._before = self._before, self._now()
        if counts:
            wall, used, queued = (b - a for a, b in zip(before, self._before, strict=True))
            self._wall += wall
            self._used += used
            self._queued += queued

    def shares(self, least_ns: int) -> tuple[float, float]:
        """Return the shares of one core: used, and used or waited for, in ``least_ns`` or more."""
        wall = max(self._wall, least_ns)
        return self._used / wall, (self._used + self._queued) / wall

    @staticmethod
    def _now() -> tuple[int, int, int]:
        return time.perf_counter_ns(), time.process_time_ns(), _queued_ns()


class _Totals:
    """One endpoint over the whole run."""

    def __init__(self) -> None:
        self.latencies = Histogram()
        self.ok = 0
        self.errors: dict[str, int] = {}

    @property
    def requests(self) -> int:
        return self.ok + sum(self.errors.values())


class Recorder:
    """Takes what the loop has noted, every 100 ms."""

    def __init__(self, plan: Plan) -> None:
        self._run = plan.run
        self._open_loop = plan.open_loop
        self._duration_ns = plan.duration_ns
        self._totals = [_Totals() for _ in plan.mix]
        self._names = [each["name"] for each in plan.mix]
        self._lags = Histogram()
        self._busy = Busy()
        self._taken = 0
        self._done = 0
        self._ok_in_time = 0
        self._elapsed_ns = 0

    def start(self) -> None:
        """Count the generator's CPU time from here."""
        self._busy = Busy()

    def tick(self, loop: Loop, elapsed_ns: int) -> dict[str, Any]:
        """Return a ``RunTick`` of what happened since the last one."""
        interval_s = max(elapsed_ns - self._elapsed_ns, 1) / NS
        now = Histogram()
        ok = 0
        errors: dict[str, int] = {}
        for endpoint, totals in zip(loop.endpoints, self._totals, strict=True):
            ok += _collect(endpoint, totals, now, errors)
        lags = Histogram()
        lags.add(loop.lags)
        loop.lags.clear()
        self._lags.merge(lags)
        done = ok + sum(errors.values())
        sent = loop.taken - self._taken
        self._taken = loop.taken
        self._done += done
        in_time = self._elapsed_ns < self._duration_ns
        # A stage of nothing, or the wait for the last answers, would hide that it was busy before.
        self._busy.lap(counts=in_time and bool(sent or done))
        if in_time:
            self._ok_in_time += ok
        self._elapsed_ns = elapsed_ns
        p50, p95, p99 = _quantiles(now, *_QUANTILES)
        return {
            "run": self._run,
            "t_s": round(elapsed_ns / NS, 4),
            "sent": sent,
            "done": done,
            "rps": round(ok / interval_s, 3),
            "in_flight": self._taken - self._done + loop.waiting,
            "errors": errors,
            "p50_ms": p50,
            "p95_ms": p95,
            "p99_ms": p99,
            "lag_p99_ms": _quantiles(lags, 0.99)[0] or 0.0,
        }

    def summary(self) -> dict[str, Any]:
        """Return the ``RunSummary``."""
        duration_ns = max(min(self._elapsed_ns, self._duration_ns), 1)
        # A moment in which it had to wait for a core limits nothing.
        used, wanted = self._busy.shares(min(duration_ns, NS))
        everything = Histogram()
        errors: dict[str, int] = {}
        for totals in self._totals:
            everything.merge(totals.latencies)
            _add(errors, totals.errors)
        ok = sum(totals.ok for totals in self._totals)
        p50, p95, p99 = _quantiles(everything, *_QUANTILES)
        lag = _quantiles(self._lags, 0.99)[0] or 0.0
        # An open loop that waits for a core is late, which is measured; a closed one is slow.
        busy = used if self._open_loop else wanted
        limited, warning = judge(busy=busy, lag_ms=lag, p99_ms=p99, errors=errors)
        return {
            "duration_s": round(duration_ns / NS, 4),
            "requests": ok + sum(errors.values()),
            "ok": ok,
            "rps": round(self._ok_in_time / (duration_ns / NS), 3),
            "errors": errors,
            "p50_ms": p50,
            "p95_ms": p95,
            "p99_ms": p99,
            "max_ms": everything.max_ms(),
            "distribution": everything.distribution(),
            "endpoints": {
                name: self._endpoint(totals)
                for name, totals in zip(self._names, self._totals, strict=True)
            },
            "lag_p99_ms": lag,
            "generator_cpu": round(used, 4),
            "generator_limited": limited,
            "warning": warning,
        }

    def _endpoint(self, totals: _Totals) -> dict[str, Any]:
        p50, p95, p99 = _quantiles(totals.latencies, *_QUANTILES)
        return {
            "requests": totals.requests,
            "errors": totals.errors,
            "p50_ms": p50,
            "p95_ms": p95,
            "p99_ms": p99,
            "max_ms": totals.latencies.max_ms(),
            "distribution": totals.latencies.distribution(),
        }


def judge(
    *, busy: float, lag_ms: float, p99_ms: float | None, errors: Mapping[str, int]
) -> tuple[bool, str]:
    """Tell whether the generator was the bottleneck, and what to say about it.

    ``busy`` is the share of a core that it used or waited for, ``lag_ms`` the 99th percentile of
    its own lag, ``p99_ms`` of the latencies it measured.
    """
    own = [kind for kind in OWN_ERRORS if errors.get(kind)]
    if own:
        what = "free ports" if own[0] == "no_port" else "file descriptors"
        return True, f"The load generator ran out of {what}: use fewer new connections."
    if busy >= _BUSY:
        return True, (
            "The load generator was the bottleneck: it used (or waited for) "
            f"{busy:.0%} of a core. The service may be faster than these figures."
        )
    measured = p99_ms or 0.0
    if lag_ms > max(_LATE_MS, _LATE_SHARE * measured):
        return True, (
            f"The load generator itself was up to {lag_ms:.1f} ms late (p99): "
            "latencies of that size are its own, not the service's."
        )
    if lag_ms > max(_NOTICEABLE_MS, _NOTICEABLE_SHARE * measured):
        return False, (
            f"The load generator was up to {lag_ms:.1f} ms late (p99): this machine is busy, "
            "latencies of that size say little about the service."
        )
    return False, ""


def _quantiles(histogram: Histogram, *quantiles: float) -> list[float | None]:
    """Return quantiles in ms, to a tenth of a microsecond."""
    found = histogram.quantiles_ms(*quantiles)
    return [None if value is None else round(value, 4) for value in found]


def _collect(endpoint: Endpoint, totals: _Totals, now: Histogram, errors: dict[str, int]) -> int:
    """Move what an endpoint noted into the totals; return how many responses were as expected."""
    fresh = Histogram()
    fresh.add(endpoint.latencies)
    ok = len(endpoint.latencies)
    fresh.add(endpoint.waits)
    endpoint.latencies.clear()
    endpoint.waits.clear()
    if fresh.count:
        totals.latencies.merge(fresh)
        now.merge(fresh)
    if endpoint.errors:
        _add(totals.errors, endpoint.errors)
        _add(errors, endpoint.errors)
        endpoint.errors.clear()
    totals.ok += ok
    return ok


def _add(total: dict[str, int], more: Mapping[str, int]) -> None:
    for kind, count in more.items():
        total[kind] = total.get(kind, 0) + count


def _queued_ns() -> int:
    """Return how long this thread was ready to run but had no core (Linux; else 0)."""
    try:
        with open("/proc/thread-self/schedstat", encoding="ascii") as file:  # noqa: PTH123 (hot)
            return int(file.read().split()[1])
    except (OSError, IndexError, ValueError):
        return 0

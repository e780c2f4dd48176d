"""Asks all collectors once a second, all at the same time, and waits for none that is slow."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from jupyter_sysdesign.metrics.collectors.app import AppCollector
from jupyter_sysdesign.metrics.collectors.haproxy import HaproxyCollector
from jupyter_sysdesign.metrics.collectors.postgres import PostgresCollector
from jupyter_sysdesign.metrics.collectors.processes import ProcessCollector
from jupyter_sysdesign.metrics.collectors.valkey import ValkeyCollector
from jupyter_sysdesign.metrics.series import Series
from jupyter_sysdesign.metrics.sources import (
    AppSource,
    HaproxySource,
    PostgresSource,
    Sources,
    ValkeySource,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from jupyter_sysdesign.metrics.collectors.base import Collector

log = logging.getLogger(__name__)

#: What a collector that is being closed may take to end by itself.
_LAST_WORDS_S = 0.5


class Sampler:
    """Samples one environment.

    A service that is dead or frozen has missing values; one that answers late has its values in
    the sample after. Neither delays the others.

    Attributes:
        series: the last samples.
        latest: time (seconds since the epoch) and values of the last one; empty before the first.
        interval_s: a sample this often.
    """

    def __init__(
        self,
        sources: Sources | Callable[[], Sources],
        *,
        interval_s: float = 1.0,
        on_sample: Callable[[float, dict[str, float]], None] | None = None,
        series: Series | None = None,
    ) -> None:
        """Prepare; ``sources`` that are a function are asked for before each sample.

        Args:
            sources: what to sample.
            interval_s: a sample this often.
            on_sample: called with each sample, in the event loop.
            series: where to keep the samples; default: half an hour of them.
        """
        self.series = series if series is not None else Series()
        self.latest: tuple[float, dict[str, float]] = (0.0, {})
        self._sources = sources
        self.interval_s = interval_s
        self._on_sample = on_sample
        self._collectors: dict[Hashable, Collector] = {}
        self._pending: dict[Hashable, asyncio.Task[dict[str, float]]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to sample, in the running event loop; nothing happens if it does already."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="metrics sampler")

    async def stop(self) -> None:
        """End sampling and give up all connections; the series stays."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        for key in list(self._collectors):
            self._drop(key)
        if self._closing:
            await asyncio.wait(self._closing, timeout=self.interval_s)

    async def sample(self) -> dict[str, float]:
        """Take one sample now."""
        self._refresh()
        values = self._taken()  # of those that were late: they are asked anew
        for key, collector in self._collectors.items():
            if key not in self._pending:
                self._pending[key] = asyncio.create_task(collector.sample())
        if self._pending:
            await asyncio.wait(self._pending.values(), timeout=self.interval_s / 2)
        values.update(self._taken())
        values = {name: value for name, value in values.items() if math.isfinite(value)}
        self.latest = (time.time(), values)
        self.series.append(*self.latest)
        return values

    def _taken(self) -> dict[str, float]:
        """Return the values of all who have answered."""
        values: dict[str, float] = {}
        for key, task in list(self._pending.items()):
            if not task.done():
                continue
            del self._pending[key]
            try:
                values.update(task.result())
            except Exception as error:  # noqa: BLE001 (whatever it is, the values are missing)
                log.debug("no metrics of %s: %r", key, error)
        return values

    async def _run(self) -> None:
        due = time.monotonic()
        while True:
            values = await self.sample()
            if self._on_sample is not None:
                try:
                    self._on_sample(self.latest[0], values)
                except Exception:
                    log.exception("a sample could not be passed on")
            due = max(due + self.interval_s, time.monotonic())
            await asyncio.sleep(due - time.monotonic())

    def _refresh(self) -> None:
        """Have one collector for each source there is now."""
        try:
            sources = self._sources if isinstance(self._sources, Sources) else self._sources()
        except Exception as error:  # noqa: BLE001 (it is being restarted: keep what there is)
            log.debug("no sources: %r", error)
            return
        wanted: dict[Hashable, Callable[[], Collector]] = {}
        for each in (*sources.apps, *sources.postgres, *sources.valkey, *sources.haproxy):
            wanted[each] = lambda source=each: _collector(source)  # type: ignore[misc]
        if sources.processes is not None:
            quotas = dict(sources.cpu_quotas)
            processes = sources.processes
            own = ("processes", tuple(sorted(quotas.items())))
            wanted[own] = lambda: ProcessCollector(processes, quotas)
        for key in [key for key in self._collectors if key not in wanted]:
            self._drop(key)
        for key, make in wanted.items():
            if key not in self._collectors:
                self._collectors[key] = make()

    def _drop(self, key: Hashable) -> None:
        collector = self._collectors.pop(key)
        closing = asyncio.create_task(self._close(collector, self._pending.pop(key, None)))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def _close(
        self, collector: Collector, pending: asyncio.Task[dict[str, float]] | None
    ) -> None:
        await _closed(collector)
        if pending is not None:
            await asyncio.wait([pending], timeout=_LAST_WORDS_S)
            pending.cancel()
            await asyncio.wait([pending])
            await _closed(collector)  # it may have been connecting, and succeeded


async def _closed(collector: Collector) -> None:
    try:
        await collector.close()
    except Exception as error:  # noqa: BLE001 (it is gone either way)
        log.debug("could not close: %r", error)


def _collector(source: AppSource | PostgresSource | ValkeySource | HaproxySource) -> Collector:
    if isinstance(source, AppSource):
        return AppCollector(source)
    if isinstance(source, PostgresSource):
        return PostgresCollector(source)
    if isinstance(source, ValkeySource):
        return ValkeyCollector(source)
    return HaproxyCollector(source)

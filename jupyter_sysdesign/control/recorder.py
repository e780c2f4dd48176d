"""Samples the metrics of a running environment and keeps the last minutes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from jupyter_sysdesign.control.models import EventType, MetricSeries
from jupyter_sysdesign.environment.status import State
from jupyter_sysdesign.load.target import Target

if TYPE_CHECKING:
    from jupyter_sysdesign.control.events import EventStream
    from jupyter_sysdesign.environment.instance import Instance
    from jupyter_sysdesign.metrics.sampler import Sampler
    from jupyter_sysdesign.metrics.sources import Sources

_UP = frozenset({State.READY, State.DEGRADED})


class Recorder:
    """Samples while the environment is up; each sample is an event.

    Attributes:
        interval_s: a sample this often, from the next start on.
    """

    def __init__(self, instance: Instance, events: EventStream) -> None:
        self.interval_s = 1.0
        self._instance = instance
        self._events = events
        self._sampler: Sampler | None = None
        self._stopping: asyncio.Task[None] | None = None

    def follow(self, state: State) -> None:
        """Begin or end sampling as the environment goes up or down."""
        if state in _UP:
            if self._sampler is None:
                self._sampler = self._make()
            self._sampler.interval_s = self.interval_s
            self._sampler.start()
        elif self._sampler is not None:
            # The task is kept, or it might be collected before it is done.
            self._stopping = asyncio.create_task(self._sampler.stop())

    def series(self, since: float = 0.0) -> MetricSeries:
        """Return the samples taken at or after ``since`` (seconds since the epoch)."""
        if self._sampler is None:
            return MetricSeries(ts=[], values={})
        ts, values = self._sampler.series.window(since)
        return MetricSeries(ts=ts, values=values)

    def latest(self) -> dict[str, float]:
        """Return the last sample while the environment is up, else nothing."""
        if self._sampler is None or self._instance.status.state not in _UP:
            return {}
        return self._sampler.latest[1]

    def memory_bytes(self) -> int:
        """Return what all services took in the last sample; 0 before the first."""
        latest = self.latest().items()
        return int(sum(value for name, value in latest if name.endswith(".memory_bytes")))

    def _make(self) -> Sampler:
        # Imported late: an idle control plane does without drivers for databases and caches.
        from jupyter_sysdesign.metrics.sampler import Sampler  # noqa: PLC0415

        return Sampler(self._sources, on_sample=self._tell)

    def _tell(self, _ts: float, values: dict[str, float]) -> None:
        self._events.emit(EventType.METRIC_SAMPLE, {"values": values})

    def _sources(self) -> Sources:
        from jupyter_sysdesign.metrics.sources import (  # noqa: PLC0415 (with the sampler)
            AppSource,
            HaproxySource,
            PostgresSource,
            Sources,
            ValkeySource,
        )

        instance = self._instance
        services = instance.status.services
        named = {
            kind: [each.name for each in services if each.kind == kind]
            for kind in ("postgres", "valkey", "haproxy")
        }
        apps = []
        for name, address in instance.metrics_addresses().items():
            path = None if address.path is None else str(address.path)
            target = Target(address.host, address.port or 80, unix_path=path, anywhere=True)
            apps.append(AppSource(name, target))
        return Sources(
            apps=tuple(apps),
            postgres=tuple(
                PostgresSource(
                    name,
                    instance.dsn("grader", name),
                    tuple(each.name for each in services if each.replica_of == name),
                )
                for name in named["postgres"]
            ),
            valkey=tuple(ValkeySource(name, instance.cache_url(name)) for name in named["valkey"]),
            haproxy=tuple(
                HaproxySource(name, str(instance.stats_address(name).path))
                for name in named["haproxy"]
            ),
            processes=instance.processes,
            cpu_quotas={each.name: each.cpus for each in services if each.cpus is not None},
        )

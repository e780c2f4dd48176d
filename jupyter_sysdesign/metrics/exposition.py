"""The latest sample in Prometheus's text format, for a real Prometheus to scrape."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NOT_IN_A_NAME = re.compile(r"[^a-zA-Z0-9_]")


class _Samples:
    """A prometheus_client collector of the latest samples."""

    def __init__(self, samples: Mapping[str, Mapping[str, float]]) -> None:
        self._samples = samples

    def collect(self) -> Iterator[GaugeMetricFamily]:
        families: dict[str, tuple[GaugeMetricFamily, tuple[str, ...]]] = {}
        for environment, full, value in self._all():
            service, *what, metric = full.split(".")
            labels = {"environment": environment, "service": service}
            kind = what[0] if what else ""
            if what:  # db.table.orders.seq_scans_per_s: the table is a label
                labels[kind] = ".".join(what[1:])
            name = "_".join(part for part in ("sysdesign", kind, metric) if part)
            name = _NOT_IN_A_NAME.sub("_", name)
            if name not in families:
                keys = tuple(labels)
                families[name] = (
                    GaugeMetricFamily(name, f"{metric} of a service", labels=keys),
                    keys,
                )
            family, keys = families[name]
            family.add_metric([labels.get(key, "") for key in keys], value)
        yield from (family for family, _ in families.values())

    def _all(self) -> Iterator[tuple[str, str, float]]:
        for environment, values in self._samples.items():
            for full, value in values.items():
                yield environment, full, value


def exposition(samples: Mapping[str, Mapping[str, float]]) -> str:
    """Return samples, by the environment's id, as Prometheus text.

    ``sysdesign_<metric>{environment="…", service="…"}``; each metric's lines stand together.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Samples(samples))
    return generate_latest(registry).decode()

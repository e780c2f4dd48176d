"""The latest sample in Prometheus's text format, for a real Prometheus to scrape."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NOT_IN_A_NAME = re.compile(r"[^a-zA-Z0-9_]")


class _Sample:
    """A prometheus_client collector of one sample."""

    def __init__(self, values: Mapping[str, float], labels: Mapping[str, str]) -> None:
        self._values = values
        self._labels = labels

    def collect(self) -> Iterator[GaugeMetricFamily]:
        families: dict[str, tuple[GaugeMetricFamily, tuple[str, ...]]] = {}
        for full, value in self._values.items():
            service, *what, metric = full.split(".")
            labels = {**self._labels, "service": service}
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


def exposition(values: Mapping[str, float], labels: Mapping[str, str] | None = None) -> str:
    """Return ``values`` as Prometheus text: ``sysdesign_<metric>{service="…"}``.

    ``labels`` stand on every line (e.g. the environment's id).
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Sample(values, labels or {}))
    return generate_latest(registry).decode()

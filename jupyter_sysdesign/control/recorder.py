"""Samples the metrics of a running environment and keeps the last minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.control.models import MetricSeries

if TYPE_CHECKING:
    from jupyter_sysdesign.control.events import EventStream
    from jupyter_sysdesign.environment.instance import Instance
    from jupyter_sysdesign.environment.status import State


class Recorder:
    """Samples once a second while the environment is up."""

    def __init__(self, instance: Instance, events: EventStream) -> None:
        self._instance = instance
        self._events = events

    def follow(self, state: State) -> None:
        """Begin or end sampling as the environment goes up or down."""

    def series(self, since: float = 0.0) -> MetricSeries:
        """Return the samples taken at or after ``since`` (seconds since the epoch)."""
        return MetricSeries(ts=[], values={})

    def exposition(self) -> str:
        """Return the latest sample as Prometheus text, empty when nothing runs."""
        return ""

"""``lesson.load(profile)``: what a run returns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.errors import ConflictError
from jupyter_sysdesign.notebook.output import ShownOnce
from jupyter_sysdesign.notebook.rendering import run as rendering

if TYPE_CHECKING:
    from jupyter_sysdesign.control.models import EndpointStats, Run, RunSummary, RunTick


class RunResult(ShownOnce):
    """One run of a profile: what was sent, and how the system answered.

    Attributes:
        run: everything the control plane recorded, as it stands in the API.
    """

    def __init__(self, run: Run) -> None:
        self.run = run

    @property
    def profile(self) -> str:
        """Return the name of the traffic shape."""
        return self.run.profile

    @property
    def seed(self) -> int:
        """Return the seed: the same seed sends the same requests in the same order."""
        return self.run.seed

    @property
    def scale(self) -> float:
        """Return what rates and connections were multiplied by."""
        return self.run.scale

    @property
    def state(self) -> str:
        """Return ``done``, ``stopped`` (early, figures are partial) or ``failed``."""
        return self.run.state

    @property
    def summary(self) -> RunSummary:
        """Return the figures over the whole run.

        Raises:
            ConflictError: the run failed before there were any.
        """
        if self.run.summary is None:
            raise ConflictError(
                f"This run has no figures: it is {self.state}.", hint=self.run.reason
            )
        return self.run.summary

    @property
    def ticks(self) -> list[RunTick]:
        """Return the figures of each 100 ms."""
        return self.run.ticks

    @property
    def endpoints(self) -> dict[str, EndpointStats]:
        """Return the figures per endpoint of the mix."""
        return self.summary.endpoints

    @property
    def requests(self) -> int:
        """Return how many requests were sent."""
        return self.summary.requests

    @property
    def rps(self) -> float:
        """Return the answers per second."""
        return self.summary.rps

    @property
    def errors(self) -> dict[str, int]:
        """Return the failed requests by kind."""
        return self.summary.errors

    @property
    def error_rate(self) -> float:
        """Return the share (0 to 1) of requests that failed."""
        return sum(self.errors.values()) / self.requests if self.requests else 0.0

    @property
    def p50_ms(self) -> float | None:
        """Return the time within which half of the requests were answered."""
        return self.summary.p50_ms

    @property
    def p95_ms(self) -> float | None:
        """Return the time within which 95% of the requests were answered."""
        return self.summary.p95_ms

    @property
    def p99_ms(self) -> float | None:
        """Return the time within which 99% of the requests were answered."""
        return self.summary.p99_ms

    @property
    def max_ms(self) -> float | None:
        """Return the time of the slowest answer."""
        return self.summary.max_ms

    def __repr__(self) -> str:
        return rendering.as_text(self.run)

    def _repr_html_(self) -> str:
        return rendering.as_html(self.run)

"""``lesson.compare(before, after)``: the same seeded traffic, before and after a change."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.control.models import EndpointStats
from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.notebook.output import Slot, text_and_html
from jupyter_sysdesign.notebook.rendering import comparison as rendering
from jupyter_sysdesign.notebook.rendering.comparison import NOISE
from jupyter_sysdesign.notebook.rendering.figures import milliseconds, number, percent, times
from jupyter_sysdesign.notebook.run import RunResult

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

#: More failures than this share of requests make the latencies of a run hard to compare.
_MANY_ERRORS = 0.01


class Comparison:
    """Two runs of one profile; shows the story, a table and a Plotly figure.

    Attributes:
        before, after: the two runs.

    Raises:
        InvalidRequestError: no runs, runs without figures, or runs of different profiles.
    """

    def __init__(self, before: RunResult, after: RunResult) -> None:
        for name, run in (("before", before), ("after", after)):
            if not isinstance(run, RunResult):
                raise InvalidRequestError(
                    f"{name} is no run, it is {type(run).__name__}.",
                    hint="Keep what lesson.load() returns: before = lesson.load('…').",
                )
            if run.run.summary is None:
                raise InvalidRequestError(
                    f"The run given as {name} has no figures: it is {run.state}.",
                    hint="Run the load again and compare with that.",
                )
        if before.profile != after.profile:
            raise InvalidRequestError(
                f"These runs had different traffic: {before.profile!r} and {after.profile!r}.",
                hint="Only runs of the same profile say something about the change in between.",
            )
        self.before = before
        self.after = after

    @property
    def same_traffic(self) -> bool:
        """Tell whether both runs sent the same requests in the same order."""
        before, after = self.before.run, self.after.run
        return all(
            getattr(before, each) == getattr(after, each) for each in ("seed", "scale", "traffic")
        )

    @cached_property
    def warnings(self) -> list[str]:
        """Return why the figures may not say what they seem to say."""
        before, after = self.before, self.after
        found = []
        if before.seed != after.seed:
            found.append(
                f"The seeds differ ({before.seed} and {after.seed}), so these were different "
                "requests. Run both with the same seed to see the effect of your change alone."
            )
        if before.run.traffic != after.run.traffic:
            found.append(
                f"{before.profile!r} was another profile in the second run: it asked for something "
                "else."
            )
        if before.scale != after.scale:
            found.append(f"The load was scaled differently ({before.scale:g} and {after.scale:g}).")
        if before.run.id == after.run.id:
            found.append("Both are the same run.")
        for name, run in (("first", before), ("second", after)):
            if run.state != "done":
                found.append(
                    f"The {name} run was stopped after {number(run.summary.duration_s, 1)} s."
                )
            if run.summary.generator_limited:
                found.append(f"In the {name} run the load generator was the bottleneck.")
        if after.error_rate > max(before.error_rate, _MANY_ERRORS):
            found.append(
                f"{percent(after.error_rate)} of the requests failed afterwards (before: "
                f"{percent(before.error_rate)}). A request that fails at once is fast, but it "
                "helps nobody."
            )
        return found

    @cached_property
    def ratio(self) -> float | None:
        """Return how many times faster the p95 became; below 1 it became slower."""
        if not self.before.p95_ms or not self.after.p95_ms:
            return None
        return self.before.p95_ms / self.after.p95_ms

    @property
    def headline(self) -> str:
        """Return the result in one sentence."""
        before, after = self.before.p95_ms, self.after.p95_ms
        if self.ratio is None:
            return "One of the runs got no answer at all, so there is nothing to compare."
        span = f"from {milliseconds(before)} to {milliseconds(after)}"
        if self.ratio >= NOISE:
            return f"p95 fell {span}: {times(self.ratio)} faster."
        if self.ratio <= 1 / NOISE:
            return f"p95 rose {span}: {times(1 / self.ratio)} slower."
        return f"p95 went {span}: no real difference, two runs always differ a little."

    @cached_property
    def sentences(self) -> list[str]:
        """Return what else changed: throughput, the endpoint that gained or lost most, errors."""
        before, after = self.before, self.after
        said = []
        if before.rps and after.rps:
            said.append(
                f"The system answered {number(after.rps, 1)} requests per second instead of "
                f"{number(before.rps, 1)}."
                if _differ(before.rps, after.rps)
                else f"It answered about as many requests per second: {number(after.rps, 1)}."
            )
        changes = {name: old / new for name in self.names for old, new in [self._p95(name)] if new}
        if len(changes) > 1:
            best, worst = max(changes, key=changes.__getitem__), min(changes, key=changes.get)  # type: ignore[arg-type]
            if changes[best] >= NOISE:
                said.append(f"Most gained: {best}, {times(changes[best])} faster.")
            if changes[worst] <= 1 / NOISE:
                said.append(f"Slower than before: {worst}, {times(1 / changes[worst])}.")
        if before.error_rate > after.error_rate:
            said.append(
                f"Before, {percent(before.error_rate)} of the requests failed; afterwards "
                f"{percent(after.error_rate)}."
            )
        return said

    @cached_property
    def names(self) -> list[str]:
        """Return the endpoints that either run called, in the profile's order."""
        return list({**self.before.endpoints, **self.after.endpoints})

    def endpoint(self, name: str) -> tuple[EndpointStats, EndpointStats]:
        """Return one endpoint's figures before and after."""
        nothing = EndpointStats(requests=0)
        return (
            self.before.endpoints.get(name, nothing),
            self.after.endpoints.get(name, nothing),
        )

    def _p95(self, name: str) -> tuple[float, float]:
        old, new = self.endpoint(name)
        return old.p95_ms or 0.0, new.p95_ms if old.p95_ms and new.p95_ms else 0.0

    @property
    def figure(self) -> Figure:
        """Return the Plotly figure: p95 over time, and p95 per endpoint."""
        from jupyter_sysdesign.notebook.comparison_figure import draw  # noqa: PLC0415 (1 s)

        return draw(self)

    def __repr__(self) -> str:
        return rendering.as_text(self)

    def _repr_html_(self) -> str:
        return rendering.as_html(self) + rendering.picture(self)

    def _ipython_display_(self) -> None:
        """Show the story, and under it the figure, with a picture for where Plotly is missing."""
        Slot().show(text_and_html(repr(self), rendering.as_html(self)))
        Slot().show(self._figure_bundle())

    def _figure_bundle(self) -> dict[str, Any]:
        return {
            "application/vnd.plotly.v1+json": self.figure.to_plotly_json(),
            "text/html": str(rendering.picture(self)),
            "text/plain": self.headline,
        }


def _differ(one: float, other: float) -> bool:
    return max(one, other) / min(one, other) >= NOISE

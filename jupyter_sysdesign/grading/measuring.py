"""The number a question is about, taken from the learner's own recorded runs and series."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.curriculum.recording import (
    ERROR_SHARE,
    Fixed,
    OfHot,
    OfMetric,
    OfRatio,
    OfRun,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jupyter_sysdesign.control.models import Run

#: Samples are taken once a second: the one that covers a run's end comes just after it.
_SAMPLE_LAG_S = 1.0
_REDUCERS: dict[str, Callable[[list[float]], float]] = {
    "max": max,
    "min": min,
    "mean": statistics.fmean,
    "median": statistics.median,
    "last": lambda values: values[-1],
}


@dataclass(frozen=True)
class Recorded:
    """What was recorded in the learner's environment.

    Attributes:
        runs: in the order they were started.
        details: returns a run with its metrics, by id; for lists of runs that come without.
        favourite: returns which key of a profile's parameter is hot for this learner.
    """

    runs: Sequence[Run] = ()
    details: Callable[[str], Run] | None = field(default=None, repr=False)
    favourite: Callable[[str, str], int | None] | None = field(default=None, repr=False)


class NotRecorded(Exception):  # noqa: N818 (a state, not an error)
    """There is nothing to compare with yet; the message says what to do."""


def measure(figure: Any, recorded: Recorded, *, since: float = 0.0) -> float:
    """Return the recorded value of ``figure`` from what started at or after ``since`` (epoch s).

    In a ratio, ``since`` holds for its ``last`` runs only: "how many times faster will it be?"
    compares with a run from before the prediction.

    Raises:
        NotRecorded: nothing is there yet.
    """
    if isinstance(figure, Fixed):
        return figure.value
    if isinstance(figure, OfRatio):
        return _ratio(figure, recorded, since)
    if isinstance(figure, OfHot):
        return _of_hot(figure, recorded, since)
    if isinstance(figure, OfRun):
        return _of_run(figure, _run(figure, recorded, since))
    return _of_metric(figure, _run(figure, recorded, since), recorded)


def _ratio(figure: OfRatio, recorded: Recorded, since: float) -> float:
    values, runs = [], []
    for part in (figure.ratio.of, figure.ratio.to):
        values.append(measure(part, recorded, since=since if _which(part) == "last" else 0.0))
        runs.append(None if isinstance(part, Fixed) else _run(part, recorded, 0.0).id)
    compared = figure.ratio.of, figure.ratio.to
    if runs[0] is not None and runs[0] == runs[1] and _which(compared[0]) != _which(compared[1]):
        raise NotRecorded("There is only one run so far. Run it again after your change.")
    if values[1] == 0:
        raise NotRecorded("Your run measured 0 here, so there is no ratio. Run it again.")
    return values[0] / values[1]


def _which(part: Any) -> str:
    if isinstance(part, OfRun):
        return part.run.which
    return "first" if isinstance(part, OfMetric) and part.window == "first_run" else "last"


def _of_hot(figure: OfHot, recorded: Recorded, since: float) -> float:
    asked = figure.hot
    _run(figure, recorded, since)  # what has not happened cannot have been observed
    found = recorded.favourite(asked.profile, asked.parameter) if recorded.favourite else None
    if found is None:
        raise NotRecorded(f"Nobody is favoured in the load `{asked.profile}`.")
    return float(found)


def _run(figure: OfRun | OfMetric | OfHot, recorded: Recorded, since: float) -> Run:
    if isinstance(figure, OfHot):
        profile: str | None = figure.hot.profile
    else:
        profile = figure.run.profile if isinstance(figure, OfRun) else figure.profile
    done = [
        run
        for run in recorded.runs
        if run.state == "done"
        and run.summary is not None
        and profile in (None, run.profile)
        and run.started_at >= since
    ]
    if not done:
        name = f"the load `{profile}`" if profile else "a load"
        when = "now, and this is decided when it is done" if since else "first, then answer"
        raise NotRecorded(f"There is no finished run to compare with. Run {name} {when}.")
    return done[0] if _which(figure) == "first" else done[-1]


def _of_run(figure: OfRun, run: Run) -> float:
    summary = run.summary
    if summary is None:
        raise NotRecorded("That run has not finished.")
    first, *rest = figure.run.field.split(".")
    if first == ERROR_SHARE:
        return (summary.requests - summary.ok) / summary.requests if summary.requests else 0.0
    if first == "errors":
        return float(summary.errors.get(rest[0], 0))
    if first != "endpoints":
        value = getattr(summary, first)
    else:
        endpoint = summary.endpoints.get(rest[0])
        value = getattr(endpoint, rest[1]) if endpoint is not None else None
    if value is None:
        raise NotRecorded(f"Your run of `{run.profile}` got no answers to measure. Run it again.")
    return float(value)


def _of_metric(figure: OfMetric, run: Run, recorded: Recorded) -> float:
    series = run.metrics
    if series is None and recorded.details is not None:
        series = recorded.details(run.id).metrics
    values: list[float] = []
    if series is not None and run.summary is not None:
        end = run.started_at + run.summary.duration_s + _SAMPLE_LAG_S
        named = series.values.get(figure.metric, [])
        pairs = zip(series.ts, named, strict=False)
        values = [v for ts, v in pairs if v is not None and run.started_at <= ts <= end]
    if not values:
        raise NotRecorded(
            f"Nothing was recorded of {figure.metric} during that run. Run it once more."
        )
    return float(_REDUCERS[figure.reduce](values))

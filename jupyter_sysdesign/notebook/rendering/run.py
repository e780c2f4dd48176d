"""A run: throughput, latency, errors, and whether the load generator itself was well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.notebook.rendering.figures import count, milliseconds, number, percent
from jupyter_sysdesign.notebook.rendering.html import (
    AMBER,
    GREEN,
    GREY,
    RED,
    Html,
    badge,
    card,
    footnote,
    muted,
    notice,
    paragraph,
    strong,
    table,
    title,
)
from jupyter_sysdesign.notebook.rendering.line_chart import (
    BLUE,
    ORANGE,
    TEAL,
    VIOLET,
    Line,
    chart,
)
from jupyter_sysdesign.notebook.rendering.line_chart import RED as RED_LINE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jupyter_sysdesign.control.models import (
        EndpointStats,
        MetricSeries,
        Run,
        RunSummary,
        RunTick,
    )

#: A picture shows at most this many points of a line; more would not be seen.
_POINTS = 120
#: Single 100 ms ticks jump; half a second is the least that says something.
_SHORTEST_BIN_S = 0.5
_TICK_S = 0.1

_STATES = {
    "running": ("running", GREY),
    "done": ("done", GREEN),
    "stopped": ("stopped", AMBER),
    "failed": ("failed", RED),
}

_ERRORS = {
    "timeout": "no answer in time",
    "refused": "connection refused",
    "reset": "connection broken off",
    "closed": "connection closed too early",
}


def as_html(run: Run) -> Html:
    """Return the run as a card."""
    word, colour = _STATES[run.state]
    summary = run.summary
    heading = title(f"Load: {run.profile} ", muted(f"seed {run.seed}"), " ", badge(word, colour))
    if summary is None:
        text = run.reason or ("Under way …" if run.state == "running" else "It ended early.")
        return card(heading, paragraph(text), *charts(run), kind="run")
    parts = [heading, paragraph(*_headline(summary))]
    if run.state == "stopped":
        parts.append(
            notice(f"Stopped after {number(summary.duration_s, 1)} s: these are partial figures.")
        )
    if run.reason:
        parts.append(notice(run.reason, colour=RED if run.state == "failed" else AMBER))
    if summary.errors:
        parts.append(notice(_errors(summary), colour=RED))
    parts += charts(run)
    parts.append(endpoint_table(summary.endpoints))
    parts.append(generator(summary))
    return card(*parts, kind="run")


def as_text(run: Run) -> str:
    """Return the run in a few lines for a terminal."""
    summary = run.summary
    if summary is None:
        return f"Load {run.profile!r} (seed {run.seed}): {run.state}. {run.reason}".rstrip()
    lines = [
        (
            f"Load {run.profile!r} (seed {run.seed}), {run.state} after "
            f"{number(summary.duration_s, 1)} s: {count(summary.requests, 'request')}, "
            f"{number(summary.rps, 1)} per second"
        ),
        (
            f"  latency: p50 {milliseconds(summary.p50_ms)}, p95 {milliseconds(summary.p95_ms)}, "
            f"p99 {milliseconds(summary.p99_ms)}, slowest {milliseconds(summary.max_ms)}"
        ),
        f"  errors:  {_errors(summary) if summary.errors else 'none'}",
    ]
    width = max((len(name) for name in summary.endpoints), default=0)
    lines += [
        f"  {name:<{width}}  {count(stats.requests, 'request')}, p50 {milliseconds(stats.p50_ms)}, "
        f"p95 {milliseconds(stats.p95_ms)}, {count(errors(stats), 'error')}"
        for name, stats in summary.endpoints.items()
    ]
    if summary.warning:
        lines.append(f"  ! {summary.warning}")
    return "\n".join(lines)


def charts(run: Run) -> list[Html]:
    """Return the pictures of throughput, latency and CPU over time, as far as they are known."""
    drawn = [*_traffic(run.ticks)] if run.ticks else []
    cpu = _cpu(run)
    return [*drawn, chart(cpu, title="CPU", y_unit="cores")] if cpu else drawn


#: One per service; more than these many lines would not be told apart.
_LOOKS = (
    (BLUE, "solid"),
    (ORANGE, "dashed"),
    (TEAL, "dotted"),
    (VIOLET, "solid"),
    (RED_LINE, "dashed"),
    (BLUE, "dotted"),
)
_CPU = ".cpu_cores"


def _cpu(run: Run) -> list[Line]:
    if run.metrics is None:
        return []
    seconds = [ts - run.started_at for ts in run.metrics.ts]
    series = {
        name.removesuffix(_CPU): values
        for name, values in sorted(run.metrics.values.items())
        if name.endswith(_CPU)
    }
    return [
        Line(_named(run.metrics, name), list(zip(seconds, values, strict=False)), colour, dash)
        for (name, values), (colour, dash) in zip(series.items(), _LOOKS, strict=False)
    ]


def _named(metrics: MetricSeries, service: str) -> str:
    quotas = [each for each in metrics.values.get(f"{service}.cpu_quota_cores", []) if each]
    return f"{service} (limit {quotas[-1]:g})" if quotas else service


def _traffic(ticks: Sequence[RunTick]) -> list[Html]:
    answers, errors = throughput(ticks)
    rate = [Line("answers", answers, BLUE), Line("errors", errors, RED_LINE, "dashed")]
    if not any(y for _, y in rate[1].points):
        rate.pop()
    latency = [
        Line("p50", latencies(ticks, "p50_ms"), TEAL),
        Line("p95", latencies(ticks, "p95_ms"), ORANGE, "dashed"),
        Line("p99", latencies(ticks, "p99_ms"), VIOLET, "dotted"),
    ]
    return [
        chart(rate, title="Throughput", y_unit="per second"),
        chart(latency, title="Latency", y_unit="ms"),
    ]


def throughput(
    ticks: Sequence[RunTick],
) -> tuple[list[tuple[float, float | None]], list[tuple[float, float | None]]]:
    """Return answers as expected, and errors, per second over time."""
    seconds = bin_s(ticks[-1].t_s) if ticks else 1.0
    return _binned(ticks, seconds, _rate), _binned(ticks, seconds, _error_rate)


def latencies(ticks: Sequence[RunTick], field: str) -> list[tuple[float, float | None]]:
    """Return one latency over time: per bin the mean of the ticks, weighted by their answers."""

    def mean(some: Sequence[RunTick]) -> float | None:
        known = [(getattr(tick, field), tick.done) for tick in some if tick.done]
        known = [(value, done) for value, done in known if value is not None]
        weight = sum(done for _, done in known)
        return sum(value * done for value, done in known) / weight if weight else None

    return _binned(ticks, bin_s(ticks[-1].t_s) if ticks else 1.0, mean)


def bin_s(duration_s: float) -> float:
    """Return how many seconds one point of a picture stands for."""
    return max(_SHORTEST_BIN_S, duration_s / _POINTS)


def _binned(
    ticks: Sequence[RunTick], seconds: float, value: Callable[[Sequence[RunTick]], float | None]
) -> list[tuple[float, float | None]]:
    bins: dict[int, list[RunTick]] = {}
    for tick in ticks:
        bins.setdefault(int(tick.t_s / seconds), []).append(tick)
    last = max(bins, default=-1)
    return [
        ((position + 0.5) * seconds, value(bins[position]) if position in bins else None)
        for position in range(last + 1)
    ]


def _rate(ticks: Sequence[RunTick]) -> float:
    return sum(map(_answered, ticks)) / sum(map(_length_s, ticks))


def _error_rate(ticks: Sequence[RunTick]) -> float:
    return sum(sum(tick.errors.values()) for tick in ticks) / sum(map(_length_s, ticks))


def _answered(tick: RunTick) -> int:
    return tick.done - sum(tick.errors.values())


def _length_s(tick: RunTick) -> float:
    """Return how long a tick was: one that comes after a stall is longer than others."""
    answered = _answered(tick)
    return answered / tick.rps if answered > 0 and tick.rps > 0 else _TICK_S


def _headline(summary: RunSummary) -> list[str]:
    return [
        strong(count(summary.requests, "request")),
        f" in {number(summary.duration_s, 1)} s, ",
        strong(f"{number(summary.rps, 1)} per second"),
        ". Half were answered within ",
        strong(milliseconds(summary.p50_ms)),
        ", 95% within ",
        strong(milliseconds(summary.p95_ms)),
        ", 99% within ",
        strong(milliseconds(summary.p99_ms)),
        "; the slowest took ",
        milliseconds(summary.max_ms),
        ".",
    ]


def errors(stats: EndpointStats) -> int:
    """Return the failed requests of one endpoint."""
    return sum(stats.errors.values())


def _errors(summary: RunSummary) -> str:
    failed = sum(summary.errors.values())
    share = percent(failed / summary.requests) if summary.requests else "all"
    kinds = ", ".join(f"{number(each)} × {error(kind)}" for kind, each in summary.errors.items())
    return f"{count(failed, 'request')} failed ({share}): {kinds}."


def error(kind: str) -> str:
    """Return an error kind in words."""
    if kind.startswith("http_"):
        return f"HTTP {kind.removeprefix('http_')}"
    return _ERRORS.get(kind, kind)


def endpoint_table(endpoints: dict[str, EndpointStats]) -> Html:
    """Return one line per endpoint of the mix."""
    if not endpoints:
        return Html("")
    rows = [
        [
            name,
            number(stats.requests),
            milliseconds(stats.p50_ms),
            milliseconds(stats.p95_ms),
            milliseconds(stats.p99_ms),
            milliseconds(stats.max_ms),
            number(errors(stats)) if not errors(stats) else strong(number(errors(stats))),
        ]
        for name, stats in endpoints.items()
    ]
    return table(["Endpoint", "Requests", "p50", "p95", "p99", "Slowest", "Errors"], rows)


def generator(summary: RunSummary) -> Html:
    """Return what the load generator says about itself."""
    if summary.warning:
        return notice(summary.warning, colour=AMBER)
    return footnote(
        f"The load generator kept up: {percent(summary.generator_cpu)} of one core, "
        f"p99 of its own lag {milliseconds(summary.lag_p99_ms)}."
    )

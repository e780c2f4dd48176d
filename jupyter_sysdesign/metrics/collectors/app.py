"""A service's own metrics: ``GET /metrics`` in Prometheus's text format.

What a web service is expected to have (Prometheus's own names): the histogram
``http_request_duration_seconds``, or else the first ``…request_duration_seconds`` of its page, and
perhaps the counter ``http_requests_total``; statuses under the label ``status`` (or ``code``,
``status_code``), routes under ``route`` (or ``path``, ``handler``). Everything else it reports is
passed on by its name, except what is measured from outside.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import httpx

from jupyter_sysdesign.metrics.collectors.processes import NAMES
from jupyter_sysdesign.metrics.collectors.prometheus_text import Line, Reader
from jupyter_sysdesign.metrics.counters import Counters, Increases
from jupyter_sysdesign.metrics.quantiles import quantile
from jupyter_sysdesign.unencrypted import NO_CERTIFICATES

if TYPE_CHECKING:
    from jupyter_sysdesign.metrics.sources import AppSource

TIMEOUT_S = 5.0
_MAX_BYTES = 4 * 1024 * 1024
#: Metrics of the lesson's own, beyond those of its requests.
MAX_EXTRAS = 50

_DURATION = "request_duration_seconds"
_REQUESTS = "http_requests"
#: Questions of ours and of load balancers are no traffic.
_NOT_TRAFFIC = ("/metrics", "/health", "/healthz")
_COUNTED = ("counter", "histogram")
_QUANTILES = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99}

Value = tuple[Line, float]


class AppCollector:
    """One service with a ``/metrics`` page."""

    def __init__(self, source: AppSource) -> None:
        """Prepare; connects at the first sample."""
        self._service = source.service
        transport = httpx.AsyncHTTPTransport(
            uds=source.target.unix_path, retries=0, verify=NO_CERTIFICATES
        )
        self._client = httpx.AsyncClient(transport=transport, timeout=TIMEOUT_S, trust_env=False)
        self._url = f"http://{source.target.authority}{source.path}"
        self._reader = Reader()
        self._counters: Counters[str] = Counters()

    async def sample(self) -> dict[str, float]:
        """Return request rate, errors, latency quantiles, and whatever else is reported."""
        async with self._client.stream("GET", self._url) as response:
            response.raise_for_status()
            parts, size = [], 0
            async for part in response.aiter_bytes():
                parts.append(part)
                size += len(part)
                if size > _MAX_BYTES:
                    raise ValueError("the metrics page is too long")
        series = self._reader.read(b"".join(parts).decode("utf-8", errors="replace"))
        increases = self._counters.update(
            {line.key: value for line, value in series if line.kind in _COUNTED}
        )
        family = _durations(series)
        found = {**_requests(series, family, increases), **_extras(series, family, increases)}
        nobody_came = "requests_per_s" not in found and _declares_requests(self._reader.kinds)
        if increases is not None and nobody_came:
            found |= {"requests_per_s": 0.0, "errors_per_s": 0.0}
        return {f"{self._service}.{name}": value for name, value in found.items()}

    async def close(self) -> None:
        """Close the connection."""
        await self._client.aclose()


def _durations(series: list[Value]) -> str:
    """Return the histogram of the service's own requests: others are of what it asks for."""
    families = [line.family for line, _ in series if line.kind == "histogram"]
    found = [each for each in families if each.endswith(_DURATION)]
    own = f"http_{_DURATION}"
    return own if own in found else next(iter(found), "")


def _requests(
    series: list[Value], family: str, increases: Increases[str] | None
) -> dict[str, float]:
    if increases is None:
        return {}
    counters = [line for line, _ in series if line.kind == "counter" and line.family == _REQUESTS]
    durations = [line for line, _ in series if line.family == family]
    counts = counters or [line for line in durations if line.name.endswith("_count")]
    found = {}
    if counts:
        traffic = [line for line in counts if _is_traffic(line)]
        failed = [line for line in traffic if line.status.startswith("5")]
        found["requests_per_s"] = increases.rate(*(line.key for line in traffic))
        # A counter without statuses cannot tell; where any status is said, no 5xx means none.
        if any(line.status for line in counts):
            found["errors_per_s"] = increases.rate(*(line.key for line in failed))
    found.update(_quantiles("latency", durations, increases))
    return found


def _extras(series: list[Value], family: str, increases: Increases[str] | None) -> dict[str, float]:
    found: dict[str, float] = {}
    histograms: dict[str, list[Line]] = {}
    for line, value in series:
        if line.family in (_REQUESTS, family):
            continue
        if line.kind in ("gauge", "unknown") and line.family not in NAMES:
            found[line.family] = found.get(line.family, 0.0) + value
        elif increases is not None and line.kind == "counter":
            name = f"{line.family}_per_s"
            found[name] = found.get(name, 0.0) + increases.rate(line.key)
        elif line.kind == "histogram" and line.family.endswith("_seconds"):
            histograms.setdefault(line.family, []).append(line)
    if increases is not None:
        for name, lines in histograms.items():
            found.update(_quantiles(name.removesuffix("_seconds"), lines, increases))
    return dict(itertools.islice(found.items(), MAX_EXTRAS))


def _quantiles(name: str, lines: list[Line], increases: Increases[str]) -> dict[str, float]:
    buckets: dict[float, float] = {}
    for line in lines:
        if line.upper is not None and _is_traffic(line):
            buckets[line.upper] = buckets.get(line.upper, 0.0) + increases.by.get(line.key, 0.0)
    found = {}
    for suffix, q in _QUANTILES.items():
        value = quantile(q, list(buckets.items()))
        if value is not None:
            found[f"{name}_{suffix}"] = value * 1000
    return found


def _declares_requests(kinds: dict[str, str]) -> bool:
    names = (f"{_REQUESTS}_total", _REQUESTS)
    return any(name in names or name.endswith(_DURATION) for name in kinds)


def _is_traffic(line: Line) -> bool:
    return line.route not in _NOT_TRAFFIC

"""Prometheus's text format, read again and again from the same service.

A page says the same thing every time but for the numbers. What stands before a number is parsed
by prometheus_client once and remembered, which makes reading a page fifty times cheaper.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from prometheus_client.parser import text_string_to_metric_families

_MAX_REMEMBERED = 10_000
_STATUS_LABELS = ("status", "code", "status_code")
_ROUTE_LABELS = ("route", "path", "handler")
_SUFFIXES = ("_bucket", "_count", "_sum", "_total")
#: The process's own figures are taken from outside, where no code of a learner can change them.
_UNWANTED = ("python_", "process_")


@dataclass(frozen=True)
class Line:
    """What stands before the number.

    Attributes:
        key: the text itself; it names the time series.
        family: name of the metric, without suffixes such as ``_total`` and ``_bucket``.
        kind: ``counter``, ``gauge``, ``histogram``, ``summary`` or ``unknown``.
        name: with the suffix.
    """

    key: str
    family: str
    kind: str
    name: str
    labels: dict[str, str]

    @cached_property
    def status(self) -> str:
        """Return the HTTP status it counts, or nothing."""
        return self._label(_STATUS_LABELS)

    @cached_property
    def route(self) -> str:
        """Return the route it counts, or nothing."""
        return self._label(_ROUTE_LABELS)

    @cached_property
    def upper(self) -> float | None:
        """Return the upper bound of a histogram's bucket; None if it is not one."""
        return float(self.labels["le"]) if self.name.endswith("_bucket") else None

    def _label(self, names: tuple[str, ...]) -> str:
        return next((self.labels[name] for name in names if name in self.labels), "")


class Reader:
    """Reads the pages of one service.

    Attributes:
        kinds: what the last page declared, by name: a metric with labels has no time series
            before something happened, but it is declared.
    """

    def __init__(self) -> None:
        self.kinds: dict[str, str] = {}
        self._known: dict[str, Line | None] = {}

    def read(self, text: str) -> list[tuple[Line, float]]:
        """Return all time series that are wanted, with their values.

        Raises:
            ValueError: not Prometheus's text format.
        """
        self.kinds = _kinds(text)
        found: list[tuple[Line, float]] = []
        for raw in text.split("\n"):
            if not raw or raw[0] == "#" or raw.isspace():
                continue
            key, value = _split(raw)
            if key not in self._known:
                if len(self._known) >= _MAX_REMEMBERED:
                    self._known.clear()
                self._known[key] = _parse(key, raw, self.kinds)
            line = self._known[key]
            if line is not None:
                found.append((line, float(value)))
        return found


def _kinds(text: str) -> dict[str, str]:
    """Return what the page says of its metrics: ``# TYPE <name> <kind>``."""
    lines = (line.split() for line in text.split("\n") if line.startswith("# TYPE "))
    return {words[2]: words[3] for words in lines if len(words) == 4}  # noqa: PLR2004


def _parse(key: str, raw: str, kinds: dict[str, str]) -> Line | None:
    sample = next(iter(text_string_to_metric_families(raw + "\n"))).samples[0]
    name = str(sample.name)
    family = next((each for each in (name, *_stems(name)) if each in kinds), name)
    kind = kinds.get(family, "unknown")
    if name.startswith(_UNWANTED) or name.endswith("_created"):
        return None
    if kind == "counter":
        family = family.removesuffix("_total")
    return Line(key, family, kind, name, dict(sample.labels))


def _stems(name: str) -> list[str]:
    return [name.removesuffix(each) for each in _SUFFIXES if name.endswith(each)]


def _split(raw: str) -> tuple[str, str]:
    """Return what stands before the number, and the number (a timestamp may follow it)."""
    end = raw.rfind("}") + 1
    if not end:
        end = len(raw) - len(raw.lstrip())
        end = next((at for at in range(end, len(raw)) if raw[at] in " \t"), len(raw))
    rest = raw[end:].split()
    if not rest:
        raise ValueError(f"no number in {raw!r}")
    return raw[:end], rest[0]

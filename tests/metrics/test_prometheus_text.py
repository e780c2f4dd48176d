"""The remembering reader, against prometheus_client's own parser on the whole page."""

from __future__ import annotations

import math

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from jupyter_sysdesign.metrics.collectors.prometheus_text import Reader

Found = dict[tuple[str, str, str, frozenset[tuple[str, str]]], float]


def _by_library(text: str) -> Found:
    return {
        (family.name, family.type, sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def _by_us(reader: Reader, text: str) -> Found:
    return {
        (line.family, line.kind, line.name, frozenset(line.labels.items())): value
        for line, value in reader.read(text)
    }


def test_it_reads_what_the_library_reads_again_and_again():
    registry = CollectorRegistry()
    requests = Counter("http_requests", "Requests", ["path"], registry=registry)
    gauge = Gauge("depth", "With {braces} and \\ in its help", ["queue"], registry=registry)
    latency = Histogram("wait_seconds", "Waiting", ["who"], registry=registry)
    Gauge("bare", "Without labels", registry=registry).set(-0.5)
    reader = Reader()
    for turn in range(4):
        requests.labels('/a "quoted" } path').inc(turn)
        gauge.labels(f"queue {turn % 2}").set(math.pi * turn)
        latency.labels("me, you\nand \\ them").observe(turn)
        text = generate_latest(registry).decode()
        assert _by_us(reader, text) == _by_library(text)


def test_a_page_written_by_hand():
    text = """# a comment
no_type 3
# TYPE size gauge
  size{a="1"}\t2.5 1700000000000

size{ a = "2", } +Inf
# TYPE python_info gauge
python_info{version="3"} 1
process_cpu_seconds_total 9"""
    reader = Reader()
    expected = {
        ("no_type", "unknown", "no_type", frozenset()): 3,
        ("size", "gauge", "size", frozenset({("a", "1")})): 2.5,
        ("size", "gauge", "size", frozenset({("a", "2")})): math.inf,
    }
    assert _by_us(reader, text) == expected
    assert reader.kinds == {"size": "gauge", "python_info": "gauge"}


@pytest.mark.parametrize("text", ["lonely", "<html>", 'x{a="1"} many', 'x{a="1 3'])
def test_what_is_no_metrics_page_is_an_error(text: str):
    with pytest.raises(ValueError):  # noqa: PT011 (whichever part of it fails)
        Reader().read(text)

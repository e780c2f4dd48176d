"""The proxy's figures have their names, and are what they say."""

from __future__ import annotations

import shutil

import pytest

from jupyter_sysdesign.benchmarks import proxy

pytestmark = [
    pytest.mark.measures,
    pytest.mark.skipif(
        shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin") is None,
        reason="nginx is not installed",
    ),
]


def test_the_figures_have_their_names() -> None:
    figures = proxy.measure(seconds=1, rounds=1)
    assert figures["requests_per_s"]["direct"] > 0
    assert figures["ratio"] > 0
    assert figures["per_core"] * figures["cpu_us_per_request"] == pytest.approx(1e6, rel=0.01)
    assert figures["latency"]["200_ms"]["measured_ms"] > 195

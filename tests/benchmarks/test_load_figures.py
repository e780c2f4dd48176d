"""Every generator that is installed gives figures in the same shape; one that is not gives none."""

from __future__ import annotations

import shutil

import pytest

from jupyter_sysdesign.benchmarks import generators, load, pacing
from jupyter_sysdesign.benchmarks.known_server import known_server
from jupyter_sysdesign.benchmarks.nginx import nginx
from jupyter_sysdesign.errors import MissingBinaryError

pytestmark = pytest.mark.measures
needs_nginx = pytest.mark.skipif(
    shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin") is None,
    reason="nginx is not installed",
)


@pytest.mark.parametrize("name", generators.GENERATORS)
def test_a_generator_measures_a_known_time(name: str):
    with known_server(20) as server:
        figures = generators.GENERATORS[name](server.port, 5, 3)  # locust needs a second to begin
        if figures is None:
            pytest.skip(f"{name} is not installed")
        own = server.quantiles()
    assert figures.requests > 5
    assert figures.cpu_us_per_request > 0
    assert figures.requests_per_s > 0
    assert figures.p50_ms >= 0.9 * own["p50_ms"] >= 0.9 * 20
    assert figures.p99_ms >= figures.p50_ms


@pytest.mark.parametrize("name", ["wrk", "hey", "autocannon"])
def test_a_generator_that_is_not_installed_gives_nothing(
    name: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("SYSDESIGN_AUTOCANNON", raising=False)
    assert generators.GENERATORS[name](1, 1, 1) is None


def test_a_missing_nginx_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(MissingBinaryError, match="nginx"), nginx():
        pass


@needs_nginx
def test_the_figures_have_their_names(monkeypatch: pytest.MonkeyPatch):
    mine = {"ours": generators.ours, "wrk": lambda *_: None}
    monkeypatch.setattr(load, "GENERATORS", mine)
    figures = load.measure(seconds=1, rounds=1)
    assert figures["cpu_us_per_request"]["ours"] > 0
    assert figures["cpu_us_per_request"]["wrk"] is None
    assert figures["cpu_ratio"] == {"wrk": None}
    assert figures["known_20_ms"]["ours"]["p50_ms"] >= 20
    assert figures["known_20_ms"]["wrk"] is None


@needs_nginx
def test_the_server_counts_the_pace(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pacing, "RATES", (500,))
    figures = pacing.measure(seconds=5)["500"]
    assert figures["errors"] == {}
    assert figures["share"] == pytest.approx(1, rel=0.2)
    assert figures["lag_p99_ms"] > 0

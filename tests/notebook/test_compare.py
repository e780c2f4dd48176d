from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.notebook.compare import Comparison
from jupyter_sysdesign.notebook.run import RunResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.control.models import Run

    MakeRun = Callable[..., Run]


def test_the_story_of_a_fix(make_run: MakeRun) -> None:
    comparison = Comparison(RunResult(make_run(900.0, failed=50)), RunResult(make_run(9.0)))
    assert comparison.ratio == 100
    assert comparison.headline == "p95 fell from 900 ms to 9.00 ms: 100× faster."
    assert comparison.warnings == []
    assert "Most gained: category, 100× faster." in comparison.sentences
    assert "Before, 5% of the requests failed; afterwards 0%." in comparison.sentences
    assert "about the same" in repr(comparison)  # the endpoint that was never slow


def test_what_became_slower_is_said(make_run: MakeRun) -> None:
    comparison = Comparison(RunResult(make_run(10.0)), RunResult(make_run(40.0)))
    assert "4.0× slower" in comparison.headline
    assert "Slower than before: category, 4.0×." in comparison.sentences


def test_noise_is_no_difference(make_run: MakeRun) -> None:
    comparison = Comparison(RunResult(make_run(100.0)), RunResult(make_run(95.0)))
    assert "no real difference" in comparison.headline


def test_different_traffic_is_warned_of_or_refused(make_run: MakeRun) -> None:
    before = RunResult(make_run(900.0))
    seeds = Comparison(before, RunResult(make_run(9.0, seed=2)))
    assert not seeds.same_traffic
    assert "The seeds differ (1 and 2)" in seeds.warnings[0]
    assert "Careful" in seeds._repr_html_()
    scaled = Comparison(before, RunResult(make_run(9.0, scale=2.0)))
    assert "scaled differently" in scaled.warnings[0]
    edited = Comparison(before, RunResult(make_run(9.0, traffic="other")))
    assert not edited.same_traffic
    assert "another profile in the second run" in edited.warnings[0]
    with pytest.raises(InvalidRequestError, match="different traffic"):
        Comparison(before, RunResult(make_run(9.0, profile="burst")))


def test_partial_and_failing_runs_are_warned_of(make_run: MakeRun) -> None:
    stopped = Comparison(RunResult(make_run(900.0)), RunResult(make_run(9.0, state="stopped")))
    assert any("stopped after" in warning for warning in stopped.warnings)
    failing = Comparison(RunResult(make_run(900.0)), RunResult(make_run(9.0, failed=500)))
    assert any("50% of the requests failed" in warning for warning in failing.warnings)
    same = RunResult(make_run(900.0))
    assert "Both are the same run." in Comparison(same, same).warnings


def test_what_is_no_run_is_refused(make_run: MakeRun) -> None:
    run = RunResult(make_run(9.0))
    for wrong in (None, run.run, RunResult(make_run(9.0, summary=None, state="failed"))):
        with pytest.raises(InvalidRequestError):
            Comparison(run, wrong)  # type: ignore[arg-type]


def test_the_figure_is_plain_json_with_both_runs(make_run: MakeRun) -> None:
    comparison = Comparison(RunResult(make_run(900.0)), RunResult(make_run(9.0)))
    bundle = comparison._figure_bundle()
    figure = json.loads(json.dumps(bundle["application/vnd.plotly.v1+json"]))
    names = {trace.get("name") for trace in figure["data"]}
    assert {"before", "after"} <= names
    assert figure["layout"]["title"]["text"] == comparison.headline
    assert "<img" in bundle["text/html"]


def test_an_endpoint_that_only_one_run_called(make_run: MakeRun) -> None:
    before, after = make_run(900.0), make_run(9.0)
    assert after.summary is not None
    del after.summary.endpoints["product"]
    comparison = Comparison(RunResult(before), RunResult(after))
    assert comparison.names == ["category", "product"]
    assert "product" in repr(comparison)
    assert comparison.figure is not None

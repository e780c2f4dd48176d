"""When the generator says that it was the bottleneck itself."""

from __future__ import annotations

import pytest

from jupyter_sysdesign.load.recorder import judge


@pytest.mark.parametrize(
    ("busy", "lag_ms", "p99_ms", "limited", "says"),
    [
        (0.2, 0.3, 40, False, ""),
        (0.95, 0.3, 40, True, "95% of a core"),
        (0.2, 30, 40, True, "30.0 ms late"),
        (0.2, 30, 400, False, ""),  # late, but the service is far later
        (0.2, 45, 400, False, "this machine is busy"),
        (0.2, 4, 2, False, "this machine is busy"),  # nobody decides on 2 ms
        (0.2, 0.9, 0.5, False, ""),
        (0.2, 6, None, True, "late"),
    ],
)
def test_the_verdict_weighs_the_lag_against_what_was_measured(
    busy: float, lag_ms: float, p99_ms: float | None, limited: bool, says: str
):
    found, warning = judge(busy=busy, lag_ms=lag_ms, p99_ms=p99_ms, errors={})
    assert found is limited
    assert says in warning
    assert bool(warning) == bool(says)


@pytest.mark.parametrize("kind", ["no_port", "no_file"])
def test_running_out_of_ports_or_files_is_its_own_fault(kind: str):
    limited, warning = judge(busy=0.1, lag_ms=0.1, p99_ms=5, errors={kind: 3})
    assert limited
    assert "ran out of" in warning

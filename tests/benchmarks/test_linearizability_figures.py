"""The histories measured are what they are said to be, and the figures have their names."""

from __future__ import annotations

import pytest

from jupyter_sysdesign.benchmarks import linearizability as figures
from jupyter_sysdesign.simulation.checkers import linearizability
from jupyter_sysdesign.simulation.checkers.specifications import Register


@pytest.mark.parametrize("stale", [False, True])
def test_a_measured_history_is_valid_unless_it_is_stale(stale: bool):
    history = figures.register_history(300, 5, seed=1, stale=stale)
    assert len(history) == 300
    assert len(history.by_client()) == 5
    assert linearizability.check(history, Register()).failed is stale


def test_the_figures_have_their_names(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(figures, "MANY_CLIENTS", 6)
    taken = figures.measure(rounds=1)
    assert taken["linearizability_1000_ms"] > 0
    assert taken["linearizability_5000_ms"] > 0
    assert taken["linearizability_20_clients"]["answered"] == 2

"""The figures of the simulator have their names, whether SimPy is installed or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.benchmarks import simulation

if TYPE_CHECKING:
    import pytest


def test_the_figures_have_their_names(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(simulation, "MESSAGES", 2000)
    taken = simulation.measure(rounds=1, seeds=2)
    for name in ("events_per_s", "seeds_per_s", "with_faults_events_per_s", "judge_seeds_per_s",
                 "apart_seeds_per_s"):  # fmt: skip
        assert taken[name] > 0
    assert (taken["simpy_messages_per_s"] is None) == (taken["times_simpy"] is None)

"""Every protocol of the simulator has its figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.benchmarks import protocols

if TYPE_CHECKING:
    import pytest


def test_each_protocol_has_its_rates(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(protocols, "EDITS", 20)
    taken = protocols.measure(rounds=1, seeds=1)
    assert taken.pop("crdt").keys() == {"or_set_ms", "rga_ms"}
    assert set(taken) == {suite.name for suite, _ in protocols.PROTOCOLS}
    assert all(rate > 0 for figures in taken.values() for rate in figures.values())

"""Every lesson's gate, once: what must fail fails, what must pass passes, for the stated reason."""

from __future__ import annotations

import json

import pytest

from jupyter_sysdesign.curriculum.catalogue import Catalogue, shipped
from jupyter_sysdesign.grading import gate

CATALOGUE = Catalogue([shipped()])
GATES = [
    pytest.param(each.id, marks=() if each.has_services else pytest.mark.alone)
    for each in CATALOGUE.lessons()
]


@pytest.mark.gate
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("lesson", GATES)
def test_gate(home, monkeypatch, lesson):
    monkeypatch.setenv("SYSDESIGN_IDLE_EXIT_S", "2")
    result = gate.verify(CATALOGUE.lesson(lesson), progress=print)
    assert result.passed, json.dumps(result.as_json(), indent=1)


@pytest.mark.docker
@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_the_same_verdicts_on_docker(home, monkeypatch):
    monkeypatch.setenv("SYSDESIGN_IDLE_EXIT_S", "2")
    monkeypatch.setenv("SYSDESIGN_RUNTIME", "docker")
    result = gate.verify(CATALOGUE.lesson("t1-02-indexes"), progress=print)
    assert result.passed, json.dumps(result.as_json(), indent=1)

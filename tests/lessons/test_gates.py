"""The gate of each lesson with a system: what must fail fails, and what must pass passes."""

from __future__ import annotations

import json

import pytest

from jupyter_sysdesign.curriculum.catalogue import Catalogue, shipped
from jupyter_sysdesign.grading import gate

CATALOGUE = Catalogue([shipped()])
LESSONS = [each.id for each in CATALOGUE.lessons() if each.has_services]


@pytest.mark.gate
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("lesson", LESSONS)
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

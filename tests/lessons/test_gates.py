"""Every lesson's gate, once: what must fail fails, what must pass passes, for the stated reason."""

from __future__ import annotations

import json
import subprocess

import pytest

from jupyter_sysdesign.curriculum.catalogue import Catalogue, shipped
from jupyter_sysdesign.grading import gate
from jupyter_sysdesign.interpreter import module_command

CATALOGUE = Catalogue([shipped()])
LESSONS = [each.id for each in CATALOGUE.lessons() if each.has_services]
LABS = [each.id for each in CATALOGUE.lessons() if not each.has_services]


@pytest.mark.gate
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("lesson", LESSONS)
def test_gate(home, monkeypatch, lesson):
    monkeypatch.setenv("SYSDESIGN_IDLE_EXIT_S", "2")
    result = gate.verify(CATALOGUE.lesson(lesson), progress=print)
    assert result.passed, json.dumps(result.as_json(), indent=1)


# One after the other, in the time that others leave: these count, and take all cores there are.
@pytest.mark.gate
@pytest.mark.timeout(3600)
@pytest.mark.xdist_group("labs")
@pytest.mark.parametrize("lab", LABS)
def test_gate_of_a_lab(home, monkeypatch, lab):
    monkeypatch.setenv("SYSDESIGN_IDLE_EXIT_S", "2")
    command = ["nice", "-n", "19", *module_command("jupyter_sysdesign"), "verify", lab, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, done.stdout
    (verified,) = json.loads(done.stdout)["lessons"]
    assert verified["passed"]


@pytest.mark.docker
@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_the_same_verdicts_on_docker(home, monkeypatch):
    monkeypatch.setenv("SYSDESIGN_IDLE_EXIT_S", "2")
    monkeypatch.setenv("SYSDESIGN_RUNTIME", "docker")
    result = gate.verify(CATALOGUE.lesson("t1-02-indexes"), progress=print)
    assert result.passed, json.dumps(result.as_json(), indent=1)

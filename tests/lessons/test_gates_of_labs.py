"""The gates of all labs, once: one after the other, in the time that other tests leave.

They count and measure nothing, so the lowest priority is enough for them, but they take all cores
there are.
"""

from __future__ import annotations

import json
import subprocess

import pytest

from jupyter_sysdesign.curriculum.catalogue import Catalogue, shipped
from jupyter_sysdesign.interpreter import module_command

LABS = [each.id for each in Catalogue([shipped()]).lessons() if not each.has_services]


@pytest.mark.gate
@pytest.mark.timeout(4000)
def test_all_hold(home, monkeypatch):
    monkeypatch.setenv("SYSDESIGN_IDLE_EXIT_S", "2")
    command = [*module_command("jupyter_sysdesign"), "verify", *LABS, "--json"]
    done = subprocess.run(
        ["nice", "-n", "19", *command], stdout=subprocess.PIPE, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    verified = json.loads(done.stdout)["lessons"]
    assert {each["lesson"]: each["passed"] for each in verified} == dict.fromkeys(LABS, True)

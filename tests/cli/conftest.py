"""The command line as a person or a script calls it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest


@pytest.fixture
def sysdesign(home, curriculum, tmp_path, monkeypatch):
    monkeypatch.setenv("SYSDESIGN_IDLE_EXIT_S", "2")
    monkeypatch.setenv("SYSDESIGN_GRACE_S", "0.5")

    def run(*words, cwd=tmp_path, code=0, typed="", terminal=False):
        """Return what is printed; in a ``terminal`` what is said meanwhile, too."""
        done = subprocess.run(
            [sys.executable, "-m", "jupyter_sysdesign", *words],
            cwd=cwd,
            input=typed,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
            env={**os.environ, "FORCE_COLOR": "1"} if terminal else None,
        )
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        if terminal:
            return done.stderr + done.stdout
        return json.loads(done.stdout) if "--json" in words else done.stdout

    return run

"""The Docker engine of this machine, for tests: one that answers, or a skip (in CI a failure)."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

#: On everything a test makes in the engine, so that it is told from what is somebody else's.
LABEL = "org.jupyter-sysdesign.test"


def need_engine() -> None:
    """Have an engine and our base image, as ``tests/engine.sh`` sees to it."""
    done = subprocess.run(
        ["bash", ROOT / "tests" / "engine.sh"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        why = f"no Docker engine: {done.stderr.strip()}"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)


def docker(*words: str | Path, timeout_s: float = 120, check: bool = True) -> str:
    """Run the engine's client; return what it says."""
    done = subprocess.run(
        ["docker", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
    )
    if check and done.returncode:
        raise AssertionError(f"docker {' '.join(map(str, words))}:\n{done.stdout}{done.stderr}")
    return done.stdout.strip()

"""A job: the process in the box that decides one verdict, with a control plane of its own.

Reads one line of JSON on stdin: ``{"workspace", "seed"}``, the seed null when only the lesson's
data are to be prepared. Writes the checker's lines to stdout, and at last ``{"verdict"}`` or
``{"prepared"}``.

Run as ``python -P -s -m jupyter_sysdesign.grading.course.job``.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from jupyter_sysdesign import paths
from jupyter_sysdesign.control.client import ControlClient
from jupyter_sysdesign.errors import SysdesignError
from jupyter_sysdesign.grading.process import run_checker

_PREPARE_S = 600.0
_END_S = 30.0


def main() -> None:
    """Do what the order says."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)

        def say(document: dict[str, Any]) -> None:
            out.write(json.dumps(document) + "\n")
            out.flush()

        order = json.loads(sys.stdin.readline())
        try:
            with ControlClient(holder="job") as client:
                plane = client.info().pid
                try:
                    _work(client, Path(order["workspace"]), order["seed"], say)
                finally:
                    _end(plane)
        except SysdesignError as error:
            say({"failed": error.message})


def _work(client: ControlClient, workspace: Path, seed: int | None, say: Any) -> None:
    if seed is not None:
        say({"verdict": run_checker(workspace, seed, hear=say).model_dump(mode="json")})
        return
    made = client.create_environment(str(workspace), purpose="check")
    client.wait(made.id, timeout_s=_PREPARE_S)
    client.delete(made.id)
    say({"prepared": True})


def _end(plane: int) -> None:
    """End the control plane; in a box it would go with the box, outside it must not stay."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(plane, signal.SIGTERM)
    until = time.monotonic() + _END_S
    while paths.control_socket().exists() and time.monotonic() < until:
        time.sleep(0.02)


if __name__ == "__main__":
    main()

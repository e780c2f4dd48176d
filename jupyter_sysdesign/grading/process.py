"""Running the checker process without a control plane's route in between: the gate does."""

from __future__ import annotations

import json
import subprocess
import threading
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.control.models import Verdict
from jupyter_sysdesign.errors import UnavailableError
from jupyter_sysdesign.interpreter import module_command

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_TIMEOUT_S = 1800.0
_END_S = 10.0


def run_checker(
    workspace: Path,
    seed: int,
    *,
    only: Sequence[str] | None = None,
    hear: Callable[[dict[str, Any]], None] | None = None,
) -> Verdict:
    """Check ``workspace`` and return the verdict; ``hear`` gets every line before it.

    Raises:
        UnavailableError: the checker ended without a verdict, or took too long.
    """
    order = {"workspace": str(workspace), "seed": seed, "only": list(only) if only else None}
    process = subprocess.Popen(
        module_command("jupyter_sysdesign.grading.checker"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    timer = threading.Timer(_TIMEOUT_S, process.terminate)
    timer.start()
    errors: list[str] = []
    reader = threading.Thread(target=_collect, args=(process, errors), name="checker stderr")
    reader.start()
    try:
        verdict = _converse(process, order, hear)
    finally:
        timer.cancel()
        _end(process)
        reader.join()
    if verdict is None:
        last = "".join(errors).strip()[-1500:]
        raise UnavailableError(
            f"The checker ended without a verdict ({process.returncode}). {last}"
        )
    return verdict


def _converse(
    process: subprocess.Popen[str],
    order: dict[str, Any],
    hear: Callable[[dict[str, Any]], None] | None,
) -> Verdict | None:
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("The checker has no pipes.")
    # The pipe stays open: its end would tell the checker that nobody waits any more.
    process.stdin.write(json.dumps(order) + "\n")
    process.stdin.flush()
    for line in process.stdout:
        said = json.loads(line)
        if "verdict" in said:
            return Verdict.model_validate(said["verdict"])
        if hear is not None:
            hear(said)
    return None


def _collect(process: subprocess.Popen[str], errors: list[str]) -> None:
    if process.stderr is not None:
        with process.stderr as lines:
            errors.extend(lines)


def _end(process: subprocess.Popen[str]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

"""Having an answer marked: by a process of its own, one at a time."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from typing import TYPE_CHECKING

from jupyter_sysdesign.control.models import Marking
from jupyter_sysdesign.errors import UnavailableError
from jupyter_sysdesign.interpreter import module_command

if TYPE_CHECKING:
    from jupyter_sysdesign.curriculum.question import Reflect

_TIMEOUT_S = 300.0  # a language model is asked once for each criterion
#: On busy cores, threads that share small matrices mostly wait for each other.
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
_one_at_a_time = threading.Lock()


def mark(question: Reflect, prose: str) -> Marking:
    """Return what was found in the prose.

    Raises:
        UnavailableError: nothing here can look; the hint says what to install.
    """
    order = json.dumps({"question": question.model_dump(mode="json"), "prose": prose})
    with _one_at_a_time:
        process = subprocess.Popen(
            module_command("jupyter_sysdesign.grading.rubric"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env={**os.environ, **_ONE_THREAD},
        )
        timer = threading.Timer(_TIMEOUT_S, process.kill)
        timer.start()
        try:
            said = _converse(process, order)
        finally:
            timer.cancel()
            process.kill()
            process.wait()
    try:
        document = json.loads(said)
        if "problem" in document:
            raise UnavailableError(document["problem"], hint=document["hint"])
        return Marking.model_validate(document)
    except ValueError as error:
        raise UnavailableError("What marks prose ended without a result") from error


def _converse(process: subprocess.Popen[str], order: str) -> str:
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("The marker has no pipes.")
    # The pipe stays open: its end would tell the marker that nobody waits any more.
    with process.stdin as orders, process.stdout as results:
        try:
            orders.write(order + "\n")
            orders.flush()
        except BrokenPipeError:
            return ""
        return results.read()

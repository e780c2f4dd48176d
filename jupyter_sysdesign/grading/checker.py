"""The checker: a process of its own that decides one verdict.

Reads one line of JSON on stdin: ``{"workspace", "seed", "only", "holder"}``. Writes JSON lines on
stdout: ``{"environment": {"role", "id"}}``, ``{"running": check id}``, ``{"waits": check id}`` if
somebody else measures just now, ``{"check": CheckResult}`` and at last ``{"verdict": Verdict}``.
The end of stdin means that whoever asked is gone.

Run as ``python -P -s -m jupyter_sysdesign.grading.checker``.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import sys
import threading
import time
import traceback
import uuid
from pathlib import Path  # noqa: TC003 (pydantic needs it)
from typing import TYPE_CHECKING, Any, TextIO

from pydantic import BaseModel, Field

from jupyter_sysdesign.control.client import ControlClient
from jupyter_sysdesign.control.models import CheckResult, Status
from jupyter_sysdesign.curriculum import workspace as workspaces
from jupyter_sysdesign.curriculum.catalogue import Catalogue
from jupyter_sysdesign.errors import SysdesignError
from jupyter_sysdesign.grading import verdict
from jupyter_sysdesign.grading.blame import Finding
from jupyter_sysdesign.grading.loading import load_checks
from jupyter_sysdesign.grading.session import NotRunningError, Session
from jupyter_sysdesign.grading.submission import scratch, sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jupyter_sysdesign.control.models import Verdict
    from jupyter_sysdesign.curriculum.catalogue import Lesson
    from jupyter_sysdesign.grading.checks import Check


class Order(BaseModel):
    """What is to be checked."""

    workspace: Path
    seed: int = Field(default_factory=lambda: secrets.randbelow(2**63), ge=0, lt=2**63)
    only: list[str] | None = None
    holder: str = Field(default_factory=lambda: f"check:{uuid.uuid4().hex}")


def decide(order: Order, say: Callable[[dict[str, Any]], None]) -> Verdict:
    """Check the workspace and return the verdict; ``say`` hears what happens meanwhile."""
    started_at = time.time()
    lesson_id, results, reason = order.workspace.name, list[CheckResult](), ""
    checks: Sequence[Check] = ()
    try:
        workspace = workspaces.load(order.workspace)
        lesson = Catalogue().lesson(workspace.lesson)
        lesson_id = lesson.id
        checks = load_checks(lesson, order.only)
        reason = _run(lesson, checks, order, say, results)
    except SysdesignError as error:  # lesson or workspace are broken, the control plane is gone
        reason = error.message
    except Exception as error:  # noqa: BLE001 (a verdict is owed whatever happens)
        traceback.print_exc(file=sys.stderr)
        reason = f"The checker broke down ({type(error).__name__}: {error})."
    # A check that is not told of would keep the mark that other files got for it.
    left = checks[len(results) :]
    results += [verdict.not_made(each, Finding(Status.UNKNOWN, reason)) for each in left]
    return verdict.combine(
        lesson_id, results, seed=order.seed, started_at=started_at, reason=reason
    )


def _run(
    lesson: Lesson,
    checks: Sequence[Check],
    order: Order,
    say: Callable[[dict[str, Any]], None],
    results: list[CheckResult],
) -> str:
    """Fill ``results``; return why the system did not even run, or an empty string."""

    def keep(result: CheckResult) -> None:
        results.append(result)
        say({"check": result.model_dump(mode="json")})

    sweep()
    with ControlClient(holder=order.holder, start=False) as client, scratch() as folder:
        session = Session(
            client,
            lesson,
            order.seed,
            folder,
            started=lambda role, made: say({"environment": {"role": role, "id": made}}),
            waits=lambda check: say({"waits": check}),
        )
        try:
            session.open(order.workspace)
            for check in checks:
                say({"running": check.id})
                keep(session.run(check))
        except (NotRunningError, SysdesignError) as error:
            finding = (
                error.finding
                if isinstance(error, NotRunningError)
                else Finding(Status.UNKNOWN, error.message)
            )
            for check in checks[len(results) :]:
                keep(verdict.not_made(check, finding))
            return finding.why
        finally:
            session.close()
    return ""


def main() -> None:
    """Read the order, decide, write what is found."""
    # What a check prints must not look like a result.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)
        order = Order.model_validate_json(sys.stdin.readline())
        signal.signal(signal.SIGTERM, _leave)
        signal.signal(signal.SIGINT, _leave)
        threading.Thread(target=_watch, name="owner", daemon=True).start()

        def say(document: dict[str, Any]) -> None:
            _write(out, document)

        say({"verdict": decide(order, say).model_dump(mode="json")})


def _write(out: TextIO, document: dict[str, Any]) -> None:
    out.write(json.dumps(document) + "\n")
    out.flush()


def _watch() -> None:
    """End this process in order when the one that asked is gone."""
    while sys.stdin.readline():
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _leave(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(3)


if __name__ == "__main__":
    main()

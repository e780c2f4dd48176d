"""``sysdesign check``: the verdict on a workspace."""

from __future__ import annotations

import contextlib
import functools
import time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from jupyter_sysdesign.cli.output import (
    COULD_NOT,
    DONE,
    FAILED,
    JsonFlag,
    command,
    console,
    emit,
    out,
)
from jupyter_sysdesign.cli.place import LessonArgument, WorkspaceOption, resolve

if TYPE_CHECKING:
    from rich.status import Status as Spinner

    from jupyter_sysdesign.control.models import Event, Verdict

EXIT = {"passed": DONE, "failed": FAILED, "unknown": COULD_NOT}
_LOOK = {"passed": "green", "failed": "red", "unknown": ""}


@command
def check(
    lesson: LessonArgument = None,
    *,
    seed: Annotated[int | None, typer.Option(min=0, help="Default: a fresh one.")] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Rebuild the system with the learner's files and decide whether it holds."""
    from jupyter_sysdesign.control.client import ControlClient
    from jupyter_sysdesign.control.listening import Listener

    with ControlClient(holder=f"cli:{time.time_ns()}") as client:
        folder = resolve(client, lesson, workspace)
        environment = client.create_environment(str(folder), start=False)
        with contextlib.ExitStack() as shown:
            if not as_json:
                spinner = shown.enter_context(console.status(Text("Building the system anew …")))
                tell = functools.partial(_tell, spinner)
                shown.enter_context(Listener(client, environment.id, environment.last_seq, tell))
            verdict = client.check(environment.id, seed=seed)
    if as_json:
        emit(verdict)
    else:
        show(verdict)
    raise typer.Exit(EXIT[verdict.status.value])


def _tell(spinner: Spinner, event: Event) -> None:
    """Say how it comes about, for whoever waits."""
    if event.type.value == "check.waits":
        waits = f"{event.data['check']} waits: this machine measures for another one …"
        spinner.update(Text(waits))
    elif event.type.value == "check.result":
        spinner.update(_line(event.data["status"], event.data["title"]).append(" …"))


def show(verdict: Verdict) -> None:
    """Print a verdict for a person."""
    for each in verdict.checks:
        out.print(_line(each.status.value, each.title))
        out.print(f"         measured {each.measured}, required {each.required}")
        if each.status.value != "passed":
            out.print(f"         {each.why}")
    points = f"{verdict.points:g} of {verdict.max_points:g} points"
    status = (verdict.status.value.capitalize(), "bold")
    out.print(Text.assemble(status, f", {points}. {verdict.reason}".rstrip()))
    if verdict.drift is not None and verdict.drift.drifted:
        out.print("The live database has changes that stand in no migration and do not count:")
        for line in verdict.drift.differences:
            out.print(f"  {line}")


def _line(status: str, title: str) -> Text:
    """Return what became of a check."""
    return Text.assemble((f"{status:<7}", _LOOK[status]), f"  {title}")

"""``sysdesign check``: the verdict on a workspace."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from jupyter_sysdesign.cli.output import COULD_NOT, DONE, FAILED, JsonFlag, command, emit, out
from jupyter_sysdesign.cli.place import LessonArgument, WorkspaceOption, resolve

if TYPE_CHECKING:
    from jupyter_sysdesign.control.models import Verdict

EXIT = {"passed": DONE, "failed": FAILED, "unknown": COULD_NOT}
_MARK = {"passed": "[green]passed[/green] ", "failed": "[red]failed[/red] ", "unknown": "unknown"}


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

    with ControlClient(holder=f"cli:{time.time_ns()}") as client:
        folder = resolve(client, lesson, workspace)
        environment = client.create_environment(str(folder), start=False)
        verdict = client.check(environment.id, seed=seed)
    if as_json:
        emit(verdict)
    else:
        show(verdict)
    raise typer.Exit(EXIT[verdict.status.value])


def show(verdict: Verdict) -> None:
    """Print a verdict for a person."""
    for each in verdict.checks:
        out.print(f"{_MARK[each.status.value]}  {each.title}")
        out.print(f"         measured {each.measured}, required {each.required}", markup=False)
        if each.status.value != "passed":
            out.print(f"         {each.why}", markup=False)
    points = f"{verdict.points:g} of {verdict.max_points:g} points"
    out.print(f"[bold]{verdict.status.value.capitalize()}[/bold], {points}. {verdict.reason}")
    if verdict.drift is not None and verdict.drift.drifted:
        out.print("The live database has changes that stand in no migration and do not count:")
        for line in verdict.drift.differences:
            out.print(f"  {line}", markup=False)

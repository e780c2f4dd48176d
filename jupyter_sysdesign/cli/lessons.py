"""``sysdesign lessons`` and ``sysdesign open``."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from jupyter_sysdesign.cli.output import JsonFlag, command, console, emit, out
from jupyter_sysdesign.cli.place import WorkspaceOption, default_folder


@command
def lessons(*, as_json: JsonFlag = False) -> None:
    """List the lessons in their order; those that are broken are told on stderr."""
    from jupyter_sysdesign.control.client import ControlClient
    from jupyter_sysdesign.curriculum.catalogue import Catalogue

    for problem in Catalogue().problems:
        console.print(problem.message, soft_wrap=True)
    with ControlClient() as client:
        found = client.lessons()
    if as_json:
        emit({"lessons": found})
        return
    table = Table(box=None, pad_edge=False)
    # An id is to be typed: however narrow the terminal is, nothing of it is left out.
    table.add_column("Lesson", min_width=max((len(each.id) for each in found), default=0))
    for heading in ("Title", "Tier", "Minutes", "Concepts"):
        table.add_column(heading)
    for each in found:
        table.add_row(each.id, each.title, each.tier, str(each.minutes), ", ".join(each.concepts))
    out.print(table, crop=False)


@command
def open_lesson(
    lesson: Annotated[str, typer.Argument(help="Lesson id.")],
    *,
    workspace: WorkspaceOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Make (or find) the workspace of a lesson and say where its notebook is."""
    from jupyter_sysdesign.control.client import ControlClient
    from jupyter_sysdesign.curriculum import workspace as workspaces

    folder = workspaces.real(workspace) if workspace else default_folder(lesson)
    with ControlClient() as client:
        made = client.create_workspace(lesson, folder=str(folder))
    if as_json:
        emit({"workspace": made})
        return
    out.print(f"{made.folder}/{made.notebook}", soft_wrap=True)

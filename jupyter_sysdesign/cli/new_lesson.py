"""``sysdesign new-lesson``: a lesson to begin from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jupyter_sysdesign.cli.output import JsonFlag, command, emit, out


@command
def new_lesson(
    lesson: Annotated[str, typer.Argument(help="Its id, e.g. t1-07-queues.")],
    *,
    root: Annotated[
        Path | None,
        typer.Option(help="Holds environments/ and notebooks/ (default: the lessons shipped)."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Make a small lesson that passes its own gate, for authors to make theirs from."""
    from jupyter_sysdesign.curriculum.beginning import new_lesson as make
    from jupyter_sysdesign.curriculum.catalogue import shipped
    from jupyter_sysdesign.curriculum.workspace import real

    environment, notebooks = make(lesson, real(root or shipped()))
    if as_json:
        emit({"environment": str(environment), "notebooks": str(notebooks)})
        return
    out.print(f"{environment}\n{notebooks}", soft_wrap=True)
    beside = f"SYSDESIGN_CURRICULUM={environment.parents[1]} " if root is not None else ""
    out.print(f"Now: {beside}sysdesign verify {lesson}", soft_wrap=True)

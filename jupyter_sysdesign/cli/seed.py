"""``sysdesign seed``: databases made beforehand, so that nobody's first start waits for them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jupyter_sysdesign.cli.output import JsonFlag, command, console, emit, out

if TYPE_CHECKING:
    from jupyter_sysdesign.environment.seeding import Seeded
    from jupyter_sysdesign.environment.status import Progress


@command
def seed(
    lessons: Annotated[list[str] | None, typer.Argument(help="Lesson ids (default: all).")] = None,
    *,
    into: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="A folder for all to read, to be named by SYSDESIGN_TEMPLATES; default: your own.",
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Seed the databases of lessons now, which their first start would do otherwise."""
    from jupyter_sysdesign import paths
    from jupyter_sysdesign.curriculum import workspace as workspaces
    from jupyter_sysdesign.curriculum.catalogue import Catalogue
    from jupyter_sysdesign.environment import seeding
    from jupyter_sysdesign.environment.templates import Templates

    catalogue = Catalogue()
    chosen = [catalogue.lesson(each) for each in lessons] if lessons else catalogue.lessons()
    if into is None:
        templates = Templates(paths.templates(), paths.shared_templates())
    else:
        templates = Templates(workspaces.real(into))
    made: list[Seeded] = []
    for lesson in chosen:
        if lesson.has_services:
            say = None if as_json else _Steps(lesson.id)
            made += seeding.seed(lesson.id, lesson.environment, templates, say)
    if into is not None:
        for each in made:
            seeding.open_to_all(each.folder)
    if as_json:
        emit({"templates": [asdict(each) for each in made]})
        return
    for each in made:
        size = f"{each.bytes / 2**20:.0f} MiB"
        out.print(f"{each.lesson:<28} {each.service:<8} {size:>8}  {each.folder}", soft_wrap=True)


class _Steps:
    """Prints each step of a lesson once."""

    def __init__(self, lesson: str) -> None:
        self.lesson = lesson
        self.shown = ""

    def __call__(self, progress: Progress) -> None:
        if progress.step != self.shown:
            self.shown = progress.step
            console.print(f"{self.lesson}: {progress.step}", soft_wrap=True)

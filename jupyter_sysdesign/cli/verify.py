"""``sysdesign verify``: the gate every lesson passes before it ships."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from jupyter_sysdesign.cli.output import DONE, FAILED, JsonFlag, command, console, emit, out
from jupyter_sysdesign.cli.place import RuntimeOption  # noqa: TC001 (typer reads it at run time)
from jupyter_sysdesign.errors import NotFoundError

if TYPE_CHECKING:
    from jupyter_sysdesign.curriculum.catalogue import Catalogue, Lesson

_WORDS = {True: ("holds", "green"), False: ("broken", "red"), None: ("nothing to kill", "")}


@command
def verify(
    lessons: Annotated[list[str] | None, typer.Argument(help="Lesson ids (default: all).")] = None,
    *,
    repeat: Annotated[int, typer.Option(min=1, help="Times the solution must pass.")] = 1,
    runtime: RuntimeOption = None,
    record: Annotated[
        Path | None, typer.Option(help="Append every attempt to this JSON Lines file.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Run a lesson's gate, from a checkout: untouched fails, solution passes, cheats are caught."""
    from jupyter_sysdesign.curriculum.catalogue import Catalogue
    from jupyter_sysdesign.environment.runtimes import choice
    from jupyter_sysdesign.grading import gate

    if runtime is not None:
        os.environ[choice.VARIABLE] = runtime  # for the checker's processes as well
    choice.default()
    catalogue = Catalogue()
    chosen = [catalogue.lesson(each) for each in lessons] if lessons else _all(catalogue)
    if record is not None:
        record.open("a").close()  # after the gate it would be late to find that this cannot be
    results: list[dict[str, Any]] = []
    for lesson in chosen:
        result = gate.verify(lesson, repeat=repeat, progress=None if as_json else _say)
        document = result.as_json()
        results.append(document)
        if record is not None:
            with record.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps({"at": time.time(), **document}) + "\n")
        if not as_json:
            for name, held in document["gate"].items():
                out.print(Text.assemble("  ", _WORDS[held], f"  {name}"))
    if as_json:
        emit({"lessons": results})
    raise typer.Exit(DONE if all(each["passed"] for each in results) else FAILED)


def _all(catalogue: Catalogue) -> list[Lesson]:
    """Return all lessons, of which none is broken."""
    if catalogue.problems:
        raise catalogue.problems[0]
    found = catalogue.lessons()
    if not found:
        raise NotFoundError("The catalogue holds no lesson")
    return found


def _say(line: str) -> None:
    console.print(line, soft_wrap=True)

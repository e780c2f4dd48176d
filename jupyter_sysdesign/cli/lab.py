"""``sysdesign lab``: JupyterLab, open on the curriculum."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from jupyter_sysdesign.cli.output import COULD_NOT, command, console
from jupyter_sysdesign.cli.place import RuntimeOption, default_folder
from jupyter_sysdesign.errors import NotFoundError, OutsideRootError, ResourceError

if TYPE_CHECKING:
    from jupyter_sysdesign.curriculum.catalogue import Catalogue, Lesson
    from jupyter_sysdesign.curriculum.workspace import Workspace


@command
def lab(
    context: typer.Context,
    root: Annotated[
        Path, typer.Option("--root", help="JupyterLab's root folder; workspaces live in it.")
    ] = Path(),
    lesson: Annotated[
        str | None,
        typer.Option("--lesson", help="Open this lesson (default: the one to go on with)."),
    ] = None,
    runtime: RuntimeOption = None,
) -> None:
    """Start JupyterLab on the curriculum; further options go to `jupyter lab` unchanged."""
    from jupyter_sysdesign.curriculum.catalogue import Catalogue
    from jupyter_sysdesign.curriculum.registry import Registry
    from jupyter_sysdesign.curriculum.workspace import NOTEBOOK, create, real
    from jupyter_sysdesign.environment import binaries
    from jupyter_sysdesign.environment.runtimes import choice

    if runtime is not None:
        os.environ[choice.VARIABLE] = runtime  # for the server, its kernels and terminals
    configured = choice.default() if choice.VARIABLE in os.environ else None
    missing = [found for found in binaries.report() if found.path is None]
    for found in missing:
        missed = (f"{found.program} is missing.", "yellow")
        console.print(Text.assemble(missed, f" {found.hint}"))
    if any(found.program == "postgres" for found in missing):
        raise typer.Exit(COULD_NOT)

    folder = real(root)
    folder.mkdir(parents=True, exist_ok=True)
    catalogue, registry = Catalogue(), Registry()
    if lesson is None:
        chosen, place = _to_go_on_with(catalogue, registry.known(), folder)
    else:
        chosen, place = catalogue.lesson(lesson), default_folder(lesson, folder)
    if not real(place).is_relative_to(folder):
        raise OutsideRootError(
            f"{place} leads out of {folder}, where JupyterLab shows nothing",
            hint="Name the folder it leads to: sysdesign lab --root DIR.",
        )
    workspace = create(chosen, place)
    registry.remember(workspace)
    notebook = (workspace.folder / NOTEBOOK).relative_to(folder).as_posix()
    title = (chosen.file.title, "bold")
    console.print(Text.assemble("Lesson ", title, f" in {workspace.folder}"))
    argv = [
        sys.executable,
        "-m",
        "jupyter_sysdesign.server",
        f"--ServerApp.root_dir={folder}",
        f"--LabApp.default_url=/lab/tree/{notebook}",
    ]
    if os.geteuid() == 0:
        argv.append("--allow-root")
    os.execve(sys.executable, [*argv, *context.args], _environment(configured))  # noqa: S606 (own argv)


def _to_go_on_with(catalogue: Catalogue, known: list[Workspace], root: Path) -> tuple[Lesson, Path]:
    """Return a lesson and its folder: what was opened last below ``root``, or else the next one.

    Lessons that were passed, wherever that was, are passed over while there are others.
    """
    from jupyter_sysdesign.curriculum.answers import AnswersFile

    passed = set()
    for each in known:
        with contextlib.suppress(ResourceError):  # who cannot say so was not passed
            if AnswersFile(each.folder).passed_at is not None:
                passed.add(each.lesson)
    left = {each.id: each for each in catalogue.lessons() if each.id not in passed}
    for each in known:
        if each.lesson in left and each.folder.is_relative_to(root):
            return left[each.lesson], each.folder
    following = catalogue.recommended(passed) or catalogue.recommended()
    if following is None:
        raise NotFoundError("The catalogue holds no lesson")
    return following, default_folder(following.id, root)


def _environment(runtime: str | None) -> dict[str, str]:
    """Add our default settings: no question about news before the first lesson, the runtime."""
    here = Path(__file__).parent
    folders = [str(here / "config")]
    if runtime is not None:
        folders.append(str(here / "runtime_config" / runtime))
    if found := os.environ.get("JUPYTER_CONFIG_PATH"):
        folders.append(found)
    return {**os.environ, "JUPYTER_CONFIG_PATH": os.pathsep.join(folders)}

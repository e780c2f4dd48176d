"""``sysdesign export`` and ``sysdesign import``: a learner's work as one zip, and back."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from jupyter_sysdesign.cli.output import JsonFlag, command, console, emit, out


@command
def export(
    workspace: Annotated[
        Path,
        typer.Argument(metavar="WORKSPACE", help="A workspace, or a folder with workspaces in it."),
    ] = Path(),
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Default: sysdesign-<date>.zip; in a workspace <its name>-<date>.zip beside it.",
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Write notebooks, edited files, answers and progress to one zip; no data, no passwords."""
    from jupyter_sysdesign.curriculum import workspace as workspaces
    from jupyter_sysdesign.curriculum.packing import pack

    target = workspaces.real(output or _beside())
    packed = pack(workspace, target)
    if as_json:
        emit({"file": target, "workspaces": [each.folder for each in packed]})
        return
    for each in packed:
        console.print(f"{each.lesson} from {each.folder}")
    out.print(str(target), soft_wrap=True)


def _beside() -> Path:
    """Return where a zip goes that nobody named; in a workspace it would be taken for work."""
    from jupyter_sysdesign.curriculum import workspace as workspaces

    around = workspaces.find(Path.cwd())
    place = around.folder if around else Path("sysdesign")
    return place.with_name(f"{place.name}{time.strftime('-%Y-%m-%d')}.zip")


@command
def import_(
    file: Annotated[Path, typer.Argument(help="A zip that `sysdesign export` made.")],
    *,
    root: Annotated[
        Path, typer.Option("--root", metavar="DIR", help="JupyterLab's root folder.")
    ] = Path(),
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace other work too; it is kept beside the new."),
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Take up work from a zip: each workspace where it lay, all of them or none."""
    from jupyter_sysdesign.control.client import ControlClient
    from jupyter_sysdesign.curriculum import workspace as workspaces

    zipped, folder = workspaces.real(file), workspaces.real(root)
    with ControlClient() as client:
        imported = client.import_work(zipped, folder, overwrite=overwrite)
    if as_json:
        emit({"workspaces": imported})
        return
    for each in imported:
        if each.became == "same":
            console.print(f"{each.lesson} was there already, as it is in the zip.")
        if each.kept is not None:
            console.print(f"What was there of {each.lesson} is now {each.kept}")
        out.print(f"{each.folder}/{each.notebook}", soft_wrap=True)

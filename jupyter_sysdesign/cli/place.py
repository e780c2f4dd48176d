"""Which workspace a command works on: the one named, the one it stands in, or a lesson's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jupyter_sysdesign.errors import ConflictError, InvalidRequestError, NotFoundError

if TYPE_CHECKING:
    from jupyter_sysdesign.control.client import ControlClient
    from jupyter_sysdesign.environment.status import EnvironmentStatus

LessonArgument = Annotated[
    str | None,
    typer.Argument(metavar="LESSON", help="Lesson id; not needed inside a workspace."),
]
WorkspaceOption = Annotated[
    Path | None,
    typer.Option("--workspace", metavar="DIR", help="The workspace folder to work on."),
]
RuntimeOption = Annotated[
    str | None,
    typer.Option(
        "--runtime",
        metavar="RUNTIME",
        help="embedded (plain processes) or docker; default: $SYSDESIGN_RUNTIME, else embedded.",
    ),
]


def resolve(client: ControlClient, lesson: str | None, workspace: Path | None) -> Path:
    """Return the workspace's folder; a lesson that is named but not yet open gets one here.

    Raises:
        NotFoundError: ``--workspace`` is none, or the lesson is unknown.
        ConflictError: the workspace belongs to another lesson than the one named.
        InvalidRequestError: neither a lesson nor a workspace.
    """
    place = _place(lesson, workspace)
    if isinstance(place, Path):
        return place
    return Path(client.create_workspace(place, folder=str(default_folder(place))).folder)


def environments(
    client: ControlClient, lesson: str | None, workspace: Path | None
) -> list[EnvironmentStatus]:
    """Return the environments of the workspace, or of the lesson wherever it is open.

    Raises:
        NotFoundError, ConflictError, InvalidRequestError: as ``resolve``.
    """
    return _environments(client, _place(lesson, workspace))


def environment(
    client: ControlClient, lesson: str | None, workspace: Path | None
) -> EnvironmentStatus:
    """Return the environment of the workspace, or of the lesson wherever it is open.

    Raises:
        NotFoundError: there is none yet, or as ``resolve``.
        ConflictError: there are several, none of them here, or as ``resolve``.
        InvalidRequestError: as ``resolve``.
    """
    place = _place(lesson, workspace)
    found = _environments(client, place)
    if not found:
        raise NotFoundError(
            f"{Path(place).name} has no environment yet", hint="Start it with `sysdesign env up`."
        )
    if len(found) > 1:  # of a lesson: a workspace has one
        here = str(default_folder(found[0].lesson))
        found = [each for each in found if each.workspace == here] or found
    if len(found) > 1:
        folders = ", ".join(each.workspace for each in found)
        raise ConflictError(
            f"{lesson} has an environment in each of {folders}",
            hint="Say which one is meant: --workspace DIR.",
        )
    return found[0]


def default_folder(lesson: str, root: Path | None = None) -> Path:
    """Return where a lesson's workspace goes: ``<root>/sysdesign/<lesson>``."""
    from jupyter_sysdesign.curriculum import workspace as workspaces

    return workspaces.default_folder(root or Path.cwd(), lesson)


def _place(lesson: str | None, workspace: Path | None) -> Path | str:
    """Return the workspace's folder, or the lesson that is named where no workspace is."""
    from jupyter_sysdesign.curriculum import workspace as workspaces

    found = workspaces.find(workspace or Path.cwd())
    if workspace is not None and (found is None or found.folder != workspaces.real(workspace)):
        raise NotFoundError(
            f"{workspace} is not a workspace",
            hint="A workspace has a .sysdesign/workspace.json; `sysdesign open LESSON` makes one.",
        )
    if found is not None and lesson in (None, found.lesson):
        return found.folder
    if lesson is None:
        raise InvalidRequestError(
            "No lesson named, and this folder is not in a workspace",
            hint="Name a lesson (`sysdesign lessons` lists them) or go into its folder.",
        )
    if workspace is not None and found is not None:
        raise ConflictError(f"{workspace} is a workspace of {found.lesson}, not of {lesson}")
    return lesson


def _environments(client: ControlClient, place: Path | str) -> list[EnvironmentStatus]:
    known = client.environments()
    if isinstance(place, Path):
        return [each for each in known if each.workspace == str(place)]
    found = [each for each in known if each.lesson == place]
    if not found:
        client.lesson(place)  # is there such a lesson at all?
    return found

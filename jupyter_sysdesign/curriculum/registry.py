"""Which workspaces this user has: remembered on disk, so that an id finds its folder again."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_sysdesign import paths
from jupyter_sysdesign.curriculum import workspace as workspaces
from jupyter_sysdesign.curriculum.atomic import locked, replace
from jupyter_sysdesign.errors import NotFoundError, ResourceError, SysdesignError

if TYPE_CHECKING:
    from jupyter_sysdesign.curriculum.workspace import Workspace


class Registry:
    """The folders of all workspaces ever opened; those that are gone drop out by themselves."""

    def __init__(self, file: Path | None = None) -> None:
        """Keep the list in ``file`` (default: in ``paths.home()``)."""
        self._file = file or paths.home() / "workspaces.json"

    def remember(self, workspace: Workspace) -> None:
        """Add a workspace; the last one opened comes first.

        Raises:
            ResourceError: the list cannot be written.
        """
        try:
            with locked(self._file.with_suffix(".lock")):
                folders = [each for each in self._folders() if each != str(workspace.folder)]
                document = {"version": 1, "folders": [str(workspace.folder), *folders[:999]]}
                replace(self._file, json.dumps(document, indent=1) + "\n")
        except OSError as error:
            raise ResourceError(
                f"The list of workspaces cannot be written: {error.strerror}",
                hint=f"Make room, or the right to write, in {self._file.parent}.",
            ) from error

    def meet(self, workspace: Workspace) -> None:
        """Add a workspace unless it is there: it may have come as a folder (nbgrader's fetch)."""
        with contextlib.suppress(OSError, SysdesignError):  # whoever looked need not suffer
            if str(workspace.folder) not in self._folders():
                self.remember(workspace)

    def known(self) -> list[Workspace]:
        """Return the workspaces that still exist, last opened first."""
        try:
            folders = self._folders()
        except OSError:
            return []  # only a convenience: the workspaces themselves are untouched
        return [each for each in map(_load, folders) if each is not None]

    def find(self, workspace: str) -> Workspace:
        """Return a workspace by its id, or by the absolute path of its folder.

        Raises:
            NotFoundError: no such workspace (or no longer).
        """
        if workspace.startswith("/"):
            return workspaces.load(Path(workspace))
        for each in self.known():
            if each.id == workspace:
                return each
        raise NotFoundError(
            f"There is no workspace {workspace!r}", hint="`sysdesign open LESSON` makes one."
        )

    def _folders(self) -> list[str]:
        try:
            folders = json.loads(self._file.read_text(encoding="utf-8"))["folders"]
        except (FileNotFoundError, ValueError, KeyError, TypeError, RecursionError):
            return []
        return (
            [each for each in folders if isinstance(each, str)] if isinstance(folders, list) else []
        )


def _load(folder: str) -> Workspace | None:
    try:
        return workspaces.load(Path(folder))
    except SysdesignError:
        return None

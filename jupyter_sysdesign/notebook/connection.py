"""A kernel's line to the control plane, for one workspace."""

from __future__ import annotations

import difflib
import threading
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_sysdesign.control.client import ControlClient
from jupyter_sysdesign.curriculum.answers import AnswersFile
from jupyter_sysdesign.curriculum.catalogue import Catalogue
from jupyter_sysdesign.curriculum.workspace import Workspace, find
from jupyter_sysdesign.errors import NotFoundError
from jupyter_sysdesign.load.profile import FILE, load_profiles

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyter_sysdesign.control.models import LessonDetail, WorkspaceDetail
    from jupyter_sysdesign.environment.runtimes.choice import RuntimeName
    from jupyter_sysdesign.environment.status import EnvironmentStatus
    from jupyter_sysdesign.notebook.view import View


class Connection:
    """What all parts of a ``Lesson`` share.

    The environment is kept alive as long as this kernel lives, and for the grace period after it:
    a kernel that is restarted finds its environment running. So nothing ends the lease on exit.

    Attributes:
        workspace: the learner's folder.
        client: reconnects by itself when the control plane was restarted.
        environment: id of the workspace's instance, whether there is one yet or not.
        runtime: what it is to run on; None: whatever is configured.
        asked: the view that shows a question last, by the question's id.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.client = ControlClient(holder=f"kernel:{workspace.folder}")
        self.environment = workspace.source(Catalogue()).instance_id
        self.runtime: RuntimeName | None = None
        self.asked: dict[str, View] = {}

    @cached_property
    def lesson(self) -> LessonDetail:
        """Return what the lesson says about itself."""
        return self.client.lesson(self.workspace.lesson)

    def profiles(self) -> list[str]:
        """Return the traffic shapes of the ``load.yaml`` that a run reads, as it is now.

        Raises:
            InvalidFileError: it is wrong.
        """
        file = self.workspace.source(Catalogue()).locate(FILE)
        return list(load_profiles(file, FILE)) if file.exists() else []

    def notices(self) -> list[str]:
        """Return what is to be told of the answers that are kept; nothing is started for that."""
        return AnswersFile(self.workspace.folder).notices

    def detail(self) -> WorkspaceDetail:
        """Return answers and progress as they are now."""
        return self.client.workspace(self.workspace.folder)

    def status(self) -> EnvironmentStatus | None:
        """Return the environment as it is now; None when it was never started."""
        try:
            return self.client.environment(self.environment)
        except NotFoundError:
            return None

    def props(self) -> dict[str, object]:
        """Return what every view is told: names and ids that stay valid."""
        return {
            "lesson": self.lesson.id,
            "title": self.lesson.title,
            "workspace": self.detail().id,  # asked for by its folder, so that the id is known
            "environment": self.environment,
        }


_connections: dict[Path, Connection] = {}
_lock = threading.Lock()


def connect(folder: str | Path | None = None) -> Connection:
    """Return the connection of the workspace around ``folder``; one per workspace and kernel.

    Args:
        folder: where to look, upwards; by default the current folder.

    Raises:
        NotFoundError: this is no workspace, or the current folder is gone.
    """
    try:
        start = Path(folder) if folder is not None else Path.cwd()
    except FileNotFoundError:
        raise NotFoundError(
            "This notebook's folder is gone.", hint="Open the lesson again, and its notebook there."
        ) from None
    workspace = find(start)
    if workspace is None:
        raise NotFoundError(
            f"{start.expanduser().resolve()} is not a lesson's folder.",
            hint=(
                "Open a lesson from JupyterLab, or in a terminal with `sysdesign open LESSON`, and "
                "use the notebook there. `sysdesign lessons` lists them."
            ),
        )
    with _lock:
        found = _connections.get(workspace.folder)
        if found is None or found.workspace != workspace:
            found = _connections[workspace.folder] = Connection(workspace)
        return found


def unknown(what: str, name: object, known: Iterable[str]) -> NotFoundError:
    """Return the error for an unknown name: what was probably meant, and what there is."""
    names = list(known)
    near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    meant = f"Did you mean {near[0]!r}? " if near else ""
    there = f"There are: {', '.join(names)}." if names else f"This lesson has no {what}."
    return NotFoundError(f"There is no {what} {name!r}.", hint=meant + there)

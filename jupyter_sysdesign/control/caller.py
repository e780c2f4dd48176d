"""Who asks: what a request's headers say about its lease and about where it may go."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import unquote

from fastapi import Depends
from starlette.requests import HTTPConnection  # noqa: TC002 (FastAPI reads the annotation)

from jupyter_sysdesign.control import headers
from jupyter_sysdesign.control.plane import ControlPlane
from jupyter_sysdesign.errors import InvalidRequestError, OutsideRootError

if TYPE_CHECKING:
    from jupyter_sysdesign.control.environment import Environment
    from jupyter_sysdesign.control.leases import Lease
    from jupyter_sysdesign.curriculum.workspace import Workspace


@dataclass(frozen=True)
class Caller:
    """One request's origin.

    Attributes:
        lease: what keeps alive whatever the request starts or uses; None: nothing does.
        root: real path that all its workspaces lie in; None: anywhere.
    """

    plane: ControlPlane
    lease: Lease | None
    root: Path | None

    async def environment(self, environment_id: str) -> Environment:
        """Return an environment that the caller may see.

        Raises:
            NotFoundError: there is none of that id.
            OutsideRootError: its workspace lies elsewhere.
        """
        environment = await self.plane.environments.get(environment_id)
        self.check(environment.source.workspace)
        return environment

    async def held(self, environment_id: str) -> Environment:
        """Return an environment and hold it: the caller is going to use it."""
        environment = await self.environment(environment_id)
        self.hold(environment)
        return environment

    def hold(self, environment: Environment) -> None:
        """Keep the environment alive as long as the caller's lease."""
        if self.lease is not None:
            self.plane.leases.hold(self.lease, environment.id)

    def end_with_us(self, work: asyncio.Task[Any]) -> None:
        """Cancel ``work`` when the holder of the caller's lease is gone."""
        if self.lease is not None:
            self.plane.leases.end_with(self.lease, work)

    async def workspace(self, workspace: str) -> Workspace:
        """Return a workspace by id or absolute path.

        Raises:
            NotFoundError, InvalidFileError: it is none.
            OutsideRootError: it lies elsewhere.
        """
        if "\0" in workspace:
            raise InvalidRequestError("A path cannot contain a null character")
        if workspace.startswith("/"):
            self.check(Path(workspace))
        found = await asyncio.to_thread(self.plane.workspaces.find, workspace)
        self.check(found.folder)
        return found

    def folder(self, folder: str | None, default: str) -> Path:
        """Return an absolute path for a new workspace; relative ones start at the root.

        Raises:
            InvalidRequestError: neither absolute nor relative to anything.
            OutsideRootError: it leads out of the root.
        """
        wanted = Path(folder if folder is not None else default)
        if "\0" in str(wanted):
            raise InvalidRequestError("A path cannot contain a null character")
        if self.root is None and not wanted.is_absolute():
            raise InvalidRequestError(
                "The folder must be an absolute path", hint="Name the folder of the workspace."
            )
        path = wanted if self.root is None else self.root / wanted
        self.check(path)
        return path

    def sees(self, folder: Path) -> bool:
        """Tell whether ``folder`` lies inside the root, links followed."""
        if self.root is None:
            return True
        try:
            return folder.resolve().is_relative_to(self.root)
        except (OSError, RuntimeError):  # a loop of links
            return False

    def path(self, folder: Path) -> str | None:
        """Return a folder relative to the root, with ``/``; None without a root or outside."""
        if self.root is None or not folder.is_relative_to(self.root):
            return None
        return folder.relative_to(self.root).as_posix()

    def check(self, folder: Path) -> None:
        """Raise OutsideRootError unless the folder may be used."""
        if not self.sees(folder):
            raise OutsideRootError(
                f"{folder} lies outside of the Jupyter root folder",
                hint="Use a folder that the file browser shows.",
            )


def get_plane(connection: HTTPConnection) -> ControlPlane:
    """Return the control plane that serves this connection."""
    plane: ControlPlane = connection.app.state.plane
    return plane


def get_caller(connection: HTTPConnection) -> Caller:
    """Read the headers.

    Raises:
        LeaseEndedError: the request's lease is gone.
    """
    plane = get_plane(connection)
    lease_id = connection.headers.get(headers.LEASE)
    root = connection.headers.get(headers.ROOT)
    return Caller(
        plane=plane,
        lease=plane.leases.get(lease_id) if lease_id else None,
        root=Path(unquote(root)).resolve() if root else None,
    )


Plane = Annotated[ControlPlane, Depends(get_plane)]
Asking = Annotated[Caller, Depends(get_caller)]

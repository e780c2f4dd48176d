"""The environments of this user: those in use, and those that lie on disk from earlier."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Literal

from jupyter_sysdesign import paths
from jupyter_sysdesign.control.environment import Environment
from jupyter_sysdesign.control.temporary import remove_temporary
from jupyter_sysdesign.environment.instance import sweep
from jupyter_sysdesign.environment.runtimes import choice
from jupyter_sysdesign.errors import NotFoundError, SysdesignError

if TYPE_CHECKING:
    from jupyter_sysdesign.curriculum.catalogue import Catalogue
    from jupyter_sysdesign.curriculum.registry import Registry
    from jupyter_sysdesign.environment.source import Source

log = logging.getLogger(__name__)


class Environments:
    """By id; the id of an environment is that of its workspace."""

    def __init__(self, catalogue: Catalogue, workspaces: Registry) -> None:
        self._catalogue = catalogue
        self._workspaces = workspaces
        self._known: dict[str, Environment] = {}
        self._deletions: dict[str, asyncio.Task[None]] = {}

    @property
    def running(self) -> bool:
        """Tell whether any of them runs, or is being deleted."""
        return bool(self._deletions) or any(each.running for each in self._known.values())

    def in_use(self) -> list[Environment]:
        """Return those that run, the hidden ones of checks among them."""
        return [each for each in self._known.values() if each.running]

    def known(self, environment_id: str) -> Environment | None:
        """Return one that was used since this control plane began."""
        return self._known.get(environment_id)

    def runtime_of(self, environment_id: str) -> str:
        """Return what an environment runs on, or would.

        Raises:
            InvalidRequestError: what is configured is no runtime.
        """
        known = self._known.get(environment_id)
        return known.instance.runs_on if known is not None else choice.default()

    async def get(self, environment_id: str) -> Environment:
        """Return an environment.

        Raises:
            NotFoundError: there is none of that id.
            InvalidFileError: the lesson's or the learner's files make none.
        """
        known = self._known.get(environment_id)
        if known is None:
            source = await asyncio.to_thread(self._on_disk, environment_id)
            known, _ = await self.make(source, "lesson")
        return known

    async def make(
        self, source: Source, purpose: Literal["lesson", "check"]
    ) -> tuple[Environment, bool]:
        """Return the environment of ``source``, and whether it is new.

        Raises:
            InvalidFileError: its files make none.
        """
        if deletion := self._deletions.get(source.instance_id):
            await asyncio.wait([deletion])
        existing = self._known.get(source.instance_id)
        if existing is not None:
            return existing, False
        new = not (paths.instances() / source.instance_id).exists()
        made = await asyncio.to_thread(Environment, source, purpose, self._settle)
        # Somebody else may have made it meanwhile.
        environment = self._known.setdefault(made.id, made)
        return environment, new and environment is made

    async def list(self) -> list[Environment]:
        """Return all of them that are not only there for a check, running or not."""
        workspaces = await asyncio.to_thread(self._workspaces.known)
        for workspace in workspaces:
            if (paths.instances() / workspace.id).is_dir():
                try:
                    await self.get(workspace.id)
                except SysdesignError as error:
                    log.info("%s: %s", workspace.id, error)
        found = [each for each in self._known.values() if each.purpose == "lesson"]
        return sorted(found, key=lambda each: each.id)

    async def remove(self, environment: Environment) -> None:
        """Stop it, forget it and delete its data; goes on when the caller leaves."""
        key = environment.id
        await environment.halt()
        if self._known.get(key) is environment:
            # Forgotten first: what is being deleted can't be started or found any more.
            del self._known[key]
            deletion = asyncio.create_task(environment.remove(), name=f"delete {key}")
            self._deletions[key] = deletion
            deletion.add_done_callback(lambda _: self._deletions.pop(key))
        if (going := self._deletions.get(key)) is not None:
            await asyncio.shield(going)

    async def sweep(self) -> None:
        """End processes and delete folders that an earlier control plane could not."""
        ended = await sweep()
        if ended:
            log.warning("ended %d processes of an earlier control plane", ended)
        await asyncio.to_thread(remove_temporary)

    def exposition(self) -> str:
        """Return the latest samples of all that run, as Prometheus text."""
        from jupyter_sysdesign.metrics.exposition import exposition  # noqa: PLC0415 (rarely used)

        return "".join(
            exposition(values, {"environment": each.id})
            for each in self._known.values()
            if (values := each.recorder.latest())
        )

    async def close(self) -> None:
        """Stop all of them at once."""
        closing = [each.close() for each in self._known.values()]
        await asyncio.gather(*closing, *self._deletions.values(), return_exceptions=True)

    async def _settle(self, environment: Environment) -> None:
        if environment.purpose == "lesson":
            from jupyter_sysdesign.control import answering  # noqa: PLC0415 (its imports are many)

            await answering.settle(self._catalogue, environment)

    def _on_disk(self, environment_id: str) -> Source:
        try:
            workspace = self._workspaces.find(environment_id)
        except NotFoundError:
            workspace = None
        gone = environment_id in self._deletions
        if gone or workspace is None or not (paths.instances() / workspace.id).is_dir():
            raise NotFoundError(
                f"There is no environment {environment_id!r}",
                hint="Start the environment of a workspace first.",
            )
        return workspace.source(self._catalogue)

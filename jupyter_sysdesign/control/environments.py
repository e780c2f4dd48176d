"""The environments of this user: those in use, and those that lie on disk from earlier."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Literal
from weakref import WeakValueDictionary

from jupyter_sysdesign import paths
from jupyter_sysdesign.control.environment import Environment
from jupyter_sysdesign.control.temporary import remove_temporary
from jupyter_sysdesign.environment.instance import sweep
from jupyter_sysdesign.environment.runtimes import choice
from jupyter_sysdesign.errors import ConflictError, NotFoundError, SysdesignError

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.curriculum.catalogue import Catalogue
    from jupyter_sysdesign.curriculum.registry import Registry
    from jupyter_sysdesign.environment.source import Source

log = logging.getLogger(__name__)


class Environments:
    """By id; the id of an environment is that of its workspace.

    Args:
        forgotten: hears the id of one that is being deleted, as it stops being found.
        failed: hears the id of one that has failed.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        workspaces: Registry,
        forgotten: Callable[[str], None],
        failed: Callable[[str], None],
    ) -> None:
        self._catalogue = catalogue
        self._workspaces = workspaces
        self._forgotten = forgotten
        self._failed = failed
        self._known: dict[str, Environment] = {}
        # Of those that were deleted: the number that the events of the next one go on from.
        self._ended: dict[str, int] = {}
        # One at a time is made or deleted of each id.
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def running(self) -> bool:
        """Tell whether any of them runs, or is being made or deleted."""
        return bool(self._turns) or any(each.running for each in self._known.values())

    def in_use(self) -> list[Environment]:
        """Return those that run, the hidden ones of checks among them. Thread-safe."""
        return [each for each in list(self._known.values()) if each.running]

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
            async with self._turn(environment_id):
                if not (paths.instances() / environment_id).is_dir():
                    raise _unknown(environment_id)
                known, _ = await self._make(source, "lesson")
        return known

    async def make(
        self, source: Source, purpose: Literal["lesson", "check"]
    ) -> tuple[Environment, bool]:
        """Return the environment of ``source``, and whether it is new.

        Raises:
            InvalidFileError: its files make none.
            ConflictError: there is one for another purpose.
        """
        async with self._turn(source.instance_id):
            return await self._make(source, purpose)

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
        """Stop it, forget it and delete its data."""
        async with self._turn(environment.id):
            if self._known.get(environment.id) is environment:
                await environment.halt()
                # Forgotten first: what is being deleted is not found any more.
                del self._known[environment.id]
                self._forgotten(environment.id)
                await environment.remove()
                if environment.purpose == "lesson":
                    # One is left out: who heard of the former is told of a hole, and looks anew.
                    self._ended[environment.id] = environment.events.last_seq + 1

    async def sweep(self) -> None:
        """End processes and delete folders that an earlier control plane could not."""
        ended = await sweep()
        if ended:
            log.warning("ended %d processes of an earlier control plane", ended)
        await asyncio.to_thread(remove_temporary)

    def exposition(self) -> str:
        """Return the latest samples of all that run, as Prometheus text."""
        from jupyter_sysdesign.metrics.exposition import exposition  # noqa: PLC0415 (rarely used)

        latest = {each.id: each.recorder.latest() for each in self._known.values()}
        return exposition({name: values for name, values in latest.items() if values})

    async def close(self) -> None:
        """Stop all of them at once."""
        await asyncio.gather(*(each.close() for each in self._known.values()))
        for turn in list(self._turns.values()):  # what is being deleted goes entirely
            async with turn:
                pass

    def _turn(self, environment_id: str) -> asyncio.Lock:
        return self._turns.setdefault(environment_id, asyncio.Lock())

    async def _make(self, source: Source, purpose: str) -> tuple[Environment, bool]:
        existing = self._known.get(source.instance_id)
        if existing is not None:
            if existing.purpose != purpose:
                raise ConflictError(f"{existing.id} is there for another purpose already")
            return existing, False
        new = not (paths.instances() / source.instance_id).exists()
        after = self._ended.get(source.instance_id, 0)
        made = await asyncio.to_thread(
            Environment, source, purpose, self._settle, self._failed, after
        )
        self._known[made.id] = made
        return made, new

    async def _settle(self, environment: Environment) -> None:
        if environment.purpose == "lesson":
            from jupyter_sysdesign.control import answering  # noqa: PLC0415 (its imports are many)

            await answering.settle(self._catalogue, environment)

    def _on_disk(self, environment_id: str) -> Source:
        try:
            workspace = self._workspaces.find(environment_id)
        except NotFoundError:
            workspace = None
        if workspace is None or not (paths.instances() / workspace.id).is_dir():
            raise _unknown(environment_id)
        return workspace.source(self._catalogue)


def _unknown(environment_id: str) -> NotFoundError:
    return NotFoundError(
        f"There is no environment {environment_id!r}",
        hint="Start the environment of a workspace first.",
    )

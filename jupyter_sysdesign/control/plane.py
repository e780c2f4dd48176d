"""All that one user's control plane knows, apart from how it is asked."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING

from jupyter_sysdesign.control.activity import Activity
from jupyter_sysdesign.control.checks import Checks
from jupyter_sysdesign.control.environments import Environments
from jupyter_sysdesign.control.leases import Leases
from jupyter_sysdesign.curriculum.catalogue import Catalogue
from jupyter_sysdesign.curriculum.registry import Registry
from jupyter_sysdesign.environment.runtimes import forking
from jupyter_sysdesign.environment.status import State
from jupyter_sysdesign.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Coroutine

log = logging.getLogger(__name__)

_POLL_S = 0.01


class ControlPlane:
    """One per user; owns everything that runs.

    Args:
        grace_s: how long an environment outlives a holder that vanished.
    """

    def __init__(self, *, grace_s: float) -> None:
        self.started_at = time.time()
        self.activity = Activity()
        self.catalogue = Catalogue()
        self.workspaces = Registry()
        self.leases = Leases(grace_s, self._give_up)
        self.environments = Environments(
            self.catalogue, self.workspaces, self._forget, self.leases.forget_detached
        )
        self.checks = Checks(self.let_go)
        self._background: set[asyncio.Task[None]] = set()

    @property
    def running(self) -> bool:
        """Tell whether there is a reason to stay."""
        return self.environments.running or self.checks.going or bool(self._background)

    async def open(self) -> None:
        """Clear away what a control plane that was killed left behind; make starts quick."""
        with contextlib.suppress(OSError):  # a start will say what is wrong
            forking.prepare()
        await self.environments.sweep()

    def stop_work(self) -> None:
        """Begin to go down: end what would keep requests waiting. Safe in a signal handler."""
        self.checks.stop_all()

    async def close(self) -> None:
        """Stop all that runs."""
        self.leases.close()
        await self.checks.close()
        await self.environments.close()
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)

    async def let_go(self, holder: str) -> None:
        """End a holder; returns when nothing of what only it kept alive is left."""
        before = set(self._background)
        self.leases.end_holder(holder)
        if ending := self._background - before:
            await asyncio.wait(ending)

    async def settled(self, environment_id: str) -> None:
        """Return once an environment that is on its way down, for whatever reason, is at rest."""
        if ending := {each for each in self._background if each.get_name() == environment_id}:
            await asyncio.wait(ending)
        environment = self.environments.known(environment_id)
        while environment is not None and environment.status.state is State.STOPPING:  # noqa: ASYNC110 (that is told to events, not to us)
            await asyncio.sleep(_POLL_S)

    def _forget(self, environment_id: str) -> None:
        self.leases.forget(environment_id)
        self.checks.cancel(environment_id)  # one that began since the last was ended

    def _give_up(self, environment_id: str) -> None:
        environment = self.environments.known(environment_id)
        if environment is None:
            return
        log.info("nobody holds %s any more", environment_id)
        lasting = environment.purpose == "lesson"
        work = environment.stop() if lasting else self.environments.remove(environment)
        task = asyncio.create_task(self._finish(work, environment_id), name=environment_id)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _finish(self, work: Coroutine[None, None, None], environment_id: str) -> None:
        try:
            await work
        except ConflictError:
            pass  # it is at rest, or somebody is stopping it
        except Exception:
            log.exception("giving up %s", environment_id)

"""All services of an instance together: up in order of their dependencies, down in reverse."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from jupyter_sysdesign.environment.tasks import all_or_none
from jupyter_sysdesign.errors import InvalidFileError, StartFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jupyter_sysdesign.environment.service_runner import ServiceRunner
    from jupyter_sysdesign.environment.services import OnProgress


class Ensemble:
    """The runners of one instance, by name, dependencies first."""

    def __init__(self, runners: Mapping[str, ServiceRunner]) -> None:
        self.runners = runners

    async def start(
        self,
        *,
        runtime: asyncio.Future[None],
        progress: OnProgress,
        prepared: Callable[[], None],
        give_up: Callable[[], None],
    ) -> None:
        """Prepare and start all, each as soon as it can.

        A service that fails by a file the learner can mend is left failed, and the others go on.

        Args:
            runtime: done when services can be spawned.
            progress: told, from a thread, how far slow preparations are.
            prepared: called when nothing is left to do but to start.
            give_up: called when we are cancelled, to make slow preparations end early.

        Raises:
            SysdesignError: any other failure; the rest is then wherever it got to.
        """
        settled = {name: asyncio.Event() for name in self.runners}
        unprepared = set(self.runners)

        async def bring_up(runner: ServiceRunner) -> None:
            try:
                await runner.prepare(progress, give_up)
                _drop(unprepared, runner.name, prepared)
                for name in runner.service.spec.depends_on:
                    await settled[name].wait()
                await asyncio.shield(runtime)
                await runner.start()
            except (InvalidFileError, StartFailedError):
                if not runner.is_the_learners:
                    raise
                _drop(unprepared, runner.name, prepared)
            settled[runner.name].set()

        await all_or_none(bring_up(runner) for runner in self.runners.values())
        await runtime

    async def stop(self) -> None:
        """Stop all, each when nobody depends on it any more."""
        gone = {name: asyncio.Event() for name in self.runners}

        async def bring_down(runner: ServiceRunner) -> None:
            for other in self.runners.values():
                if runner.name in other.service.spec.depends_on:
                    await gone[other.name].wait()
            await runner.stop()
            gone[runner.name].set()

        await all_or_none(bring_down(runner) for runner in self.runners.values())

    async def kill(self) -> None:
        """End all at once: nobody needs what they hold."""
        await all_or_none(runner.stop(at_once=True) for runner in self.runners.values())


def _drop(names: set[str], name: str, when_empty: Callable[[], None]) -> None:
    if name in names:
        names.remove(name)
        if not names:
            when_empty()

"""From the services that run to those that ``compose.yaml`` asks for now: all of it, or nothing."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_sysdesign.environment.threads import in_thread
from jupyter_sysdesign.errors import SysdesignError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_sysdesign.environment.service_runner import ServiceRunner


@dataclass(frozen=True)
class Rearranged:
    """What became of the services, by name."""

    started: tuple[str, ...] = ()
    restarted: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()

    @property
    def anything(self) -> bool:
        """Tell whether a service is another now than before."""
        return bool(self.started or self.restarted or self.stopped)


async def rearrange(
    runners: dict[str, ServiceRunner], wanted: Mapping[str, ServiceRunner]
) -> Rearranged:
    """Start, restart and stop what has to be; leave everything else running.

    Args:
        runners: those of now; changed in place.
        wanted: those to be, dependencies first; the same runner where nothing changed.

    Raises:
        SysdesignError: a file is wrong or a service does not come up; all is as it was before.
    """
    fresh = [each for name, each in wanted.items() if runners.get(name) is not each]
    for each in fresh:
        await in_thread(each.service.check)
    leaving = [each for name, each in runners.items() if name not in wanted]
    before = dict(runners)
    # Who leaves makes room for who comes: the connections of a database are counted.
    # A load balancer comes last, when those it sends to are there.
    fresh.sort(key=lambda each: each.service.spec.kind == "haproxy")
    async with contextlib.AsyncExitStack() as undo:
        for each in leaving:
            undo.push_async_callback(_undo, runners, each.name, each)
            await each.stop()
            del runners[each.name]
        for each in fresh:
            old = runners.get(each.name)
            undo.push_async_callback(_undo, runners, each.name, old)
            if old is not None:
                await old.stop()
            runners[each.name] = each
            await each.prepare_and_start()
        undo.pop_all()
    names = {each.name for each in fresh}
    return Rearranged(
        started=tuple(name for name in wanted if name not in before),
        restarted=tuple(name for name in wanted if name in names and name in before),
        stopped=tuple(each.name for each in leaving),
        kept=tuple(name for name in wanted if name not in names),
    )


async def _undo(runners: dict[str, ServiceRunner], name: str, before: ServiceRunner | None) -> None:
    now = runners.pop(name, None)
    if now is not None and now is not before:
        await now.stop()
    if before is not None:
        runners[name] = before
        # It runs already, or what it needs is gone too: then its state says so.
        with contextlib.suppress(SysdesignError):
            await before.prepare_and_start()

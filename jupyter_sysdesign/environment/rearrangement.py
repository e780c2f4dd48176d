"""From the services that run to those that ``compose.yaml`` asks for now: all of it, or nothing."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_sysdesign.environment.status import ServiceState
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
    # Who leaves makes room for who comes, and so does who asks for less than before: a database's
    # connections are counted. A load balancer comes last, when those it sends to are there.
    needed = _needed(wanted, [each.name for each in fresh if each.name in runners])
    fresh.sort(key=lambda each: (_balances(each), each.name not in needed))
    ended: list[ServiceRunner] = []

    async def end(runner: ServiceRunner) -> None:
        if runner.state is not ServiceState.STOPPED:
            ended.append(runner)
        await runner.stop()

    try:
        for each in leaving:
            await end(each)
            del runners[each.name]
        for each in fresh:
            if each.name in runners:
                await end(runners[each.name])
            runners[each.name] = each
            await each.prepare_and_start()
    except Exception:  # not a cancellation: who cancels ends them all
        await _undo(runners, before, ended)
        raise
    names = {each.name for each in fresh}
    return Rearranged(
        started=tuple(name for name in wanted if name not in before),
        restarted=tuple(name for name in wanted if name in names and name in before),
        stopped=tuple(each.name for each in leaving),
        kept=tuple(name for name in wanted if name not in names),
    )


def _balances(runner: ServiceRunner) -> bool:
    return runner.service.spec.kind == "haproxy"


def _needed(wanted: Mapping[str, ServiceRunner], names: list[str]) -> set[str]:
    """Return ``names`` and what they depend on; load balancers need nobody before all others."""
    found: set[str] = set()
    left = [name for name in names if not _balances(wanted[name])]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += wanted[name].service.spec.depends_on
    return found


async def _undo(
    runners: dict[str, ServiceRunner], before: dict[str, ServiceRunner], ended: list[ServiceRunner]
) -> None:
    """End who came, then run again what was ended: both in the order of who needs whom."""
    for name, each in reversed(list(runners.items())):
        if before.get(name) is not each:
            await each.stop()
    runners.clear()
    runners.update(before)
    for each in before.values():
        if each in ended:
            # A fault on it ended with it, and could give the quota back to its successor only.
            each.cpus = each.service.spec.cpus
            # It runs already, or what it needs is gone too: then its state says so.
            with contextlib.suppress(SysdesignError):
                await each.prepare_and_start()

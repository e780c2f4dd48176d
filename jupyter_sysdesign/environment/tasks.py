"""Ways to run coroutines that asyncio lacks in Python 3.10."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

T = TypeVar("T")


async def all_or_none(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run all at once; the first failure cancels the others, is waited for, and raised."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        if tasks:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in tasks:
            if task.done() and not task.cancelled():
                task.result()
    finally:
        await end(*tasks)


async def uninterrupted(
    work: Coroutine[Any, Any, T], give_up: Callable[[], None] | None = None
) -> T:
    """Run ``work`` to its end even if we are cancelled meanwhile; only then be cancelled.

    Args:
        work: what to run.
        give_up: called when we are cancelled, to make ``work`` end early.
    """
    task = asyncio.ensure_future(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:  # noqa: PERF203 (may come more than once)
            cancelled = True
            if give_up is not None:
                give_up()
    if cancelled:
        _look(task)
        raise asyncio.CancelledError
    return task.result()


async def end(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks and return when they are gone, whatever they end with."""
    running = [task for task in tasks if not task.done()]
    for task in running:
        task.cancel()
    if running:
        await uninterrupted(_gone(running))
    for task in tasks:
        _look(task)


async def _gone(tasks: list[asyncio.Future[Any]]) -> None:
    await asyncio.wait(tasks)


def _look(task: asyncio.Future[Any]) -> None:
    """Take notice of a task's exception, so that asyncio does not complain that nobody did."""
    if not task.cancelled():
        task.exception()

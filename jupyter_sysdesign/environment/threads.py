"""Blocking work of environments, in threads with a name, and never left behind."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from jupyter_sysdesign.environment.tasks import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")

_pool = ThreadPoolExecutor(max_workers=16, thread_name_prefix="environment")


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ``work`` in a thread; when cancelled, wait for its end first.

    What the thread works on is ours again only then.
    """

    async def run() -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(_pool, partial(work, *args, **kwargs))

    return await uninterrupted(run())

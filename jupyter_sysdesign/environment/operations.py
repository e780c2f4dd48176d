"""Who may change an instance now: one operation at a time, and a stop that interrupts it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from jupyter_sysdesign.environment.tasks import end
from jupyter_sysdesign.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


class Operations:
    """The operations of one instance.

    Args:
        subject: what is operated on, for messages.
    """

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._current: asyncio.Task[Any] | None = None
        self._beside: set[asyncio.Task[Any]] = set()
        self._interrupted: set[asyncio.Task[Any]] = set()
        self._interrupting = False

    @property
    def busy(self) -> bool:
        """Tell whether an operation is under way."""
        return self._current is not None and not self._current.done()

    async def run(self, body: Coroutine[Any, Any, T]) -> T:
        """Run ``body`` as the only operation; cancelling us cancels it.

        Raises:
            ConflictError: another one is under way, or interrupted this one.
        """
        if self.busy or self._interrupting:
            body.close()
            raise ConflictError(
                f"{self._subject} is busy with something else", hint="Try again in a moment."
            )
        task = asyncio.ensure_future(body)
        self._current = task
        try:
            return await self._outcome(task)
        finally:
            if self._current is task:
                self._current = None

    async def beside(self, body: Coroutine[Any, Any, T]) -> T:
        """Run ``body`` beside others of its kind.

        Raises:
            ConflictError: it was interrupted.
        """
        task = asyncio.ensure_future(body)
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)
        return await self._outcome(task)

    async def interrupt(self, body: Coroutine[Any, Any, T]) -> T:
        """Cancel whatever is under way, wait for it to clear up, then run ``body``.

        Raises:
            ConflictError: an interruption is under way already.
        """
        if self._interrupting:
            body.close()
            raise ConflictError(f"{self._subject} is being stopped already")
        self._interrupting = True
        try:
            going = [*self._beside, *([self._current] if self._current else [])]
            self._interrupted.update(going)
            await end(*going)
            task = asyncio.ensure_future(body)
            self._current = task
            return await task
        finally:
            self._current = None
            self._interrupting = False

    async def _outcome(self, task: asyncio.Task[T]) -> T:
        try:
            return await task
        except asyncio.CancelledError:
            if task in self._interrupted:
                raise ConflictError(f"{self._subject} was stopped meanwhile") from None
            raise
        finally:
            self._interrupted.discard(task)

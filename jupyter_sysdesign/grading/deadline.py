"""A deadline over any code of the main thread, however it waits."""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


class DeadlineExceeded(BaseException):
    """The time is over."""


class _Hold:
    """Whether a deadline has to wait, and whether it does. The signal's mask is of one thread."""

    on = late = False


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Let a deadline that passes in the block wait for the end of the block; not to be nested."""
    _Hold.on = True
    try:
        yield
    finally:
        _Hold.on = False
    _raise_what_was_held()


@contextlib.contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise ``DeadlineExceeded`` in the block after ``seconds``; not to be nested."""

    def over(*_: Any) -> None:
        if not _Hold.on:
            raise DeadlineExceeded
        _Hold.late = True

    _Hold.late = False
    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    _raise_what_was_held()  # whoever held it was refused something, and went on


def _raise_what_was_held() -> None:
    late, _Hold.late = _Hold.late, False
    if late:
        raise DeadlineExceeded

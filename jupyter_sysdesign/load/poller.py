"""Waiting for sockets and for a moment, whichever comes first."""

from __future__ import annotations

import select
import selectors
import sys
from typing import Protocol

#: The kernel's numbers for epoll; the portable poller speaks them too.
READ, WRITE = 1, 4

_BATCH = 512
#: Going to sleep and waking takes about this long: a moment nearer than that is now.
_SOON_NS = 20_000


class Poller(Protocol):
    """One readiness queue."""

    def add(self, fd: int, events: int) -> None:
        """Watch a descriptor; ``PermissionError`` for a plain file, which is always ready."""

    def change(self, fd: int, events: int) -> None:
        """Watch it for something else."""

    def remove(self, fd: int) -> None:
        """Stop watching it."""

    def wait(self, timeout_ns: int) -> list[tuple[int, int]]:
        """Return ``(fd, events)`` of what is ready, after ``timeout_ns`` at the latest."""

    def close(self) -> None:
        """Give the queue back to the system."""


class EpollPoller:
    """Linux.

    ``epoll_wait`` knows only whole milliseconds; ``select`` on the epoll descriptor itself wakes
    to the microsecond, at the price of a system call. ``precise`` takes it.
    """

    def __init__(self, *, precise: bool) -> None:
        self._epoll = select.epoll()
        self.add = self._epoll.register
        self.change = self._epoll.modify
        self.remove = self._epoll.unregister
        self._poll = self._epoll.poll
        self._set = [self._epoll.fileno()]
        self._precise = precise

    def wait(self, timeout_ns: int) -> list[tuple[int, int]]:
        """Return ``(fd, events)`` of what is ready, after ``timeout_ns`` at the latest."""
        if not self._precise:
            return self._poll(max(timeout_ns, 0) / 1e9, _BATCH)
        if timeout_ns > _SOON_NS:
            select.select(self._set, (), (), timeout_ns / 1e9)
        return self._poll(0, _BATCH)

    def close(self) -> None:
        """Give the queue back to the system."""
        self._epoll.close()


class SelectorPoller:
    """Everywhere else (kqueue on macOS, whose timeouts are exact)."""

    def __init__(self, selector: selectors.BaseSelector | None = None) -> None:
        self._selector = selector or selectors.DefaultSelector()

    def add(self, fd: int, events: int) -> None:
        """Watch a descriptor."""
        self._selector.register(fd, _to_selectors(events))

    def change(self, fd: int, events: int) -> None:
        """Watch it for something else."""
        self._selector.modify(fd, _to_selectors(events))

    def remove(self, fd: int) -> None:
        """Stop watching it."""
        self._selector.unregister(fd)

    def wait(self, timeout_ns: int) -> list[tuple[int, int]]:
        """Return ``(fd, events)`` of what is ready, after ``timeout_ns`` at the latest."""
        timeout = timeout_ns / 1e9 if timeout_ns > _SOON_NS else 0
        ready = self._selector.select(timeout)
        return [
            (
                key.fd,
                (READ if mask & selectors.EVENT_READ else 0)
                | (WRITE if mask & selectors.EVENT_WRITE else 0),
            )
            for key, mask in ready
        ]

    def close(self) -> None:
        """Give the queue back to the system."""
        self._selector.close()


def make_poller(*, precise: bool) -> Poller:
    """Return the best poller of this system; ``precise``: wake to the microsecond."""
    if sys.platform == "linux":
        return EpollPoller(precise=precise)
    return SelectorPoller()


def _to_selectors(events: int) -> int:
    reading = selectors.EVENT_READ if events & READ else 0
    return reading | (selectors.EVENT_WRITE if events & WRITE else 0)

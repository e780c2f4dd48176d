"""What keeps an environment alive: holders with an open connection, and detached leases.

A *holder* is a key such as ``jupyter:/home/ann`` or ``kernel:/home/ann/lesson``; it may have
several connections, each with a lease id of its own. A holder that ends cleanly lets go at once,
together with the holders that named it as parent; one whose last connection breaks has a grace
period to come back in. An environment that nobody holds any more is given up: at once after a clean
end, after the grace period otherwise. A detached lease has no connection, but an end.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.errors import LeaseEndedError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(eq=False)
class Lease:
    """One connection of a holder. ``ended`` is set when the control plane ended it."""

    id: str
    holder: Holder
    ended: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(eq=False)
class Holder:
    """A client that comes and goes.

    ``environments`` are the ids it keeps alive, ``work`` is what is done for it alone.
    """

    key: str
    parent: str | None
    environments: set[str] = field(default_factory=set)
    connections: dict[str, Lease] = field(default_factory=dict)
    work: set[asyncio.Task[Any]] = field(default_factory=set)
    grace: asyncio.TimerHandle | None = None


class Leases:
    """The book of holders.

    Args:
        grace_s: how long a broken connection may take to come back.
        give_up: called with the id of an environment that nobody holds any more.
    """

    def __init__(self, grace_s: float, give_up: Callable[[str], None]) -> None:
        self._grace_s = grace_s
        self._give_up = give_up
        self._holders: dict[str, Holder] = {}
        self._leases: dict[str, Lease] = {}
        self._detached: dict[str, asyncio.TimerHandle] = {}
        self._waiting: dict[str, asyncio.TimerHandle] = {}  # environments never held so far

    def open(self, key: str, parent: str | None) -> Lease:
        """Return a new lease of the holder; within the grace period it gets back what it held."""
        holder = self._holders.get(key)
        if holder is None:
            holder = self._holders[key] = Holder(key, parent)
        if parent is not None:
            holder.parent = parent
        if holder.grace is not None:
            holder.grace.cancel()
            holder.grace = None
            self._retire(holder)
        lease = Lease(uuid.uuid4().hex, holder)
        holder.connections[lease.id] = self._leases[lease.id] = lease
        return lease

    def get(self, lease_id: str) -> Lease:
        """Return an open lease.

        Raises:
            LeaseEndedError: unknown or ended.
        """
        lease = self._leases.get(lease_id)
        if lease is None:
            raise _ended()
        return lease

    def lost(self, lease: Lease) -> None:
        """The connection broke: the holder may come back within the grace period."""
        holder = lease.holder
        if self._leases.get(lease.id) is not lease:
            return  # ended meanwhile
        holder.connections.pop(lease.id)
        if holder.connections:
            del self._leases[lease.id]
            return
        # The lease id stays good for a clean end that comes by another way (see ``end``).
        loop = asyncio.get_running_loop()
        holder.grace = loop.call_later(self._grace_s, self._expire, holder)

    def end(self, lease: Lease) -> None:
        """The client says it is done; with the holder's last connection its environments go."""
        if self._leases.pop(lease.id, None) is None:
            return
        lease.ended.set()
        lease.holder.connections.pop(lease.id, None)
        if not lease.holder.connections:
            self._end(lease.holder)

    def end_by_id(self, lease_id: str) -> None:
        """End a lease by its id; nothing happens when it has ended."""
        lease = self._leases.get(lease_id)
        if lease is not None:
            self.end(lease)

    def end_holder(self, key: str) -> None:
        """End all leases of a holder, whoever has them."""
        holder = self._holders.get(key)
        if holder is not None:
            self._end(holder)

    def hold(self, lease: Lease, environment: str) -> None:
        """Let the lease's holder keep the environment alive.

        Raises:
            LeaseEndedError: the holder is gone since the request came, and so is the environment
                unless somebody else holds it.
        """
        if self._holders.get(lease.holder.key) is not lease.holder:
            self._release(environment)
            raise _ended()
        lease.holder.environments.add(environment)
        self._stop_waiting(environment)

    def end_with(self, lease: Lease, work: asyncio.Task[Any]) -> None:
        """Cancel ``work`` when the lease's holder is gone, at once if it is."""
        holder = lease.holder
        if self._holders.get(holder.key) is not holder:
            work.cancel()
            return
        holder.work.add(work)
        work.add_done_callback(holder.work.discard)

    def wait_for_holder(self, environment: str) -> None:
        """An environment was started: unless somebody holds it, it has the grace period."""
        self._stop_waiting(environment)
        if not self.is_held(environment):
            loop = asyncio.get_running_loop()
            self._waiting[environment] = loop.call_later(self._grace_s, self._release, environment)

    def detach(self, environment: str, ttl_s: float) -> None:
        """Keep the environment for ``ttl_s`` seconds; replaces an earlier detached lease."""
        self._end_timer(environment)
        loop = asyncio.get_running_loop()
        self._detached[environment] = loop.call_later(ttl_s, self.end_detached, environment)
        self._stop_waiting(environment)

    def end_detached(self, environment: str) -> bool:
        """End the detached lease, and the environment with it if nobody else holds it."""
        if not self._end_timer(environment):
            return False
        self._release(environment)
        return True

    def forget_detached(self, environment: str) -> None:
        """Drop the detached lease of an environment that was stopped on purpose, or failed."""
        self._end_timer(environment)
        self._stop_waiting(environment)

    def forget(self, environment: str) -> None:
        """Drop everything known about a removed environment."""
        self.forget_detached(environment)
        for holder in self._holders.values():
            holder.environments.discard(environment)

    def is_held(self, environment: str) -> bool:
        """Tell whether anybody keeps the environment, a holder in its grace period included."""
        return environment in self._detached or any(
            environment in holder.environments for holder in self._holders.values()
        )

    def close(self) -> None:
        """Cancel all timers: the control plane is stopping everything itself."""
        for holder in self._holders.values():
            if holder.grace is not None:
                holder.grace.cancel()
        for timer in (*self._detached.values(), *self._waiting.values()):
            timer.cancel()

    def _expire(self, holder: Holder) -> None:
        # Its children may well be alive: they have connections of their own.
        for environment in self._remove(holder):
            self._release(environment)

    def _end(self, holder: Holder) -> None:
        environments = self._remove(holder)
        ending = [holder.key]
        while ending:
            parent = ending.pop()
            for child in [one for one in self._holders.values() if one.parent == parent]:
                environments |= self._remove(child)
                ending.append(child.key)
        for environment in environments:
            self._release(environment)

    def _remove(self, holder: Holder) -> set[str]:
        del self._holders[holder.key]
        if holder.grace is not None:
            holder.grace.cancel()
        self._retire(holder)
        for each in holder.work:
            each.cancel()
        return holder.environments

    def _retire(self, holder: Holder) -> None:
        for lease in [one for one in self._leases.values() if one.holder is holder]:
            lease.ended.set()
            del self._leases[lease.id]

    def _release(self, environment: str) -> None:
        self._stop_waiting(environment)
        if not self.is_held(environment):
            self._give_up(environment)

    def _end_timer(self, environment: str) -> bool:
        timer = self._detached.pop(environment, None)
        if timer is not None:
            timer.cancel()
        return timer is not None

    def _stop_waiting(self, environment: str) -> None:
        timer = self._waiting.pop(environment, None)
        if timer is not None:
            timer.cancel()


def _ended() -> LeaseEndedError:
    return LeaseEndedError("The lease of this request has ended", hint="Open a new lease.")

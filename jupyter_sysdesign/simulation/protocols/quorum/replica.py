"""A server of the quorum store: it keeps copies, and coordinates what clients bring it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from jupyter_sysdesign.simulation.protocols.quorum.messages import (
    EMPTY,
    Answer,
    Call,
    Copy,
    Fetch,
    Fetched,
    Store,
    Stored,
)
from jupyter_sysdesign.simulation.protocols.quorum.policy import ring
from jupyter_sysdesign.simulation.protocols.quorum.repair import Repairing, version
from jupyter_sysdesign.simulation.units import MS

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import NodeId


@dataclass
class Work:
    """One call a server coordinates.

    Attributes:
        client: who asked.
        call: what.
        found: server → what it has, while answers are collected.
        acknowledged: who has stored it.
        copy: what is stored; None while answers are collected.
        answered: the client has its answer.
    """

    client: NodeId
    call: Call
    found: dict[NodeId, Copy] = field(default_factory=dict)
    acknowledged: set[NodeId] = field(default_factory=set)
    copy: Copy | None = None
    answered: bool = False


class Replica(Repairing):
    """One server.

    Attributes:
        work: number → a call that is not done yet.
        calls: client → the last of its calls; on disk.
    """

    #: Before somebody else stands in for a server that does not answer.
    STAND_IN_US: ClassVar[int] = 40 * MS
    #: Before a client is told that too few servers answered.
    GIVE_UP_US: ClassVar[int] = 150 * MS

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.work: dict[int, Work] = {}
        self.calls: dict[NodeId, int] = dict(ctx.disk.read("calls", ()))
        # Answers to what was asked before a crash must not count for what is asked after it.
        self.last_work = ctx.disk.read("work", 0) + 1_000_000
        self.handlers |= {
            Call: self.on_call,
            Fetch: self.on_fetch,
            Fetched: self.on_fetched,
            Store: self.on_store,
            Stored: self.on_stored,
        }

    def on_start(self) -> None:
        """Note on disk that this is another start."""
        super().on_start()
        self.ctx.disk.write("work", self.last_work)
        self.ctx.disk.sync()

    def on_timer(self, name: str) -> None:
        """Let somebody stand in, or give up."""
        what, _, number = name.partition(" ")
        if what == "stand-in":
            self.widen(int(number))
        elif what == "give-up":
            self.give_up(int(number))
        else:
            super().on_timer(name)

    # Coordinating --------------------------------------------------------------------------

    def on_call(self, src: NodeId, message: Call) -> None:
        """Begin a call: ask first, except for a write that takes its version from the clock."""
        if self.is_repeated(src, message):
            return
        if message.key not in self.policies:
            self.ctx.send(src, Answer(message.number, False))
            return
        self.last_work = number = self.last_work + 1
        self.work[number] = work = Work(src, message)
        policy = self.policies[message.key]
        if policy.sloppy:
            self.ctx.set_timer(f"stand-in {number}", self.STAND_IN_US)
        self.ctx.set_timer(f"give-up {number}", self.GIVE_UP_US)
        if message.kind == "write" and policy.versions == "clock":
            self.store(number, self.made(work, self.ctx.now()))
            return
        self.reach(self.owners(message.key), Fetch(number, message.key))

    def is_repeated(self, src: NodeId, message: Call) -> bool:
        """Return whether a call is here already: a doubled write must not win a second time."""
        if message.number <= self.calls.get(src, 0):
            return True
        self.calls[src] = message.number
        if message.kind == "write":
            self.ctx.disk.write("calls", tuple(self.calls.items()))
            self.ctx.disk.sync()
        return False

    def made(self, work: Work, number: int) -> Copy:
        """Return the copy that a write makes."""
        return Copy(version(number, work.client, work.call.number), work.call.value)

    def reach(self, servers: tuple[NodeId, ...], message: Fetch | Store) -> None:
        """Send to each server; what this one is to do itself, it does at once, and last."""
        for each in servers:
            if each != self.ctx.id:
                self.ctx.send(each, message)
        if self.ctx.id in servers:
            self.handlers[type(message)](self.ctx.id, message)

    def reply(self, dst: NodeId, message: Fetched | Stored) -> None:
        """Answer another server, or this one."""
        if dst == self.ctx.id:
            self.handlers[type(message)](dst, message)
        else:
            self.ctx.send(dst, message)

    def on_fetched(self, src: NodeId, message: Fetched) -> None:
        """Note what a server has; with enough answers the call goes on."""
        work = self.work.get(message.work)
        if work is None or work.copy is not None:
            return
        work.found[src] = message.copy
        key = work.call.key
        policy = self.policies[key]
        # A write must come after every other one, and so has to meet them all (Gifford (1979)).
        if len(work.found) < (policy.r if work.call.kind == "read" else policy.n - policy.w + 1):
            return
        newest = EMPTY
        for each in work.found.values():
            newest = self.newer(key, newest, each)
        if work.call.kind == "write":
            self.store(message.work, self.made(work, newest.version.number + 1))
        else:
            self.read(message.work, work, newest)

    def read(self, number: int, work: Work, newest: Copy) -> None:
        """Answer a read, and mend what is old: before, after or never."""
        key = work.call.key
        policy = self.policies[key]
        current = [each for each, copy in work.found.items() if copy == newest]
        if policy.repair == "before" and len(current) < policy.w:
            # Whoever reads next must not find less than this read answers (ABD).
            work.call = work.call._replace(value=newest.value)
            self.store(number, newest)
            return
        self.answer(work, ok=True, value=newest.value)
        self.done(number)
        if policy.repair != "never":
            # Who only stands in has no copy to mend, and nobody would keep one up to date.
            for each in self.owners(key):
                if each == self.ctx.id:
                    self.keep(key, newest)
                elif each in work.found and each not in current:
                    self.ctx.send(each, Store(0, key, newest))

    def store(self, number: int, copy: Copy) -> None:
        """Store a copy on every owner of its key."""
        work = self.work[number]
        work.copy = copy
        self.reach(self.owners(work.call.key), Store(number, work.call.key, copy))

    def on_stored(self, src: NodeId, message: Stored) -> None:
        """Count an acknowledgement; with ``w`` of them the client is answered."""
        work = self.work.get(message.work)
        if work is None or work.copy is None:
            return
        work.acknowledged.add(src)
        if len(work.acknowledged) >= self.enough(work):
            self.answer(work, ok=True, value=work.call.value if work.call.kind == "read" else None)
            if len(work.acknowledged) >= self.policies[work.call.key].n:
                self.done(message.work)

    def enough(self, work: Work) -> int:
        """Return how many acknowledgements a write needs."""
        return self.policies[work.call.key].w

    def answer(self, work: Work, *, ok: bool, value: object = None) -> None:
        """Answer the client, once."""
        if not work.answered:
            work.answered = True
            self.ctx.send(work.client, Answer(work.call.number, ok, value))

    def give_up(self, number: int) -> None:
        """Tell the client that too few answered; what was stored meanwhile stays."""
        if (work := self.work.get(number)) is not None:
            self.answer(work, ok=False)
            self.done(number)

    def done(self, number: int) -> None:
        """Forget a call."""
        del self.work[number]
        self.ctx.cancel(f"stand-in {number}")
        self.ctx.cancel(f"give-up {number}")

    # Sloppy quorums (Dynamo, §4.6) ---------------------------------------------------------

    def widen(self, number: int) -> None:
        """Let the next servers of the ring stand in for owners that do not answer."""
        work = self.work.get(number)
        if work is None or not self.may_widen(work):
            return
        key = work.call.key
        owners = self.owners(key)
        others = iter(ring(key, self.servers)[len(owners) :])
        heard = work.found if work.copy is None else work.acknowledged
        for owner in owners:
            if owner not in heard and (other := next(others, None)) is not None:
                if work.copy is None:
                    self.reach((other,), Fetch(number, key))
                else:
                    self.reach((other,), Store(number, key, work.copy, owner))
        if work.copy is None:
            # The rest of a write may need somebody to stand in, too.
            self.ctx.set_timer(f"stand-in {number}", self.STAND_IN_US)

    def may_widen(self, work: Work) -> bool:
        """Return whether others may stand in."""
        return self.policies[work.call.key].sloppy

    # Keeping -------------------------------------------------------------------------------

    def on_fetch(self, src: NodeId, message: Fetch) -> None:
        """Tell what is here; who stands in tells what it keeps for others."""
        key = message.key
        copy = self.copies.get(key, EMPTY)
        for (_, kept), hint in self.hints.items():
            if kept == key:
                copy = self.newer(key, copy, hint)
        self.reply(src, Fetched(message.work, copy))

    def on_store(self, src: NodeId, message: Store) -> None:
        """Keep a copy, and say so."""
        _, key, copy, owner = message
        if owner is None:
            self.keep(key, copy)
        else:
            self.keep_for(owner, key, copy)
        if message.work:
            self.reply(src, Stored(message.work))

"""Copies that lag behind: kept for others until they are back, compared, and mended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from jupyter_sysdesign.simulation.node import Node
from jupyter_sysdesign.simulation.protocols.quorum import merkle
from jupyter_sysdesign.simulation.protocols.quorum.messages import (
    EMPTY,
    Compare,
    Copies,
    Copy,
    HandedOff,
    Handoff,
    StoreProbe,
    Version,
)
from jupyter_sysdesign.simulation.protocols.quorum.policy import Policy, of_key, ring
from jupyter_sysdesign.simulation.units import MS

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import NodeId


class Repairing(Node):
    """A server with copies, which become the same as those of the others in time.

    Attributes:
        copies: key → what it has; on disk.
        hints: (owner, key) → what it keeps for it; on disk.
        policies: key → what is chosen for it.
    """

    HANDOFF_US: ClassVar[int] = 150 * MS
    COMPARE_US: ClassVar[int] = 200 * MS

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.servers: tuple[NodeId, ...] = ctx.options["servers"]
        self.policies: dict[str, Policy] = {
            key: of_key(key, ctx.options) for key in ctx.options["keys"]
        }
        self.copies: dict[str, Copy] = {}
        for key in self.policies:
            if (copy := ctx.disk.read(key)) is not None:
                self.copies[key] = copy
        self.hints: dict[tuple[NodeId, str], Copy] = dict(ctx.disk.read("hints", ()))
        self.handlers: dict[type, Callable[[NodeId, Any], None]] = {
            Handoff: self.on_handoff,
            HandedOff: self.on_handed_off,
            Compare: self.on_compare,
            Copies: self.on_copies,
        }

    def probe(self) -> StoreProbe:
        """Show all copies."""
        return StoreProbe("replica", self.copies, len(self.hints))

    def on_start(self) -> None:
        """Begin to hand off, and to compare."""
        self.wait("handoff", self.HANDOFF_US)
        if self.ctx.options.get("anti_entropy", True):
            self.wait("compare", self.COMPARE_US)

    def on_message(self, src: NodeId, message: Any) -> None:
        """Hand a message to its handler."""
        handler = self.handlers.get(type(message))
        if handler is not None:
            handler(src, message)

    def on_timer(self, name: str) -> None:
        """Hand off, or compare with somebody."""
        if name == "handoff":
            self.wait("handoff", self.HANDOFF_US)
            for (owner, key), copy in self.hints.items():
                self.ctx.send(owner, Handoff(key, copy))
        elif name == "compare":
            self.wait("compare", self.COMPARE_US)
            peers = self.ctx.peers
            if peers:
                peer = peers[int(self.ctx.random.random() * len(peers))]
                self.ctx.send(peer, Compare("", merkle.children(self.common(peer), "")))

    def wait(self, name: str, mean_us: int) -> None:
        """Set a timer to a random time, so that servers do not march in step."""
        self.ctx.set_timer(name, int(mean_us * (0.5 + self.ctx.random.random())))

    # Copies --------------------------------------------------------------------------------

    def owners(self, key: str) -> tuple[NodeId, ...]:
        """Return the servers that own a key."""
        return ring(key, self.servers)[: self.policies[key].n]

    def newer(self, key: str, one: Copy, other: Copy) -> Copy:
        """Return which of two copies stays, or what they make together."""
        if self.policies[key].merge == "union":
            items = tuple(sorted({*(one.value or ()), *(other.value or ())}))
            return Copy(max(one.version, other.version), items) if items else EMPTY
        return max(one, other, key=lambda each: each.version)

    def keep(self, key: str, copy: Copy) -> None:
        """Take over a copy, if it brings something new; on disk when this returns."""
        mine = self.copies.get(key, EMPTY)
        merged = self.newer(key, mine, copy)
        if merged != mine:
            self.copies[key] = merged
            self.ctx.disk.write(key, merged)
            self.ctx.disk.sync()

    # Hinted handoff (Dynamo, §4.6) ---------------------------------------------------------

    def keep_for(self, owner: NodeId, key: str, copy: Copy) -> None:
        """Keep a copy for a server that cannot be reached."""
        self.hints[owner, key] = self.newer(key, self.hints.get((owner, key), EMPTY), copy)
        self.save_hints()

    def save_hints(self) -> None:
        """Write the hints to the disk."""
        self.ctx.disk.write("hints", tuple(self.hints.items()))
        self.ctx.disk.sync()

    def on_handoff(self, src: NodeId, message: Handoff) -> None:
        """Take back what somebody kept."""
        self.keep(message.key, message.copy)
        self.ctx.send(src, HandedOff(message.key, message.copy))

    def on_handed_off(self, src: NodeId, message: HandedOff) -> None:
        """Forget it, unless something newer came meanwhile."""
        if self.hints.get((src, message.key)) == message.copy:
            del self.hints[src, message.key]
            self.save_hints()

    # Anti-entropy (Dynamo, §4.7) -----------------------------------------------------------

    def common(self, peer: NodeId) -> dict[str, Copy]:
        """Return the copies of the keys that this server and another one own."""
        return {
            key: copy
            for key, copy in self.copies.items()
            if peer in self.owners(key) and self.ctx.id in self.owners(key)
        }

    def on_compare(self, src: NodeId, message: Compare) -> None:
        """Go down where the digests differ; at a leaf, send what is there."""
        common = self.common(src)
        for path in merkle.differing(common, message.path, message.digests):
            if len(path) < merkle.DEPTH:
                self.ctx.send(src, Compare(path, merkle.children(common, path)))
            else:
                self.send_copies(src, path, answer=True)

    def send_copies(self, dst: NodeId, path: str, *, answer: bool) -> None:
        """Send what lies in a leaf."""
        inside = [(key, copy) for key, copy in self.common(dst).items() if merkle.leaf(key) == path]
        self.ctx.send(dst, Copies(path, tuple(inside), answer))

    def on_copies(self, src: NodeId, message: Copies) -> None:
        """Take over what is newer, and send what is here."""
        for key, copy in message.copies:
            self.keep(key, copy)
        if message.answer:
            self.send_copies(src, message.path, answer=False)


def version(number: int, client: NodeId, call: int) -> Version:
    """Return the version of a write; the call makes it the only one of its kind."""
    return Version(number, str(client), call)

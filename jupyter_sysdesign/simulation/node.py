"""What a protocol is made of: nodes that react to a start, a message and a timer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.context import Context

#: Servers are 1, 2, 3, …; clients have names.
NodeId: TypeAlias = "int | str"


class Node:
    """One process of a protocol: subclass it, and write what it does on each event.

    A handler runs to its end before the next event. It must not wait, and must not look at
    anything outside itself: no clock but ``ctx.now()``, no chance but ``ctx.random``, nothing
    shared with another node. A restart makes a *new* object; only ``ctx.disk`` is still there.

    Attributes:
        ctx: everything a node may do to the world around it.
    """

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx

    def on_start(self) -> None:
        """React to the first start, and to each restart: read the disk, set the first timer."""

    def on_message(self, src: NodeId, message: Any) -> None:
        """React to a message of ``src``; it may be old, doubled, or out of order."""

    def on_timer(self, name: str) -> None:
        """React to a timer that ran out; it is no longer set."""

    def probe(self) -> Any:
        """Show what the rules of the protocol look at, for Raft a ``RaftProbe``.

        It is called after every event of this node, so it returns what there is and computes
        nothing.
        """
        return None

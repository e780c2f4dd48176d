"""A Raft server that lies. Raft has no defence against it, and does not claim to have one.

The paper's failures are crashes and messages that are lost, late or doubled ("non-Byzantine
conditions", §2). A server that says different things to different others is outside of that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from jupyter_sysdesign.simulation.clients import Request
from jupyter_sysdesign.simulation.protocols.raft.messages import AppendEntries, Entry
from jupyter_sysdesign.simulation.protocols.raft.server import Raft
from jupyter_sysdesign.simulation.units import MS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import Node, NodeId


class LyingLeader(Raft):
    """Is elected as anybody is, and then tells its followers different commands."""

    #: Sooner than all others: nothing keeps a liar from that.
    ELECTION_TIMEOUT_US: ClassVar[tuple[int, int]] = (30 * MS, 40 * MS)

    def send_entries(self, peer: NodeId) -> None:
        """Send every second follower something else, and say that it is committed."""
        log = self.log
        previous = self.next_index.get(peer, log.last) - 1
        entries = tuple(
            _twisted(entry) if peer in self.deceived() else entry
            for entry in log.after(previous, self.LARGEST_BATCH)
        )
        term = log.term_at(previous) or 0
        message = AppendEntries(self.term, previous, term, entries, log.last, self.round)
        self.ctx.send(peer, message)

    def deceived(self) -> tuple[NodeId, ...]:
        """Return who is told something else."""
        return self.ctx.peers[::2]


def _twisted(entry: Entry) -> Entry:
    command = entry.command
    if not isinstance(command, Request) or command.op == "get":
        return entry
    return entry._replace(command=command._replace(value="something else;"))


def among(liars: Collection[NodeId]) -> Callable[[Context], Node]:
    """Return what makes the servers of a cluster in which some lie and the others are Raft's."""

    def server(ctx: Context) -> Node:
        return LyingLeader(ctx) if ctx.id in liars else Raft(ctx)

    server.__name__ = f"Raft, {', '.join(f'S{each}' for each in liars)} lying"
    return server

"""A Raft server: a key–value store on top of the log, its reads, snapshots and members."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from jupyter_sysdesign.simulation.clients import Reply, Request
from jupyter_sysdesign.simulation.protocols.raft.consensus import LEADER, Consensus
from jupyter_sysdesign.simulation.protocols.raft.machine import KeyValue
from jupyter_sysdesign.simulation.protocols.raft.messages import (
    Appended,
    InstallSnapshot,
    Members,
    Snapshot,
)

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import NodeId


class Raft(Consensus):
    """One server of the store.

    Attributes:
        machine: what the committed commands have made.
        reads: reads that wait to know whether this server still leads, and for which round.
    """

    MACHINE: ClassVar[type[KeyValue]] = KeyValue

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.machine = self.MACHINE(self.log.snapshot.state)
        self.reads: list[tuple[int, Request]] = []
        self.handlers[Request] = self.on_request
        self.handlers[InstallSnapshot] = self.on_install_snapshot

    # Clients (§8) --------------------------------------------------------------------------

    def apply(self, command: Request | Members | None, *, leading: bool) -> None:
        """Carry out a committed command; a leader tells the client."""
        if isinstance(command, Request):
            answer = self.machine.apply(command)
            if leading:
                self.ctx.send(command.client, Reply(command.serial, True, answer))
        elif leading and isinstance(command, Members):
            self.changed_members(command)

    def on_request(self, src: NodeId, message: Request) -> None:
        """Serve a client, if we lead."""
        if self.role != LEADER:
            self.ctx.send(src, Reply(message.serial, False, None, self.leader))
        elif message.op == "get":
            self.read(message)
        elif message.op in ("add", "remove"):
            self.change_members(message)
        else:
            self.propose(message)

    def read(self, request: Request) -> None:
        """Answer what is committed now, once it is sure that we still lead (ReadIndex, §8).

        A newer leader may have committed more; a round answered by a majority shows there is none.
        """
        self.replicate()
        self.reads.append((self.round, request))
        self.serve_reads()

    def acknowledged(self) -> None:
        """Look whether a read can be answered now."""
        if self.reads:
            self.serve_reads()

    def serve_reads(self) -> None:
        """Answer the reads whose round a majority has answered."""
        if not self.knows_committed():
            return
        me = self.ctx.id
        rounds = [self.round if each == me else self.answered.get(each, 0) for each in self.members]
        confirmed = sorted(rounds)[(len(rounds) - 1) // 2]
        while self.reads and self.reads[0][0] <= confirmed:
            _, request = self.reads.pop(0)
            value = self.machine.values.get(request.key)
            self.ctx.send(request.client, Reply(request.serial, True, value))

    def knows_committed(self) -> bool:
        """Return whether all that is committed is known to be: after an entry of our term (§8)."""
        return self.log.term_at(self.commit) == self.term

    def deposed(self) -> None:
        """Send waiting readers to somebody else."""
        for _, request in self.reads:
            self.ctx.send(request.client, Reply(request.serial, False, None, self.leader))
        self.reads = []

    # Snapshots (§7) ------------------------------------------------------------------------

    def maybe_compact(self) -> None:
        """Replace the applied part of the log by a snapshot, when it has grown long."""
        every = self.ctx.options.get("snapshot_every", 0)
        if every and self.applied - self.log.before >= every:
            term = self.log.term_at(self.applied) or 0
            members = self.members_at(self.applied)
            self.log.compact(Snapshot(self.applied, term, members, self.machine.state()))
            self.save_log()

    def members_at(self, index: int) -> tuple[NodeId, ...]:
        """Return the servers as of an index."""
        for entry in reversed(self.log.entries[: index - self.log.before]):
            if isinstance(entry.command, Members):
                return entry.command.servers
        return self.log.snapshot.members

    def send_snapshot(self, peer: NodeId) -> None:
        """Send the snapshot to a member that lacks what is gone from the log."""
        self.ctx.send(peer, InstallSnapshot(self.term, self.log.snapshot, self.round))

    def on_install_snapshot(self, src: NodeId, message: InstallSnapshot) -> None:
        """Take over a leader's snapshot, if it is ahead of what we have committed (Figure 13)."""
        term, snapshot, round_ = message
        if term < self.term:
            self.ctx.send(src, Appended(self.term, False, 0, round_))
            return
        self.hear(src, term)
        if self.is_news(snapshot):
            self.log.compact(snapshot)
            self.save_log()
            self.members = self.log.members()
            self.machine = self.MACHINE(snapshot.state)
            self.commit = self.applied = snapshot.last_index
        self.ctx.send(src, Appended(term, True, snapshot.last_index, round_))

    def is_news(self, snapshot: Snapshot) -> bool:
        """Return whether a snapshot is ahead of what we have; an old one may arrive late."""
        return snapshot.last_index > self.commit

    # Membership (dissertation, §4.1 to §4.3) ------------------------------------------------

    def change_members(self, request: Request) -> None:
        """Add or remove one server, when the change before is committed.

        Majorities of two configurations that differ by one server overlap, so no joint one is
        needed. The leader must have committed in its own term first, or an older change may come
        back.
        """
        wanted = self.wanted_members(request)
        if not self.knows_committed() or self.members_at(self.commit) != self.members:
            self.ctx.send(request.client, Reply(request.serial, False, None, self.ctx.id))
        elif wanted == self.members:
            self.ctx.send(request.client, Reply(request.serial, True))
        else:
            self.propose(Members(wanted))

    def wanted_members(self, request: Request) -> tuple[NodeId, ...]:
        """Return the configuration that a request asks for."""
        others = {each for each in self.members if each != request.value}
        return tuple(sorted(others | {request.value} if request.op == "add" else others))

    def changed_members(self, command: Members) -> None:
        """Step down, if the configuration that is now committed is without us (§4.2.2)."""
        if self.ctx.id not in command.servers:
            self.follow()

"""Raft's agreement on a log: terms, elections, replication, commitment. Figure 2 of the paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from jupyter_sysdesign.simulation.node import Node
from jupyter_sysdesign.simulation.protocols.raft.log import Log
from jupyter_sysdesign.simulation.protocols.raft.messages import (
    Appended,
    AppendEntries,
    Entry,
    Members,
    RaftProbe,
    RequestVote,
    Vote,
)
from jupyter_sysdesign.simulation.units import MS

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.simulation.clients import Request
    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import NodeId

FOLLOWER, CANDIDATE, LEADER = "follower", "candidate", "leader"


class Consensus(Node):
    """One server's part in agreeing on a log; ``server`` makes a store of it.

    Attributes:
        role: what it is at the moment.
        term: the latest term it knows; on disk.
        voted_for: whom it voted for in that term; on disk.
        log: on disk.
        commit: the last index known to be committed.
        applied: the last index the machine has seen.
        leader: who leads this term, as far as it knows.
        members: all servers, by the latest configuration in the log.
    """

    #: Long against a message's way, short against the time between failures (§5.6).
    ELECTION_TIMEOUT_US: ClassVar[tuple[int, int]] = (150 * MS, 300 * MS)
    HEARTBEAT_US: ClassVar[int] = 50 * MS
    #: Entries in one message; the rest follows when they are acknowledged.
    LARGEST_BATCH: ClassVar[int] = 50
    LOG: ClassVar[type[Log]] = Log

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.role = FOLLOWER
        self.term: int = ctx.disk.read("term", 0)
        self.voted_for: NodeId | None = ctx.disk.read("voted_for")
        self.log = self.LOG(ctx.disk, ctx.options["members"])
        self.members = self.log.members()
        self.commit = self.applied = self.log.before
        self.leader: NodeId | None = None
        self.heard_us = 0
        # A candidate's.
        self.votes: set[NodeId] = set()
        # A leader's.
        self.next_index: dict[NodeId, int] = {}
        self.match_index: dict[NodeId, int] = {}
        self.round = 0
        self.answered: dict[NodeId, int] = {}
        self.handlers: dict[type, Callable[[NodeId, Any], None]] = {
            AppendEntries: self.on_append_entries,
            Appended: self.on_appended,
            RequestVote: self.on_request_vote,
            Vote: self.on_vote,
        }

    def probe(self) -> RaftProbe:
        """Show the state that Figure 3's properties are about."""
        log = self.log
        return RaftProbe(self.role, self.term, self.voted_for, self.commit, log.entries, log.before)

    # Events --------------------------------------------------------------------------------

    def on_start(self) -> None:
        """Begin as a follower, at the first start and after each crash (§5.2)."""
        self.await_leader()

    def on_timer(self, name: str) -> None:
        """Start an election, or send heartbeats."""
        if name == "election":
            if self.ctx.id in self.members:
                self.stand_for_election()
            else:
                # Whoever is removed hears of no new leader, and must not name the old one for ever.
                self.leader = None
                self.await_leader()
        elif self.role == LEADER:
            self.ctx.set_timer("heartbeat", self.HEARTBEAT_US)
            self.replicate()

    def on_message(self, src: NodeId, message: Any) -> None:
        """Hand a message to its handler."""
        self.handlers[type(message)](src, message)

    # Terms (§5.1) --------------------------------------------------------------------------

    def see_term(self, term: int) -> None:
        """Follow, if somebody is in a later term (Figure 2, all servers)."""
        if term > self.term:
            self.enter_term(term, None)
            self.follow()

    def enter_term(self, term: int, voted_for: NodeId | None) -> None:
        """Enter a term; it and the vote are on disk before anybody hears of them (Figure 2)."""
        self.term, self.voted_for, self.leader = term, voted_for, None
        self.save_vote()

    def save_vote(self) -> None:
        """Write term and vote to the disk."""
        disk = self.ctx.disk
        disk.write("term", self.term)
        disk.write("voted_for", self.voted_for)
        disk.sync()

    def follow(self) -> None:
        """Be a follower."""
        if self.role == LEADER:
            self.leader = None
            self.ctx.cancel("heartbeat")
            self.deposed()
        if self.role != FOLLOWER:
            self.role = FOLLOWER
            self.await_leader()

    def await_leader(self) -> None:
        """Start waiting anew; a random time keeps votes from splitting (§5.2)."""
        shortest, longest = self.ELECTION_TIMEOUT_US
        ctx = self.ctx
        ctx.set_timer("election", shortest + int(ctx.random.random() * (longest - shortest)))

    def is_majority(self, count: int) -> bool:
        """Return whether ``count`` members are more than half."""
        return count * 2 > len(self.members)

    # Elections (§5.2, §5.4.1) --------------------------------------------------------------

    def stand_for_election(self) -> None:
        """Become a candidate: next term, vote for oneself, ask all others."""
        self.role = CANDIDATE
        self.enter_term(self.term + 1, self.ctx.id)
        self.votes = {self.ctx.id}
        self.await_leader()
        request = RequestVote(self.term, self.log.last, self.log.last_term)
        for peer in self.members:
            if peer != self.ctx.id:
                self.ctx.send(peer, request)
        self.count_votes()

    def on_request_vote(self, src: NodeId, message: RequestVote) -> None:
        """Vote for a candidate, once in a term, if its log is complete enough."""
        if self.is_disruptive(src):
            return
        self.see_term(message.term)
        granted = self.grants(src, message)
        if granted and self.voted_for != src:
            self.voted_for = src
            self.save_vote()
        if granted:
            self.await_leader()
        self.ctx.send(src, Vote(self.term, granted))

    def grants(self, src: NodeId, message: RequestVote) -> bool:
        """Return whether ``src`` gets the vote (Figure 2, RequestVote 1 and 2)."""
        return (
            message.term == self.term
            and self.voted_for in (None, src)
            and self.is_up_to_date(message.last_index, message.last_term)
        )

    def is_up_to_date(self, last_index: int, last_term: int) -> bool:
        """Return whether a log with that last entry is as complete as ours (§5.4.1).

        The later term wins; in the same term, the longer log.
        """
        return (last_term, last_index) >= (self.log.last_term, self.log.last)

    def is_disruptive(self, src: NodeId) -> bool:
        """Return whether a removed server calls elections while there is a leader (§6)."""
        heard_lately = self.ctx.now() - self.heard_us < self.ELECTION_TIMEOUT_US[0]
        return src not in self.members and (self.role == LEADER or heard_lately)

    def on_vote(self, src: NodeId, message: Vote) -> None:
        """Count a vote of this term."""
        self.see_term(message.term)
        if self.role == CANDIDATE and message.granted and self.is_current(message.term):
            self.votes.add(src)
            self.count_votes()

    def is_current(self, term: int) -> bool:
        """Return whether an answer belongs to this term; older ones may still be on their way."""
        return term == self.term

    def count_votes(self) -> None:
        """Lead, with votes from a majority."""
        if self.is_majority(sum(each in self.members for each in self.votes)):
            self.lead()

    def lead(self) -> None:
        """Begin to lead; an entry of one's own term lets older ones be committed (§5.4.2, §8)."""
        self.role = LEADER
        self.leader = self.ctx.id
        self.ctx.cancel("election")
        self.next_index = {}
        self.match_index = {}
        self.answered = {}
        self.ctx.set_timer("heartbeat", self.HEARTBEAT_US)
        self.propose(None)

    # Replication (§5.3) --------------------------------------------------------------------

    def propose(self, command: Request | Members | None) -> None:
        """Append a command to the leader's log and send it out."""
        self.log.append(Entry(self.term, command))
        self.save_log()
        if isinstance(command, Members):
            self.members = command.servers
        self.replicate()
        self.advance_commit(self.log.last)

    def save_log(self) -> None:
        """Make the log survive a crash, before anybody counts on it (Figure 2)."""
        self.ctx.disk.sync()

    def replicate(self) -> None:
        """Send each member what it lacks; to one that lacks nothing, a heartbeat."""
        self.round += 1
        me = self.ctx.id
        for peer in self.members:
            if peer != me:
                self.send_entries(peer)

    def send_entries(self, peer: NodeId) -> None:
        """Send one member what it lacks, or the snapshot if that is gone from the log (§7)."""
        log = self.log
        previous = self.next_index.get(peer, log.last) - 1
        if previous == log.last:
            message = AppendEntries(self.term, previous, log.last_term, (), self.commit, self.round)
            self.ctx.send(peer, message)
            return
        term = log.term_at(previous)
        if term is None:
            self.send_snapshot(peer)
            return
        entries = log.after(previous, self.LARGEST_BATCH)
        message = AppendEntries(self.term, previous, term, entries, self.commit, self.round)
        self.ctx.send(peer, message)

    def on_append_entries(self, src: NodeId, message: AppendEntries) -> None:
        """Take over a leader's entries where the logs agree (Figure 2, AppendEntries)."""
        term, previous, previous_term, entries, commit, round_ = message
        if term < self.term:
            self.ctx.send(src, Appended(self.term, False, 0, round_))
            return
        self.hear(src, term)
        log = self.log
        if not self.agrees(previous, previous_term):
            # Try before the whole conflicting term, or at our end (end of §5.3).
            self.ctx.send(src, Appended(term, False, self.conflict(previous), round_))
            return
        match = previous
        if entries:
            match += len(entries)
            if log.merge(previous, entries):
                self.save_log()
                self.members = log.members()
        if commit > self.commit:
            self.follow_commit(commit, match)
        self.ctx.send(src, Appended(term, True, match, round_))

    def follow_commit(self, commit: int, match: int) -> None:
        """Commit what the leader has, but only up to where it vouches for our log (rule 5)."""
        self.commit_to(min(commit, match))

    def hear(self, src: NodeId, term: int) -> None:
        """Recognise the leader of this term or a later one, and wait for its next message."""
        if term > self.term:
            self.enter_term(term, None)
        if self.role != FOLLOWER:
            self.follow()
        self.leader = src
        self.heard_us = self.ctx.now()
        self.await_leader()

    def agrees(self, index: int, term: int) -> bool:
        """Return whether our entry at ``index`` has that term; what a snapshot covers does."""
        return index < self.log.before or self.log.term_at(index) == term

    def conflict(self, previous: int) -> int:
        """Return the index the leader should send from."""
        log = self.log
        if previous > log.last:
            return log.last + 1
        term = log.term_at(previous)
        while previous > log.before + 1 and log.term_at(previous - 1) == term:
            previous -= 1
        return max(previous, self.commit + 1)

    def on_appended(self, src: NodeId, message: Appended) -> None:
        """Note how far a follower is; send again from where it disagrees."""
        term, ok, index, round_ = message
        if term != self.term or self.role != LEADER:
            self.see_term(term)
            return
        if round_ > self.answered.get(src, 0):
            self.answered[src] = round_
        if ok:
            if index > self.match_index.get(src, 0):
                self.match_index[src] = index
                self.next_index[src] = index + 1
                if index > self.commit:
                    self.advance_commit(index)
                if index < self.log.last:
                    self.send_entries(src)
        elif index > self.match_index.get(src, 0):
            # An old refusal may be overtaken by newer agreement; one at or before the match is.
            self.next_index[src] = index
            self.send_entries(src)
        self.acknowledged()

    # Commitment (§5.3, §5.4.2) --------------------------------------------------------------

    def advance_commit(self, index: int) -> None:
        """Commit up to ``index`` once a majority stores it (Figure 2, leaders)."""
        if self.may_commit(index):
            stored = sum(self.match_index.get(peer, 0) >= index for peer in self.members)
            if self.is_majority(stored + (self.ctx.id in self.members)):
                self.commit_to(index)

    def may_commit(self, index: int) -> bool:
        """Return whether counting copies commits this entry: only in the leader's own term.

        Older entries are committed with it, never by themselves (Figure 8).
        """
        return index > self.commit and self.log.term_at(index) == self.term

    def commit_to(self, index: int) -> None:
        """Commit and apply everything up to ``index``."""
        if index <= self.commit:
            return
        self.commit = index
        leading = self.role == LEADER
        while self.applied < index:
            self.applied += 1
            self.apply(self.log.entry(self.applied).command, leading=leading)
        self.maybe_compact()

    # What a store on top of it does ---------------------------------------------------------

    def apply(self, command: Request | Members | None, *, leading: bool) -> None:
        """Carry out a committed command."""

    def maybe_compact(self) -> None:
        """Shorten the log, if it is time to."""

    def acknowledged(self) -> None:
        """Note that a follower has answered a leader."""

    def deposed(self) -> None:
        """Note that this server led, and does no longer."""

    def send_snapshot(self, peer: NodeId) -> None:
        """Bring up to date a member that lacks what is gone from the log."""

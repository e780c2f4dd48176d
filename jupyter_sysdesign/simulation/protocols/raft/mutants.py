"""A gallery of Raft servers that each break one rule: what the judge must find.

Every one is a mistake that people make, small enough to read in one breath. Each names the rules
that may show it first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.simulation.clients import Reply, Request
from jupyter_sysdesign.simulation.judge.gallery import Gallery
from jupyter_sysdesign.simulation.protocols.raft.consensus import LEADER
from jupyter_sysdesign.simulation.protocols.raft.log import Log
from jupyter_sysdesign.simulation.protocols.raft.machine import KeyValue
from jupyter_sysdesign.simulation.protocols.raft.messages import Vote
from jupyter_sysdesign.simulation.protocols.raft.server import Raft

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import NodeId
    from jupyter_sysdesign.simulation.protocols.raft.messages import (
        Appended,
        AppendEntries,
        Entry,
        InstallSnapshot,
        RequestVote,
        Snapshot,
    )

GALLERY = Gallery()

#: Two histories of one log: whichever server is looked at first shows it.
_LOGS_DIFFER = (
    "stored",
    "log-matching",
    "leader-completeness",
    "state-machine-safety",
    "linearizability",
)


# Elections ---------------------------------------------------------------------------------


@GALLERY.mutant("votes-twice", "§5.2", "one-vote", "election-safety")
class VotesTwice(Raft):
    """Votes for everyone who asks, without looking whether it has voted in this term."""

    def grants(self, src: NodeId, message: RequestVote) -> bool:
        """Forget votedFor."""
        complete = self.is_up_to_date(message.last_index, message.last_term)
        return message.term == self.term and complete


@GALLERY.mutant("vote-not-persisted", "Figure 2, persistent state", "one-vote", "election-safety")
class VoteNotPersisted(Raft):
    """Keeps its vote in memory: after a restart it votes again in the same term."""

    def save_vote(self) -> None:
        """Write the term only."""
        self.ctx.disk.write("term", self.term)
        self.ctx.disk.sync()


@GALLERY.mutant("term-not-persisted", "Figure 2, persistent state", "one-vote", "election-safety")
class TermNotPersisted(Raft):
    """Keeps term and vote in memory: after a restart it lives through the same terms again."""

    def save_vote(self) -> None:
        """Write nothing."""


@GALLERY.mutant("votes-before-sync", "Figure 2, persistent state", "election-safety", *_LOGS_DIFFER)
class VotesBeforeSync(Raft):
    """Sends its vote, and then waits until it is on the disk."""

    def on_request_vote(self, src: NodeId, message: RequestVote) -> None:
        """Say what will be."""
        self.see_term(message.term)
        if self.grants(src, message):
            self.ctx.send(src, Vote(self.term, True))
        super().on_request_vote(src, message)


@GALLERY.mutant("no-up-to-date-check", "§5.4.1", *_LOGS_DIFFER)
class NoUpToDateCheck(Raft):
    """Votes for candidates whose log lacks committed entries."""

    def is_up_to_date(self, last_index: int, last_term: int) -> bool:
        """Take any log for complete."""
        return True


@GALLERY.mutant("compares-length-only", "§5.4.1", *_LOGS_DIFFER)
class ComparesLengthOnly(Raft):
    """Takes the longer log for the more complete one, whatever the terms in it."""

    def is_up_to_date(self, last_index: int, last_term: int) -> bool:
        """Compare lengths."""
        return last_index >= self.log.last


@GALLERY.mutant("counts-stale-votes", "§5.2", "election-safety", *_LOGS_DIFFER)
class CountsStaleVotes(Raft):
    """Counts votes that were given in an earlier term for this one."""

    def is_current(self, term: int) -> bool:
        """Take every vote."""
        return True


@GALLERY.mutant("counts-messages", "§5.2", "election-safety", *_LOGS_DIFFER)
class CountsMessages(Raft):
    """Counts votes and not voters: one that arrives twice is two."""

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.tally: dict[int, int] = {}

    def on_vote(self, src: NodeId, message: Vote) -> None:
        """Count it."""
        self.tally[message.term] = self.tally.get(message.term, 0) + message.granted
        super().on_vote(src, message)

    def count_votes(self) -> None:
        """Look at the count, and add its own."""
        if self.is_majority(1 + self.tally.get(self.term, 0)):
            self.lead()


@GALLERY.mutant("half-is-enough", "§5.2", "election-safety", "commit-kept", *_LOGS_DIFFER)
class HalfIsEnough(Raft):
    """Takes half of the servers, rounded down, for a majority: two halves need not meet."""

    def is_majority(self, count: int) -> bool:
        """Miss one."""
        return count >= len(self.members) // 2


# Replication -------------------------------------------------------------------------------


class _ForgetfulLog(Log):
    """A log in memory."""

    def append(self, entry: Entry) -> None:
        """Do not write."""
        self.entries.append(entry)
        self._measure()

    def truncate(self, last: int) -> None:
        """Do not write."""
        del self.entries[last - self.before :]
        self._measure()


@GALLERY.mutant("log-not-persisted", "Figure 2, persistent state", *_LOGS_DIFFER)
class LogNotPersisted(Raft):
    """Acknowledges entries that are gone after a restart."""

    LOG = _ForgetfulLog


@GALLERY.mutant("answers-before-sync", "Figure 2, persistent state", *_LOGS_DIFFER)
class AnswersBeforeSync(Raft):
    """Acknowledges entries, and then waits until they are on the disk."""

    def on_append_entries(self, src: NodeId, message: AppendEntries) -> None:
        """Put the sync off."""
        super().on_append_entries(src, message)
        super().save_log()

    def save_log(self) -> None:
        """Wait only for what is one's own."""
        if self.role == LEADER:
            super().save_log()


@GALLERY.mutant("keeps-match-index", "Figure 2, matchIndex", *_LOGS_DIFFER)
class KeepsMatchIndex(Raft):
    """Counts, as it leads again, what followers had stored when it led before."""

    def lead(self) -> None:
        """Remember."""
        before = self.match_index
        super().lead()
        self.match_index = before


class _TruncatingLog(Log):
    """A log that a message overwrites."""

    def merge(self, previous: int, entries: Iterable[Entry]) -> bool:
        """Drop all behind ``previous`` first."""
        if previous >= self.before:
            self.truncate(previous)
        return super().merge(previous, entries)


@GALLERY.mutant(
    "always-truncates",
    "§5.3 and Figure 2, AppendEntries 3",
    "commit-kept",
    "progress",
    *_LOGS_DIFFER,
)
class AlwaysTruncates(Raft):
    """Cuts its log behind every message: a late one takes back what it had acknowledged."""

    LOG = _TruncatingLog


class _StubbornLog(Log):
    """A log that only grows."""

    def merge(self, previous: int, entries: Iterable[Entry]) -> bool:
        """Add what lies behind the end, and keep what conflicts."""
        behind = [entry for index, entry in enumerate(entries, previous + 1) if index > self.last]
        return super().merge(self.last, behind)


@GALLERY.mutant("keeps-conflicts", "§5.3 and Figure 2, AppendEntries 3", *_LOGS_DIFFER)
class KeepsConflicts(Raft):
    """Never removes an entry, also where the leader has another one."""

    LOG = _StubbornLog


@GALLERY.mutant("no-consistency-check", "§5.3 and Figure 2, AppendEntries 2", *_LOGS_DIFFER)
class NoConsistencyCheck(Raft):
    """Appends without looking whether the entry before is the leader's."""

    def agrees(self, index: int, term: int) -> bool:
        """Look at the length only."""
        return index <= self.log.last


@GALLERY.mutant("commits-unseen", "Figure 2, AppendEntries 5", "commit-kept", *_LOGS_DIFFER)
class CommitsUnseen(Raft):
    """Commits up to the end of its own log, though the leader vouched for less of it."""

    LARGEST_BATCH = 1

    def follow_commit(self, commit: int, match: int) -> None:
        """Trust one's own log."""
        self.commit_to(min(commit, self.log.last))


@GALLERY.mutant("commits-old-terms", "§5.4.2 and Figure 8", *_LOGS_DIFFER)
class CommitsOldTerms(Raft):
    """Commits an entry of an earlier term by counting its copies; it can still be overwritten."""

    LARGEST_BATCH = 1

    def may_commit(self, index: int) -> bool:
        """Count copies of anything."""
        return index > self.commit


@GALLERY.mutant("floods", "§5.3", "message-budget")
class Floods(Raft):
    """Answers every acknowledgement with the next heartbeat at once."""

    def on_appended(self, src: NodeId, message: Appended) -> None:
        """Send again."""
        super().on_appended(src, message)
        if self.role == LEADER:
            self.send_entries(src)


@GALLERY.mutant("gives-up-on-refusal", "§5.3", "progress", "message-budget")
class GivesUpOnRefusal(Raft):
    """Does not try earlier entries on a follower whose log disagrees."""

    def on_appended(self, src: NodeId, message: Appended) -> None:
        """Overlook refusals."""
        if message.ok or message.term > self.term:
            super().on_appended(src, message)


# Clients -----------------------------------------------------------------------------------


@GALLERY.mutant("stale-reads", "§8", "linearizability")
class StaleReads(Raft):
    """Answers reads at once, though another leader may have been elected meanwhile."""

    def read(self, request: Request) -> None:
        """Trust to lead."""
        value = self.machine.values.get(request.key)
        self.ctx.send(request.client, Reply(request.serial, True, value))


@GALLERY.mutant("reads-too-early", "§8", "linearizability")
class ReadsTooEarly(Raft):
    """Serves reads before an entry of its own term is committed."""

    LARGEST_BATCH = 1

    def knows_committed(self) -> bool:
        """Trust one's commit index."""
        return True


class _RepeatingMachine(KeyValue):
    """A machine that keeps no sessions."""

    def apply(self, request: Request) -> Any:
        """Carry out whatever comes."""
        _, _, op, key, value = request
        return self.carry_out(op, key, value)


@GALLERY.mutant("no-deduplication", "§8", "linearizability")
class NoDeduplication(Raft):
    """Carries out a command again when its client asks again."""

    MACHINE = _RepeatingMachine


# Snapshots ---------------------------------------------------------------------------------


class _ForgettingMachine(KeyValue):
    """A machine whose snapshots hold the values only."""

    def state(self) -> tuple[Any, ...]:
        """Leave the sessions out."""
        return tuple(self.values.items()), ()


@GALLERY.mutant("snapshot-without-sessions", "§7 and §8", "linearizability")
class SnapshotWithoutSessions(Raft):
    """Leaves the clients' last serial numbers out of its snapshots: repetitions come through."""

    MACHINE = _ForgettingMachine


@GALLERY.mutant("never-compacts", "§7", "log-bounded")
class NeverCompacts(Raft):
    """Keeps its whole log for ever."""

    def maybe_compact(self) -> None:
        """Do without."""


@GALLERY.mutant("snapshot-rewinds", "§7 and Figure 13", "commit-kept", *_LOGS_DIFFER)
class SnapshotRewinds(Raft):
    """Takes over a snapshot that is older than what it has committed."""

    def is_news(self, snapshot: Snapshot) -> bool:
        """Take any."""
        return True


@GALLERY.mutant("snapshot-keeps-machine", "§7 and Figure 13", "linearizability")
class SnapshotKeepsMachine(Raft):
    """Takes over a snapshot's place in the log, and forgets to load what is in it."""

    def on_install_snapshot(self, src: NodeId, message: InstallSnapshot) -> None:
        """Keep the machine."""
        machine = self.machine
        super().on_install_snapshot(src, message)
        self.machine = machine

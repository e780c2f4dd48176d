"""What Raft servers say to each other, and what they keep: Figures 2 and 13 of the paper.

The sender of a message is known to its receiver, so none carries a leader's or candidate's id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.clients import Request
    from jupyter_sysdesign.simulation.node import NodeId


class Members(NamedTuple):
    """A log entry that sets who the servers are (dissertation, §4.1)."""

    servers: tuple[NodeId, ...]


class Entry(NamedTuple):
    """A log entry; ``command`` is None in the one a new leader begins its term with."""

    term: int
    command: Request | Members | None


class RequestVote(NamedTuple):
    """A candidate asks for a vote (§5.2, §5.4.1)."""

    term: int
    last_index: int
    last_term: int


class Vote(NamedTuple):
    """The answer."""

    term: int
    granted: bool


class AppendEntries(NamedTuple):
    """A leader replicates entries; empty ones are heartbeats (§5.3).

    ``round`` numbers the leader's rounds of messages: its answers show that it still led when
    the round began (§8).
    """

    term: int
    previous_index: int
    previous_term: int
    entries: tuple[Entry, ...]
    commit: int
    round: int


class Appended(NamedTuple):
    """The answer: up to where the logs agree, or from where to try again."""

    term: int
    ok: bool
    upto: int
    round: int


class InstallSnapshot(NamedTuple):
    """A leader sends its snapshot to a server that lags too far behind (§7)."""

    term: int
    snapshot: Snapshot
    round: int


class Snapshot(NamedTuple):
    """Everything up to ``last_index``, in place of the log."""

    last_index: int
    last_term: int
    members: tuple[NodeId, ...]
    state: tuple[Any, ...]


class RaftProbe(NamedTuple):
    """What a server shows the rules. A learner's server shows the same.

    Attributes:
        role: ``follower``, ``candidate`` or ``leader``.
        term: currentTerm.
        voted_for: whom it voted for in this term, itself included; None if nobody.
        commit: commitIndex.
        log: the entries themselves, not copied: ``(term, command)``, oldest first.
        before: the index before the first of them; 0 without a snapshot.
    """

    role: str
    term: int
    voted_for: NodeId | None
    commit: int
    log: list[Any]
    before: int = 0

"""What must always hold in Raft: Figure 3 of the paper, looked at after every event.

The rules see servers from outside, by what each one shows (``RaftProbe``), and all of them at once.
Each look costs a comparison, unless the server changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.simulation.protocols.raft.messages import RaftProbe
from jupyter_sysdesign.simulation.verdict import Rule, RuleBroken

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_sysdesign.simulation.node import NodeId
    from jupyter_sysdesign.simulation.world import Simulation

ELECTION_SAFETY = Rule(
    "election-safety",
    "Election Safety",
    "Raft (extended), Figure 3 and §5.2",
    "A term has one leader or none.",
)
ONE_VOTE = Rule(
    "one-vote",
    "One vote in a term",
    "Raft (extended), §5.2 and Figure 2 (votedFor)",
    "A server votes for one candidate in a term, also if it restarts in between.",
)
LEADER_APPEND_ONLY = Rule(
    "leader-append-only",
    "Leader Append-Only",
    "Raft (extended), Figure 3 and §5.3",
    "A leader never changes or removes entries of its own log.",
)
LOG_MATCHING = Rule(
    "log-matching",
    "Log Matching",
    "Raft (extended), Figure 3 and §5.3",
    "Two logs that have the same index and term in common are the same up to there.",
)
LEADER_COMPLETENESS = Rule(
    "leader-completeness",
    "Leader Completeness",
    "Raft (extended), Figure 3 and §5.4",
    "An entry that was committed is in the log of every later leader.",
)
STATE_MACHINE_SAFETY = Rule(
    "state-machine-safety",
    "State Machine Safety",
    "Raft (extended), Figure 3 and §5.4.3",
    "No two servers apply different commands at the same index.",
)
STORED = Rule(
    "stored",
    "A majority stores what is committed",
    "Raft (extended), §5.3 and Figure 2 (matchIndex)",
    "An entry is committed only once a majority of the servers has it in its log.",
)
COMMIT_KEPT = Rule(
    "commit-kept",
    "What is committed stays",
    "Raft (extended), §5.3 and Figure 2 (commitIndex)",
    "A commit index only grows, lies within the log, and a term only grows.",
)
LOG_BOUNDED = Rule(
    "log-bounded",
    "Logs are compacted",
    "Raft (extended), §7",
    "What was applied goes into a snapshot, so that a log does not grow without end.",
)
PROBE = Rule(
    "probe",
    "The server shows its state",
    "the simulator",
    "probe() returns a RaftProbe, so that the rules can see the server.",
)

RULES = (
    ELECTION_SAFETY,
    ONE_VOTE,
    LEADER_APPEND_ONLY,
    LOG_MATCHING,
    LEADER_COMPLETENESS,
    STATE_MACHINE_SAFETY,
    STORED,
    COMMIT_KEPT,
    LOG_BOUNDED,
    PROBE,
)

_ROLES = frozenset({"follower", "candidate", "leader"})
_NOTHING: tuple[Any, ...] = ("", 0, None, 0, 0, 0, None)


class RaftRules:
    """Watches the servers of one simulation.

    It also tells the simulation what it saw change (``elected``, ``appended``, ``truncated``,
    ``committed``, ``voted``, ``term``, ``stepped down``): triggers and traces live on that.
    """

    def __init__(self, world: Simulation) -> None:
        self._world = world
        self._marks: dict[NodeId, tuple[Any, ...]] = dict.fromkeys(world.servers, _NOTHING)
        self._starts: dict[NodeId, int] = dict.fromkeys(world.servers, 0)
        #: What each log looked like: its entries, and the index before the first of them.
        self._logs: dict[NodeId, list[Any]] = {name: [] for name in world.servers}
        self._leaders: dict[int, NodeId] = {}
        self._votes: dict[tuple[NodeId, int], NodeId] = {}
        #: (index, term) → the entry and the term before it, the same in every log; who showed it.
        self._known: dict[tuple[int, int], tuple[Any, int | None, NodeId]] = {}
        #: (index, term) → whose log ever had that entry.
        self._stored: dict[tuple[int, int], set[NodeId]] = {}
        #: The entries committed so far, by whichever server; index 1 is the first.
        self._committed: list[Any] = []
        self._committed_in: list[int] = []

    @property
    def committed(self) -> int:
        """How many entries were committed by at least one server."""
        return len(self._committed)

    def observe(self, node: NodeId, probe: Any) -> None:
        """Compare a server with what it was, and with all others.

        Raises:
            RuleBroken: a rule is broken.
        """
        try:
            role, term, vote, commit, log, before = probe
            mark = (role, term, vote, commit, before, len(log), log[-1] if log else None)
        except (TypeError, ValueError, LookupError):
            raise RuleBroken(PROBE, f"S{node} shows {_short(probe)}", node) from None
        old = self._marks[node]
        if mark == old:
            return
        self._marks[node] = mark
        restarted = self._starts[node] != self._world.contexts[node].starts
        if restarted:
            self._starts[node] = self._world.contexts[node].starts
        if not _is_probe(probe):
            raise RuleBroken(PROBE, f"S{node} shows {_short(probe)}", node)
        if restarted or mark[:3] != old[:3]:
            self._look_at_term(node, probe, old, restarted=restarted)
        seen = self._logs[node]
        if restarted or mark[4:] != old[4:]:
            self._look_at_log(node, probe, old)
        if mark[3:5] != old[3:5]:
            self._look_at_commit(node, probe, (seen, *old[3:5]), restarted=restarted)
        if role == "leader" and (old[0] != "leader" or term != old[1]):
            self._look_at_leader(node, probe)

    # Terms and votes -----------------------------------------------------------------------

    def _look_at_term(
        self, node: NodeId, probe: RaftProbe, old: tuple[Any, ...], *, restarted: bool
    ) -> None:
        term, vote, world = probe.term, probe.voted_for, self._world
        if term < old[1] and not restarted:
            raise RuleBroken(COMMIT_KEPT, f"S{node} went back from term {old[1]} to {term}", node)
        if term != old[1]:
            world.happened("term", node, {"term": term})
        if vote is not None and (vote != old[2] or term != old[1]):
            before = self._votes.setdefault((node, term), vote)
            if before != vote:
                raise RuleBroken(
                    ONE_VOTE,
                    f"S{node} voted for S{before} and for S{vote} in term {term}",
                    node,
                    before,
                    vote,
                )
            world.happened("voted", node, {"for": vote, "term": term})
        if old[0] == "leader" and not restarted and probe.role != "leader":
            world.happened("stepped down", node, {"term": old[1]})

    def _look_at_leader(self, node: NodeId, probe: RaftProbe) -> None:
        term = probe.term
        first = self._leaders.setdefault(term, node)
        if first != node:
            raise RuleBroken(
                ELECTION_SAFETY, f"S{first} and S{node} both lead in term {term}", first, node
            )
        self._world.happened("elected", node, {"term": term})
        log, before = self._logs[node], probe.before
        for index in range(before + 1, len(self._committed) + 1):
            # A leader of an old term, late to know it, need not have what came later.
            if self._committed_in[index - 1] >= term:
                continue
            entry = log[index - before - 1] if index - before <= len(log) else None
            if entry != self._committed[index - 1]:
                raise RuleBroken(
                    LEADER_COMPLETENESS,
                    f"S{node} leads term {term} but {_has(entry, index)}, "
                    f"where {_entry(self._committed[index - 1])} was committed",
                    node,
                )

    # Logs ----------------------------------------------------------------------------------

    def _look_at_log(self, node: NodeId, probe: RaftProbe, old: tuple[Any, ...]) -> None:
        log, before = probe.log, probe.before
        seen, seen_before = self._logs[node], old[4]
        # The index up to which nothing changed.
        same = _common(seen, seen_before, log, before)
        last = before + len(log)
        gone = seen_before + len(seen) - same
        if gone > 0 and probe.role == "leader" and old[:2] == ("leader", probe.term):
            raise RuleBroken(
                LEADER_APPEND_ONLY, f"S{node}, leader of term {probe.term}, {_lost(same)}", node
            )
        self._logs[node] = list(log)  # a new one: what was seen is still needed
        if gone > 0:
            self._world.happened("truncated", node, {"after": same})
        self._match(node, log, before, same + 1)
        if last > same:
            self._world.happened("appended", node, {"index": last, "term": log[-1][0]})

    def _match(self, node: NodeId, log: Sequence[Any], before: int, first: int) -> None:
        known = self._known
        for index in range(max(first, before + 1), before + len(log) + 1):
            place = index - before - 1
            entry = log[place]
            previous = log[place - 1][0] if place else None
            fact = known.get((index, entry[0]))
            self._stored.setdefault((index, entry[0]), set()).add(node)
            if fact is None:
                known[index, entry[0]] = (entry, previous, node)
            elif fact[0] != entry:
                raise RuleBroken(
                    LOG_MATCHING,
                    f"S{node} has {_entry(entry)} at index {index}, where S{fact[2]} had "
                    f"{_entry(fact[0])}",
                    node,
                    fact[2],
                )
            elif previous is not None and fact[1] is not None and fact[1] != previous:
                raise RuleBroken(
                    LOG_MATCHING,
                    f"before index {index} of term {entry[0]}, S{node} has an entry of term "
                    f"{previous}, where S{fact[2]} had one of term {fact[1]}",
                    node,
                    fact[2],
                )
            elif fact[1] is None and previous is not None:
                known[index, entry[0]] = (entry, previous, node)

    # Commitment ----------------------------------------------------------------------------

    def _look_at_commit(
        self,
        node: NodeId,
        probe: RaftProbe,
        old: tuple[list[Any], int, int],
        *,
        restarted: bool,
    ) -> None:
        commit, before, log = probe.commit, probe.before, self._logs[node]
        seen, old_commit, seen_before = old
        if commit < old_commit and not restarted:
            why = f"S{node} took its commit index back from {old_commit} to {commit}"
            raise RuleBroken(COMMIT_KEPT, why, node)
        if not before <= commit <= before + len(log):
            raise RuleBroken(
                COMMIT_KEPT,
                f"S{node} commits up to {commit}, its log goes from {before + 1} to "
                f"{before + len(log)}",
                node,
            )
        committed = self._committed
        for index in range(before if restarted else old_commit, commit):
            if index >= before:
                entry = log[index - before]
            elif index < len(committed):
                continue  # In a snapshot, one's own or the leader's: its entry shows no more.
            elif 0 <= index - seen_before < len(seen):
                entry = seen[index - seen_before]  # Compacted in the event that committed it.
            else:
                why = f"the snapshot of S{node} covers index {index + 1}, which nobody committed"
                raise RuleBroken(COMMIT_KEPT, why, node)
            if index == len(committed):
                self.look_at_majority(node, index + 1, entry)
                committed.append(entry)
                self._committed_in.append(probe.term)
            elif committed[index] != entry:
                raise RuleBroken(
                    STATE_MACHINE_SAFETY,
                    f"S{node} commits {_entry(entry)} at index {index + 1}, where "
                    f"{_entry(committed[index])} was committed before",
                    node,
                )
        if commit > old_commit:
            self._world.happened("committed", node, {"index": commit})

    def look_at_majority(self, node: NodeId, index: int, entry: Any) -> None:
        """Refuse a first commit of what too few have; who is down may have it, and not show it."""
        servers = self._world.servers
        members = self._world.contexts[node].options.get("members", servers)
        if len(members) < len(servers):
            return  # They come and go, and only the servers know which of them count.
        stored = self._stored.get((index, entry[0]), set())
        down = {each for each in servers if self._world.probe(each) is None}
        if len(stored | down) * 2 <= len(servers):
            who = " and ".join(f"S{each}" for each in sorted(stored, key=str))
            why = f"S{node} commits {_entry(entry)} at index {index}, which only {who} had so far"
            raise RuleBroken(STORED, why, node)


def _is_probe(probe: Any) -> bool:
    return (
        isinstance(probe, RaftProbe)
        and probe.role in _ROLES
        and isinstance(probe.log, (list, tuple))
        and all(isinstance(each, int) for each in (probe.term, probe.commit, probe.before))
    )


def _common(seen: list[Any], seen_before: int, log: Sequence[Any], before: int) -> int:
    """Return the last index up to which both logs are the same; nearly all of it is, mostly."""
    last = min(seen_before + len(seen), before + len(log))
    first = max(seen_before, before)
    if last <= first:
        # Nothing in common: the snapshot covers all that was seen, or the log was emptied.
        return max(first, last) if before >= seen_before + len(seen) else last
    if seen_before == before and seen == log[: len(seen)]:
        return last
    for index in range(first + 1, last + 1):
        if seen[index - seen_before - 1] != log[index - before - 1]:
            return index - 1
    return last


def _entry(entry: Any) -> str:
    """Return an entry as a reader is told it."""
    term, command = entry[0], entry[1]
    if command is None:
        return f"the empty entry of term {term}"
    op = getattr(command, "op", None)
    if op is None:
        return f"{_short(command)} of term {term}"
    return f"“{op} {command.key} {command.value or ''}”".replace(" ”", "”") + f" of term {term}"


def _has(entry: Any, index: int) -> str:
    return f"has no entry {index}" if entry is None else f"has {_entry(entry)} at index {index}"


def _lost(same: int) -> str:
    return f"removed or changed its entry {same + 1}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"  # noqa: PLR2004

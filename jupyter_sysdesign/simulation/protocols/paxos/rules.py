"""What must always hold in Paxos, looked at after every event: section 2 of the paper.

The rules see servers from outside, by what each one shows (``PaxosProbe``), and all of them at
once: so they know what was chosen before any server does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.simulation import verdict
from jupyter_sysdesign.simulation.protocols.paxos.messages import NO_BALLOT, PaxosProbe
from jupyter_sysdesign.simulation.verdict import Rule, RuleBroken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_sysdesign.simulation.node import NodeId
    from jupyter_sysdesign.simulation.world import Simulation

PAPER = "Paxos Made Simple"

PROMISE_KEPT = Rule(
    "promise-kept",
    "Promises are kept (P1a)",
    f"{PAPER}, §2.2 and §2.5",
    "An acceptor that has promised a ballot accepts nothing below it, also after a restart.",
)
ACCEPTED_KEPT = Rule(
    "accepted-kept",
    "What is accepted is remembered",
    f"{PAPER}, §2.2 and §2.5",
    "An acceptor remembers its last accepted proposal, and takes only a higher one in its place.",
)
ONE_PROPOSAL = Rule(
    "one-proposal",
    "One number, one proposal",
    f"{PAPER}, §2.2",
    "Different proposals have different numbers: a ballot proposes one value for a slot.",
)
HIGHEST_ACCEPTED = Rule(
    "highest-accepted",
    "The highest accepted value is proposed (P2c)",
    f"{PAPER}, §2.2",
    "For a proposal there is a majority in which nobody had accepted anything below its number, or "
    "the highest that was has its value.",
)
ONE_CHOSEN = Rule(
    "one-chosen",
    "Only one value is chosen",
    f"{PAPER}, §2.1",
    "No two majorities accept different values for one slot.",
)
LEARNED = Rule(
    "learned",
    "Only what was chosen is learned",
    f"{PAPER}, §2.1 and §2.3",
    "A server never believes a value to be chosen that no majority has accepted.",
)
PROPOSED = Rule(
    "proposed",
    "Only what was proposed is chosen",
    f"{PAPER}, §2.1",
    "The chosen value is one that a client asked for, and every client is told the same.",
)
PROGRESS = Rule(
    verdict.PROGRESS.id,
    verdict.PROGRESS.title,
    f"{PAPER}, §2.4",
    "Once every node runs and messages arrive in time, one proposer gets through, and clients are "
    "answered.",
)
MESSAGE_BUDGET = Rule(
    verdict.MESSAGE_BUDGET.id,
    verdict.MESSAGE_BUDGET.title,
    f"{PAPER}, §3",
    "Under one leader a command costs one round of messages, not a flood.",
)
PROBE = Rule(
    "probe",
    "The server shows its state",
    "the simulator",
    "probe() returns a PaxosProbe, so that the rules can see the server.",
)

RULES = (
    PROMISE_KEPT,
    ACCEPTED_KEPT,
    ONE_PROPOSAL,
    HIGHEST_ACCEPTED,
    ONE_CHOSEN,
    LEARNED,
    PROPOSED,
    PROGRESS,
    MESSAGE_BUDGET,
    PROBE,
)

_OWN = {each.id: each for each in RULES}


def in_own_words(broken: RuleBroken) -> RuleBroken:
    """Return what broke with the paper's own rule in the place of Raft's of the same name."""
    return RuleBroken(_OWN.get(broken.rule.id, broken.rule), broken.why, *broken.nodes)


_ROLES = frozenset({"acceptor", "proposer", "leader"})


class _Seen:
    """What a server showed last."""

    __slots__ = ("accepted", "chosen", "promised", "role", "starts")

    def __init__(self) -> None:
        self.role = "acceptor"
        self.promised: Any = NO_BALLOT
        self.accepted: dict[int, Any] = {}
        self.chosen: dict[int, Any] = {}
        self.starts = 0


class PaxosRules:
    """Watches the servers of one simulation.

    It also tells the simulation what it saw change (``promised``, ``accepted``, ``chosen``,
    ``elected``, ``stepped down``): triggers and traces live on that.
    """

    def __init__(self, world: Simulation) -> None:
        self._world = world
        self._majority = len(world.servers) // 2 + 1
        self._seen = {name: _Seen() for name in world.servers}
        #: slot → ballot → the value and who accepted it, also if something else was since.
        self._votes: dict[int, dict[Any, tuple[Any, set[NodeId]]]] = {}
        self._chosen: dict[int, tuple[Any, Any]] = {}

    @property
    def committed(self) -> int:
        """How many slots a majority has decided."""
        return len(self._chosen)

    def observe(self, node: NodeId, probe: Any) -> None:
        """Compare a server with what it was, and with all others.

        Raises:
            RuleBroken: a rule is broken.
        """
        seen = self._seen[node]
        starts = self._world.contexts[node].starts
        if starts == seen.starts and probe == (
            seen.role,
            seen.promised,
            seen.accepted,
            seen.chosen,
        ):
            return
        if not _is_probe(probe, seen):
            raise RuleBroken(PROBE, f"S{node} shows {_short(probe)}", node)
        role, promised, accepted, chosen = probe
        if starts != seen.starts:
            seen.starts = starts
            seen.chosen, seen.role = {}, "acceptor"
        if promised != seen.promised or accepted != seen.accepted:
            self._look_at_acceptor(node, seen, promised, accepted)
        if role != seen.role:
            self._look_at_role(node, seen, role, promised)
        if chosen != seen.chosen:
            self._look_at_learner(node, seen, chosen)

    def _look_at_acceptor(
        self, node: NodeId, seen: _Seen, promised: Any, accepted: Mapping[int, Any]
    ) -> None:
        world, before = self._world, seen.promised
        if promised < before:
            why = f"S{node} promised {_ballot(before)} and shows {_ballot(promised)} now"
            raise RuleBroken(PROMISE_KEPT, why, node)
        if promised != before:
            seen.promised = promised
            world.happened("promised", node, {"words": f"promises ballot {_ballot(promised)}"})
        if gone := seen.accepted.keys() - accepted.keys():
            why = f"S{node} forgot what it had accepted in slot {min(gone)}"
            raise RuleBroken(ACCEPTED_KEPT, why, node)
        for slot, proposal in accepted.items():
            old = seen.accepted.get(slot)
            if old is proposal or old == proposal:
                continue
            ballot, value = proposal
            if old is not None and ballot < old[0]:
                why = (
                    f"in slot {slot} S{node} had accepted ballot {_ballot(old[0])}, "
                    f"and shows {_ballot(ballot)} now"
                )
                raise RuleBroken(ACCEPTED_KEPT, why, node)
            if ballot < before:
                why = f"S{node} promised {_ballot(before)}, and accepts ballot {_ballot(ballot)}"
                raise RuleBroken(PROMISE_KEPT, why, node)
            words = f"accepts {told(value)} in ballot {_ballot(ballot)}, slot {slot}"
            world.happened("accepted", node, {"slot": slot, "words": words})
            self._count(node, slot, ballot, value)
        seen.accepted = dict(accepted)

    def _count(self, node: NodeId, slot: int, ballot: Any, value: Any) -> None:
        votes = self._votes.setdefault(slot, {})
        if ballot not in votes:
            votes[ballot] = (value, {node})
            self._look_at_proposal(node, slot, ballot, votes)
        elif votes[ballot][0] != value:
            raise RuleBroken(
                ONE_PROPOSAL,
                f"ballot {_ballot(ballot)} of slot {slot} proposes {told(votes[ballot][0])} and "
                f"{told(value)}",
                node,
            )
        acceptors = votes[ballot][1]
        acceptors.add(node)
        if len(acceptors) < self._majority:
            return
        first = self._chosen.setdefault(slot, (ballot, value))
        if first[1] != value:
            raise RuleBroken(
                ONE_CHOSEN,
                f"in slot {slot} a majority accepted {told(first[1])} in ballot "
                f"{_ballot(first[0])}, and {told(value)} in ballot {_ballot(ballot)}",
                *sorted(acceptors, key=str),
            )
        if first[0] == ballot and len(acceptors) == self._majority:
            words = f"completes the majority: {told(value)} is chosen in slot {slot}"
            self._world.happened("chosen", node, {"slot": slot, "words": words, "notable": True})

    def _look_at_proposal(
        self, node: NodeId, slot: int, ballot: Any, votes: dict[Any, tuple[Any, set[NodeId]]]
    ) -> None:
        """Look for the majority of P2c; promises see to it that it stays one."""
        value = votes[ballot][0]
        last: dict[NodeId, Any] = {}
        for below in sorted(each for each in votes if each < ballot):
            for acceptor in votes[below][1]:
                last[acceptor] = below
        if len(self._seen) - len(last) >= self._majority:
            return
        for below in set(last.values()):
            upto = sum(each not in last or last[each] <= below for each in self._seen)
            if votes[below][0] == value and upto >= self._majority:
                return
        highest = max(last.values())
        raise RuleBroken(
            HIGHEST_ACCEPTED,
            f"ballot {_ballot(ballot)} proposes {told(value)} for slot {slot}, though "
            f"{told(votes[highest][0])} was accepted in ballot {_ballot(highest)}, and no majority "
            "can have told otherwise",
            node,
        )

    def _look_at_role(self, node: NodeId, seen: _Seen, role: str, promised: Any) -> None:
        old, seen.role = seen.role, role
        if role == "leader":
            words = f"has a majority's promises for ballot {_ballot(promised)}"
            self._world.happened("leads", node, {"words": words, "notable": True})
        elif old == "leader":
            words = "gives way" if role == "acceptor" else "proposes anew"
            self._world.happened("stopped leading", node, {"words": words})

    def _look_at_learner(self, node: NodeId, seen: _Seen, chosen: Mapping[int, Any]) -> None:
        for slot, value in chosen.items():
            if slot in seen.chosen and (seen.chosen[slot] is value or seen.chosen[slot] == value):
                continue
            known = self._chosen.get(slot)
            if known is None:
                why = f"S{node} takes {told(value)} for chosen in slot {slot}; no majority has it"
                raise RuleBroken(LEARNED, why, node)
            if known[1] != value:
                why = (
                    f"S{node} takes {told(value)} for chosen in slot {slot}, where "
                    f"{told(known[1])} was"
                )
                raise RuleBroken(LEARNED, why, node)
            words = f"knows that {told(value)} is chosen in slot {slot}"
            self._world.happened("learned", node, {"slot": slot, "words": words})
        seen.chosen = dict(chosen)


def _is_probe(probe: Any, seen: _Seen) -> bool:
    """Tell whether a server shows what it should; what it showed before was looked at then."""
    if not isinstance(probe, PaxosProbe) or probe.role not in _ROLES:
        return False
    try:
        old, known = seen.accepted, seen.chosen
        new = {slot: each for slot, each in probe.accepted.items() if old.get(slot) is not each}
        learned = [slot for slot in probe.chosen if slot not in known]
        ballots = [probe.promised, *(ballot for ballot, _ in new.values())]
        return all(isinstance(each, tuple) and each >= NO_BALLOT for each in ballots) and all(
            isinstance(slot, int) for slot in (*new, *learned)
        )
    except (TypeError, ValueError, AttributeError):
        return False


def _ballot(ballot: Any) -> str:
    return ".".join(map(str, ballot))


def told(value: Any) -> str:
    """Return a value as a reader is told it."""
    if value is None:
        return "nothing"
    op = getattr(value, "op", None)
    if op is None:
        return _short(value)
    return f"“{op} {value.key} {value.value or ''}”".replace(" ”", "”")


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 80 else text[:77] + "…"  # noqa: PLR2004

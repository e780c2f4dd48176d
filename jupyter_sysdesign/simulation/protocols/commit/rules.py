"""What must always hold: AC1 to AC5 of BHG §7.3, and that no money comes or goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.simulation.narration import name
from jupyter_sysdesign.simulation.protocols.commit.messages import (
    ABORT,
    COMMIT,
    PRECOMMIT,
    WAITING,
    YES,
)
from jupyter_sysdesign.simulation.verdict import Rule, RuleBroken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_sysdesign.simulation.node import NodeId
    from jupyter_sysdesign.simulation.protocols.commit.messages import Change
    from jupyter_sysdesign.simulation.world import Simulation

AGREEMENT = Rule(
    "agreement",
    "Agreement (AC1)",
    "BHG, §7.3",
    "All servers that reach a decision on a transaction reach the same one.",
)
STABILITY = Rule(
    "stability",
    "No way back (AC2)",
    "BHG, §7.3",
    "A server cannot reverse its decision, also if it restarts in between.",
)
UNANIMITY = Rule(
    "unanimity",
    "Commit needs every yes (AC3)",
    "BHG, §7.3",
    "A transaction is committed only if all of its participants voted yes.",
)
NOT_IN_VAIN = Rule(
    "not-in-vain",
    "All yes and no failure commits (AC4)",
    "BHG, §7.3",
    "If nothing fails and all participants voted yes, the transaction is committed.",
)
WILLING = Rule(
    "willing",
    "A no has a reason",
    "BHG, §7.3",
    "If nothing fails, a server says no only where money is missing or promised to another one.",
)
DECISION = Rule(
    "decision",
    "Everybody decides in the end (AC5)",
    "BHG, §7.3",
    "When all failures are repaired and none follows for long enough, every server decides.",
)
COOPERATION = Rule(
    "cooperation",
    "One who knows is enough",
    "BHG, §7.4 (cooperative termination)",
    "Without the coordinator, a server in doubt learns the outcome from any other that knows it.",
)
NON_BLOCKING = Rule(
    "non-blocking",
    "Who runs, decides",
    "Skeen (1981), the nonblocking theorem; BHG, §7.5",
    "If servers only crash, those that run decide without waiting for the others to come back.",
)
TRUTH = Rule(
    "truth",
    "The client is told what is decided",
    "Gray (1978), §5.8.3",
    "What a client is told of its transaction is the decision, and is so for ever.",
)
MONEY = Rule(
    "money",
    "No money comes or goes",
    "BHG, §7.3 (a yes is a promise to be able to commit)",
    "A committed change is on its server once; no other is; no account is below zero.",
)
PROBE = Rule(
    "probe",
    "The server shows its state",
    "the simulator",
    "probe() returns a CommitProbe, so that the rules can see the server.",
)

RULES = (
    AGREEMENT,
    STABILITY,
    UNANIMITY,
    NOT_IN_VAIN,
    WILLING,
    DECISION,
    COOPERATION,
    NON_BLOCKING,
    TRUTH,
    MONEY,
    PROBE,
)

_WORDS = {
    WAITING: "asks for votes on {tx}",
    YES: "votes yes on {tx}, and may no longer decide by itself",
    PRECOMMIT: "knows that everybody voted yes on {tx}",
    COMMIT: "commits {tx}",
    ABORT: "aborts {tx}",
}
#: What a state is called where triggers wait for it.
_HAPPENINGS = {WAITING: "asked", YES: "promised", PRECOMMIT: "precommitted"}


class CommitRules:
    """Watches the servers of one simulation.

    It also tells the simulation what it saw change (``asked``, ``promised``, ``precommitted``,
    ``decided``): triggers and traces live on that.

    Attributes:
        decided: transaction → what the first server to decide decided.
        changes: transaction → its changes, as its client wanted them.
        began: transaction → when its client began it, µs.
    """

    def __init__(self, world: Simulation, *, troubled: bool) -> None:
        self._world = world
        self._troubled = troubled
        self._seen: dict[NodeId, dict[str, str]] = {each: {} for each in world.servers}
        self._starts: dict[NodeId, int] = dict.fromkeys(world.servers, 0)
        self._own: dict[tuple[NodeId, str], str] = {}
        self._first: dict[str, NodeId] = {}
        self._yes: dict[str, set[NodeId]] = {}
        self._participants: dict[str, tuple[NodeId, ...]] = {}
        self.decided: dict[str, str] = {}
        self.changes: dict[str, tuple[Change, ...]] = {}
        self.began: dict[str, int] = {}
        world.listeners.append(self.listen)

    def listen(self, kind: str, _: NodeId | None, details: Mapping[str, Any]) -> None:
        """Learn what clients begin, and that something went wrong."""
        if kind == "began":
            tx = details["tx"]
            self._participants[tx] = details["participants"]
            self.changes[tx] = details["changes"]
            self.began[tx] = self._world.time
        elif kind in ("fault", "crashed"):
            self._troubled = True

    def observe(self, node: NodeId, probe: Any) -> None:
        """Compare a server with what it was, and with all others.

        Raises:
            RuleBroken: a rule is broken.
        """
        try:
            _, transactions, balances = probe
            now = dict(transactions)
            lowest = min(balances.values(), default=0)
        except (TypeError, ValueError, AttributeError):
            raise RuleBroken(PROBE, f"{name(node)} shows {probe!r:.80}", node) from None
        seen = self._seen[node]
        if now == seen:
            return
        starts = self._world.contexts[node].starts
        restarted = self._starts[node] != starts
        self._starts[node] = starts
        self._seen[node] = now
        if not restarted:
            for tx, state in seen.items():
                if state in (COMMIT, ABORT) and tx not in now:
                    why = f"{name(node)} no longer knows that it decided to {state} {tx}"
                    raise RuleBroken(STABILITY, why, node)
        for tx, state in now.items():
            if state != seen.get(tx):
                self._look(node, tx, state)
        if lowest < 0:
            account = min(balances, key=lambda each: balances[each])
            why = f"account {account} of {name(node)} is at {lowest}"
            raise RuleBroken(MONEY, why, node)

    def _look(self, node: NodeId, tx: str, state: str) -> None:
        """Look at one new state of one transaction."""
        if state not in _WORDS:
            raise RuleBroken(PROBE, f"{name(node)} shows {tx} as {state!r}", node)
        own = self._own.get((node, tx))
        if own is not None and state in (COMMIT, ABORT) and own != state:
            why = f"{name(node)} decided to {own} {tx}, and now to {state} it"
            raise RuleBroken(STABILITY, why, node)
        if state in (YES, PRECOMMIT):
            self._yes.setdefault(tx, set()).add(node)
        if state not in (COMMIT, ABORT):
            self._tell(_HAPPENINGS[state], node, tx, state)
            return
        self._own[node, tx] = state
        self._tell("decided", node, tx, state)
        first = self.decided.setdefault(tx, state)
        other = self._first.setdefault(tx, node)
        if first != state:
            why = f"{name(other)} decided to {first} {tx}, and {name(node)} to {state} it"
            raise RuleBroken(AGREEMENT, why, other, node)
        missing = sorted(set(self._participants.get(tx, ())) - self._yes.get(tx, set()), key=str)
        if state == COMMIT and missing:
            who = " and ".join(map(name, missing))
            why = f"{name(node)} commits {tx}, on which {who} never voted yes"
            raise RuleBroken(UNANIMITY, why, node, *missing)
        if state == ABORT and not self._troubled and tx in self._participants:
            if not missing:
                why = f"{name(node)} aborts {tx}, though nothing failed and everybody voted yes"
                raise RuleBroken(NOT_IN_VAIN, why, node)
            if other == node and node in missing and self._could(node, tx):
                why = f"{name(node)} says no to {tx}, though the money is there and nobody else's"
                raise RuleBroken(WILLING, why, node)

    def _could(self, node: NodeId, tx: str) -> bool:
        """Return whether a server has what a transaction wants, and has promised it nobody."""
        balances = self._world.probe(node).balances
        promised = {
            (each.server, each.account)
            for other, state in self._seen[node].items()
            if state in (YES, PRECOMMIT)
            for each in self.changes.get(other, ())
        }
        return all(
            balances.get(account, 0) + amount >= 0 and (server, account) not in promised
            for server, account, amount in self.changes[tx]
            if server == node
        )

    def _tell(self, kind: str, node: NodeId, tx: str, state: str) -> None:
        words = _WORDS[state].format(tx=tx)
        told: dict[str, Any] = {"tx": tx, "state": state, "words": words}
        if state in (PRECOMMIT, COMMIT, ABORT):
            told["notable"] = True
        self._world.happened(kind, node, told)

    def state(self, node: NodeId, tx: str) -> str | None:
        """Return what a server last showed of a transaction."""
        return self._seen[node].get(tx)

    def participants(self, tx: str) -> tuple[NodeId, ...]:
        """Return the servers a transaction touches."""
        return self._participants.get(tx, ())

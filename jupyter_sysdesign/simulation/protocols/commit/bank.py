"""A bank in the simulator: S1 coordinates, the others keep accounts, clients pay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.simulation.flood import flood
from jupyter_sysdesign.simulation.narration import name
from jupyter_sysdesign.simulation.protocols.commit.messages import ABORT, COMMIT
from jupyter_sysdesign.simulation.protocols.commit.payer import OPENING, Payer
from jupyter_sysdesign.simulation.protocols.commit.rules import (
    COOPERATION,
    DECISION,
    MONEY,
    NON_BLOCKING,
    TRUTH,
    CommitRules,
)
from jupyter_sysdesign.simulation.staging import befall, empty_world
from jupyter_sysdesign.simulation.units import S, clock
from jupyter_sysdesign.simulation.verdict import RuleBroken, Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import Node, NodeId
    from jupyter_sysdesign.simulation.plan import Plan
    from jupyter_sysdesign.simulation.protocols.commit.payer import Told
    from jupyter_sysdesign.simulation.world import Recorder, Simulation

COORDINATOR = 1
#: So long after it began, a transaction must be decided, when nothing keeps it from that.
GRACE_US = 1 * S
_DECIDED = (COMMIT, ABORT)


class Bank:
    """The bench atomic commitment is tried out on.

    ``plan.options`` may have ``cooperative`` or ``non_blocking``: then, at the end, that is looked
    at for the servers that run, whether or not all is calm.
    """

    def build(
        self,
        plan: Plan,
        server: Callable[[Context], Node],
        *,
        recorder: Recorder | None = None,
    ) -> Simulation:
        """Return a simulation of ``plan`` with every server made by ``server``, not yet started."""
        world = empty_world(plan, recorder)
        everyone: tuple[NodeId, ...] = tuple(range(1, plan.servers + 1))
        banks = everyone[1:]
        accounts = {f"k{number}": OPENING for number in range(plan.workload.keys)}
        options = {
            **plan.options,
            "coordinator": COORDINATOR,
            "opening": dict.fromkeys(banks, accounts),
            "banks": banks,
            "workload": plan.workload,
        }
        for each in everyone:
            peers = tuple(other for other in everyone if other != each)
            world.add(each, server, peers=peers, options=options)
        for number in range(1, plan.workload.clients + 1):
            world.add(f"c{number}", Payer, peers=everyone, options=options)
        troubled = bool(plan.lost) or not plan.network.simple
        world.rules = CommitRules(world, troubled=troubled)
        befall(world, plan)
        return world

    def finish(self, plan: Plan, world: Simulation) -> str:
        """Look at the end of a run: is all decided, told and paid?

        Raises:
            RuleBroken: it is not.
        """
        rules = _rules(world)
        _told_the_truth(world, rules)
        _money(world, rules, complete=plan.calm_us is not None)
        if plan.calm_us is not None or _nothing_happened(world):
            _all_decided(world, rules)
        if plan.options.get("cooperative"):
            _cooperation(world, rules)
        if plan.options.get("non_blocking"):
            _non_blocking(world, rules)
        if spent := self.overspent(plan, world):
            raise RuleBroken(spent.rule, spent.why)
        return ""

    def overspent(self, plan: Plan, world: Simulation) -> Violation | None:
        """Blame too many messages, where the plan has a bound for them."""
        return flood(plan, world, len(_rules(world).changes), "payments")

    def figures(self, world: Simulation) -> dict[str, int]:
        """Return how many payments there were, and what became of them."""
        told = _told(world)
        outcomes = list(_rules(world).decided.values())
        return {
            "operations": len(told),
            "answered": sum(each.committed is not None for each in told),
            "committed": outcomes.count(COMMIT),
            "aborted": outcomes.count(ABORT),
        }


def _rules(world: Simulation) -> CommitRules:
    if not isinstance(world.rules, CommitRules):
        raise TypeError("this is no simulation of a bank")
    return world.rules


def _told(world: Simulation) -> list[Told]:
    clients = [ctx.node for ctx in world.contexts.values() if isinstance(ctx.node, Payer)]
    return [told for client in clients for told in client.all_told()]


def _told_the_truth(world: Simulation, rules: CommitRules) -> None:
    for told in _told(world):
        decided = rules.decided.get(told.tx)
        if told.committed is not None and (decided == COMMIT) != told.committed:
            said = "committed" if told.committed else "aborted"
            truth = f"it was decided to {decided} it" if decided else "nobody decided it"
            raise RuleBroken(TRUTH, f"a client was told that {told.tx} is {said}, and {truth}")


def _running(world: Simulation) -> Iterator[NodeId]:
    return (each for each in world.servers if world.contexts[each].node is not None)


def _money(world: Simulation, rules: CommitRules, *, complete: bool) -> None:
    """Compare every account with the committed changes; all of them, if all is calm."""
    for server in _running(world):
        balances = world.probe(server).balances
        expected = dict.fromkeys(balances, OPENING)
        for tx, changes in rules.changes.items():
            state = rules.state(server, tx)
            mine = [each for each in changes if each.server == server]
            old = rules.began[tx] < world.time - GRACE_US
            if complete and old and mine and rules.decided.get(tx) == COMMIT and state is None:
                amount = mine[0].amount
                why = f"{tx} was committed, and {name(server)} knows nothing of its {amount:+}"
                raise RuleBroken(MONEY, why, server)
            for each in mine if state == COMMIT else ():
                expected[each.account] = expected.get(each.account, 0) + each.amount
        for account, amount in expected.items():
            if balances.get(account) != amount:
                why = (
                    f"account {account} of {name(server)} is at {balances.get(account)}; with what "
                    f"was committed there it must be at {amount}"
                )
                raise RuleBroken(MONEY, why, server)


def _old(world: Simulation, rules: CommitRules) -> list[str]:
    """Return the transactions that had time enough to be decided."""
    return [tx for tx, began in rules.began.items() if began < world.time - GRACE_US]


def _all_decided(world: Simulation, rules: CommitRules) -> None:
    for tx in _old(world, rules):
        for server in world.servers:
            state = rules.state(server, tx)
            if state is not None and state not in _DECIDED:
                since = clock(rules.began[tx])
                why = f"{name(server)} is still at “{state}” of {tx}, begun at {since}"
                raise RuleBroken(DECISION, why, server)
    for told in _told(world):
        if told.committed is None and told.began_us < world.time - GRACE_US:
            why = f"nobody told the client of {told.tx}, begun at {clock(told.began_us)}"
            raise RuleBroken(DECISION, why)


def _nothing_happened(world: Simulation) -> bool:
    """Return whether the coordinator, of which a death was expected, never was down."""
    ctx = world.contexts[COORDINATOR]
    return ctx.node is not None and ctx.starts == 1


def _cooperation(world: Simulation, rules: CommitRules) -> None:
    running = list(_running(world))
    for tx in _old(world, rules):
        involved = [each for each in running if each in (COORDINATOR, *rules.participants(tx))]
        knowing = [each for each in involved if rules.state(each, tx) in (*_DECIDED, None)]
        for server in involved:
            state = rules.state(server, tx)
            if knowing and state is not None and state not in _DECIDED:
                why = f"{name(server)} is in doubt about {tx}, and {name(knowing[0])} could tell it"
                raise RuleBroken(COOPERATION, why, server, knowing[0])


def _non_blocking(world: Simulation, rules: CommitRules) -> None:
    steady = [each for each in _running(world) if world.contexts[each].starts == 1]
    for tx in _old(world, rules):
        for server in steady:
            state = rules.state(server, tx)
            if state is not None and state not in _DECIDED:
                why = f"{name(server)} never was down, and is blocked at “{state}” of {tx}"
                raise RuleBroken(NON_BLOCKING, why, server)

"""Paxos clusters in the simulator: servers, clients, rules and faults."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.simulation.clients import Client
from jupyter_sysdesign.simulation.protocols.paxos.rules import (
    PROGRESS,
    PROPOSED,
    PaxosRules,
    in_own_words,
    told,
)
from jupyter_sysdesign.simulation.protocols.raft import cluster as raft
from jupyter_sysdesign.simulation.units import clock
from jupyter_sysdesign.simulation.verdict import RuleBroken

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.plan import Plan
    from jupyter_sysdesign.simulation.world import Rules, Simulation


class Cluster(raft.Cluster):
    """The bench Multi-Paxos is tried out on: the store's clients do not know what is under it."""

    def rules_of(self, world: Simulation) -> Rules:
        """Return what watches the servers."""
        return PaxosRules(world)

    def finish(self, plan: Plan, world: Simulation) -> str:
        """Look at the answers the clients were given: enough, and linearizable?

        Raises:
            RuleBroken: as for Raft; no progress is told with the paper's words.
        """
        try:
            return super().finish(plan, world)
        except RuleBroken as broken:
            raise in_own_words(broken) from None


class Council(raft.Cluster):
    """The bench single-decree Paxos is tried out on: each client proposes, and asks again."""

    def rules_of(self, world: Simulation) -> Rules:
        """Return what watches the servers."""
        return PaxosRules(world)

    def finish(self, plan: Plan, world: Simulation) -> str:
        """Look at what the clients were told: all the same, and what one of them proposed?

        Raises:
            RuleBroken: no answer after the last fault, too many messages, or wrong answers.
        """
        done = raft.operations(world)
        answers = [each for each in done if each.returned_us is not None]
        wanted = {each.value for each in done}
        wanted |= {each.arguments.get("value") for each in plan.faults if each.kind == "command"}
        for each in answers:
            if each.result != answers[0].result:
                why = (
                    f"{answers[0].client} was told {told(answers[0].result)}, "
                    f"{each.client} {told(each.result)}"
                )
                raise RuleBroken(PROPOSED, why, answers[0].client, each.client)
            if each.result not in wanted and not str(each.result).startswith("order-"):
                why = f"{each.client} was told {told(each.result)}, which nobody proposed"
                raise RuleBroken(PROPOSED, why, each.client)
        for name, ctx in world.contexts.items():
            if isinstance(ctx.node, Client) and plan.calm_us is not None and ctx.node.waiting:
                why = (
                    f"{name} still waits for an answer at {clock(world.time)}, though every server "
                    f"ran and the network was whole since {clock(plan.calm_us)}"
                )
                raise RuleBroken(PROGRESS, why, name)
        if spent := self.overspent(plan, world):
            raise in_own_words(RuleBroken(spent.rule, spent.why))
        return ""

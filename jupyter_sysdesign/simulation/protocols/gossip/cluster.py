"""A group of members in the simulator. There are no clients: who is alive is all that matters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.simulation.protocols.gossip.rules import LOAD, SwimRules
from jupyter_sysdesign.simulation.protocols.raft import cluster as raft
from jupyter_sysdesign.simulation.verdict import RuleBroken, Violation

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.plan import Plan
    from jupyter_sysdesign.simulation.world import Rules, Simulation


class Group(raft.Cluster):
    """The bench SWIM is tried out on.

    ``plan.options``: ``period_us``, ``suspicion_us``, what the rules ask for (``accurate``,
    ``reached``, ``spread_us``, ``patience_us``) and ``load``, messages per member and period.
    """

    def rules_of(self, world: Simulation) -> Rules:
        """Return what watches the members."""
        return SwimRules(world)

    def finish(self, plan: Plan, world: Simulation) -> str:
        """Look at what everybody believes, and at what it cost.

        Raises:
            RuleBroken: it is not so, or cost too much.
        """
        if isinstance(world.rules, SwimRules):
            world.rules.at_the_end()
        if spent := self.overspent(plan, world):
            raise RuleBroken(spent.rule, spent.why)
        return ""

    def overspent(self, plan: Plan, world: Simulation) -> Violation | None:
        """Blame too many messages for each member and period."""
        periods = max(world.time / plan.options["period_us"], 1)
        each = world.sent / plan.servers / periods
        if each <= plan.options["load"]:
            return None
        why = f"{each:.1f} messages per member and period; {plan.options['load']} are allowed"
        return Violation(LOAD, why, world.time, world.current)

    def figures(self, world: Simulation) -> dict[str, int]:
        """Return how many deaths were found out, and how often somebody alive was suspected."""
        rules = world.rules
        if not isinstance(rules, SwimRules):
            return {"operations": 0, "answered": 0}
        return {
            "operations": len(world.servers),
            "answered": len(rules.detected),
            "false suspicions": rules.false,
        }

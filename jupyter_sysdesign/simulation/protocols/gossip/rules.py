"""What a failure detector promises: to miss no death, and to declare nobody dead who lives.

No detector can promise both at all times (Chandra and Toueg, 1996). The rules ask for both where
the plan of a run makes both possible.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.simulation.context import DOWN
from jupyter_sysdesign.simulation.protocols.gossip.messages import ALIVE, DEAD, SUSPECT, SwimProbe
from jupyter_sysdesign.simulation.units import clock
from jupyter_sysdesign.simulation.verdict import MESSAGE_BUDGET, Rule, RuleBroken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_sysdesign.simulation.node import NodeId
    from jupyter_sysdesign.simulation.world import Simulation

PAPER = "SWIM (2002)"

COMPLETENESS = Rule(
    "completeness",
    "Every death is found out",
    f"{PAPER}, §2 and §4.3",
    "Who has crashed is known to be dead by everybody who lives, in bounded time.",
)
ACCURACY = Rule(
    "accuracy",
    "Nobody who lives is declared dead",
    f"{PAPER}, §2 and §4.2",
    "A slow member, or one behind a lossy network, can defend itself in time.",
)
REACHED = Rule(
    "reached",
    "One bad link is no reason to suspect",
    f"{PAPER}, §3.1",
    "Who can be reached by others is not suspected: they are asked first.",
)
DISSEMINATION = Rule(
    "dissemination",
    "News reaches everybody soon",
    f"{PAPER}, §4.1",
    "Once one member has declared a death, all know of it in a few periods times log n.",
)
REJOINED = Rule(
    "rejoined",
    "Who lives is alive for everybody again",
    f"this lab: unlike in {PAPER}, §4.2, the dead may come back",
    "After the last fault, whoever runs is known to be alive by all others.",
)
LOAD = Rule(
    MESSAGE_BUDGET.id,
    MESSAGE_BUDGET.title,
    f"{PAPER}, §1 and §3.1",
    "What a member sends in a period does not depend on how many members there are.",
)
PROBE = Rule(
    "probe",
    "The member shows its state",
    "the simulator",
    "probe() returns a SwimProbe, so that the rules can see the member.",
)

RULES = (COMPLETENESS, ACCURACY, REACHED, DISSEMINATION, REJOINED, LOAD, PROBE)

_STATUSES = frozenset({ALIVE, SUSPECT, DEAD})


class SwimRules:
    """Watches the members of one simulation.

    It also tells the simulation of each belief that changes (``suspected``, ``declared dead``,
    ``alive again``). What is asked for stands in the plan's options: ``accurate``, ``reached``,
    ``spread_us``.

    Attributes:
        false: how often somebody who lives was suspected.
        detected: member → when its death was first declared.
    """

    def __init__(self, world: Simulation) -> None:
        self._world = world
        self._options: Mapping[str, Any] = world.contexts[world.servers[0]].options
        self._beliefs: dict[NodeId, dict[NodeId, str]] = {name: {} for name in world.servers}
        self._starts: dict[NodeId, int] = dict.fromkeys(world.servers, 0)
        self.since: dict[NodeId, int] = dict.fromkeys(world.servers, 0)
        self.detected: dict[NodeId, int] = {}
        self.false = 0
        world.listeners.append(self.hear)

    def hear(self, kind: str, node: NodeId | None, _: Mapping[str, Any]) -> None:
        """Note when somebody dies or comes back."""
        if node is not None and kind in ("crashed", "restarted"):
            self.since[node] = self._world.time
            self.detected.pop(node, None)

    def observe(self, node: NodeId, probe: Any) -> None:
        """Compare what a member believes with what it believed, and with what is so.

        Raises:
            RuleBroken: a rule is broken.
        """
        if not isinstance(probe, SwimProbe) or not hasattr(probe.members, "items"):
            raise RuleBroken(PROBE, f"S{node} shows {probe!r}"[:120], node)
        starts = self._world.contexts[node].starts
        if self._starts[node] != starts:
            self._starts[node] = starts
            self._beliefs[node] = {}
        known = self._beliefs[node]
        if probe.members == known:
            return
        for member, status in probe.members.items():
            if known.get(member) != status:
                if status not in _STATUSES or member not in self._world.contexts:
                    raise RuleBroken(PROBE, f"S{node} takes {member!r} for {status!r}", node)
                self._look_at(node, member, status, known.get(member))
        self._beliefs[node] = dict(probe.members)

    def _look_at(self, node: NodeId, member: NodeId, status: str, before: str | None) -> None:
        world = self._world
        lives = world.contexts[member].state != DOWN
        if status == SUSPECT:
            self.false += lives
            words = f"suspects S{member}"
            world.happened("suspected", node, {"words": words, "notable": True})
            if lives and self._options.get("reached"):
                why = f"S{node} suspects S{member}, which lives and is reached by all others"
                raise RuleBroken(REACHED, why, node, member)
        elif status == DEAD:
            words = f"declares S{member} dead"
            world.happened("declared dead", node, {"words": words, "notable": True})
            if lives:
                self._look_at_mistake(node, member)
            else:
                self._look_at_spread(node, member)
        elif before in (SUSPECT, DEAD):
            words = f"takes S{member} for alive again"
            world.happened("alive again", node, {"words": words, "notable": True})

    def _look_at_mistake(self, node: NodeId, member: NodeId) -> None:
        # Old news may still be under way of one who has just come back.
        back_us = self._world.time - self.since[member]
        fresh = self._world.contexts[member].starts > 1 and back_us < self._options["patience_us"]
        if self._options.get("accurate") and not fresh:
            why = f"S{node} declares S{member} dead, which lives"
            raise RuleBroken(ACCURACY, why, node, member)

    def _look_at_spread(self, node: NodeId, member: NodeId) -> None:
        now = self._world.time
        first = self.detected.setdefault(member, now)
        bound = self._options["spread_us"]
        if now - first > bound:
            why = (
                f"S{node} declares S{member} dead {clock(now - first)} after the first one did; "
                f"news needs at most {clock(bound)}"
            )
            raise RuleBroken(DISSEMINATION, why, node, member)

    def at_the_end(self) -> None:
        """Look at what everybody believes.

        Raises:
            RuleBroken: a death is not known, or somebody who lives is not taken for alive.
        """
        world, patience = self._world, self._options["patience_us"]
        for member, since in self.since.items():
            if world.time - since < patience:
                continue
            lives = world.contexts[member].state != DOWN
            for node in world.servers:
                probe = world.probe(node)
                if node == member or probe is None or world.time - self.since[node] < patience:
                    continue
                belief = probe.members.get(member)
                if not lives and belief != DEAD:
                    why = (
                        f"S{node} takes S{member} for {belief} at {clock(world.time)}; it crashed "
                        f"at {clock(since)}"
                    )
                    raise RuleBroken(COMPLETENESS, why, node, member)
                if lives and belief != ALIVE:
                    why = f"S{node} takes S{member} for {belief}, which lives and can be reached"
                    raise RuleBroken(REJOINED, why, node, member)

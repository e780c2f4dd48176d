"""Making the story of a broken rule small: fewer faults, fewer clients, fewer messages, sooner.

Every candidate is run; it is taken if the *same* rule still breaks. Zeller and Hildebrandt's ddmin
("Simplifying and Isolating Failure-Inducing Input", 2002) decides which parts to leave out.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from jupyter_sysdesign.simulation.faults import arm
from jupyter_sysdesign.simulation.play import play
from jupyter_sysdesign.simulation.trace import Trace
from jupyter_sysdesign.simulation.units import MS
from jupyter_sysdesign.simulation.verdict import (
    LIMITS,
    MESSAGE_BUDGET,
    PROGRESS,
    BudgetSpent,
    NodeFailed,
    Outcome,
    RuleBroken,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.faults import Fault, Trigger
    from jupyter_sysdesign.simulation.node import Node, NodeId
    from jupyter_sysdesign.simulation.plan import Plan
    from jupyter_sysdesign.simulation.play import Bench

T = TypeVar("T")

#: Losing messages breaks these by itself, and explains nothing.
_ABOUT_MESSAGES = frozenset({PROGRESS.id, MESSAGE_BUDGET.id, LIMITS.id})


class Minimiser:
    """Looks for a smaller plan that breaks the same rule.

    Args:
        plan: one that fails.
        server: makes each server.
        bench: of the protocol.
        runs: how many candidates may be run altogether.

    Attributes:
        plan: the smallest so far.
        outcome: what it comes to.
    """

    def __init__(
        self, plan: Plan, server: Callable[[Context], Node], bench: Bench, *, runs: int = 400
    ) -> None:
        self._server = server
        self._bench = bench
        self._left = runs
        self.plan = plan
        self.outcome = play(plan, server, bench)
        self._rule = self.outcome.violation.rule.id if self.outcome.violation else ""

    def minimise(self) -> Plan:
        """Return the smallest plan found; the plan itself if it does not fail."""
        if self.outcome.status != "failed":
            return self.plan
        self._shorten()
        self._unfold_triggers()
        self._drop_faults()
        self._drop_clients()
        self._shorten()
        if self._rule not in _ABOUT_MESSAGES:
            self._drop_messages()
            self._shorten()
        return self.plan

    def _takes(self, candidate: Plan) -> bool:
        """Run a candidate; take it if the same rule breaks."""
        if self._left <= 0:
            return False
        self._left -= 1
        outcome: Outcome = play(candidate, self._server, self._bench)
        broken = outcome.violation
        if outcome.status != "failed" or broken is None or broken.rule.id != self._rule:
            return False
        self.plan, self.outcome = candidate, outcome
        return True

    def _shorten(self) -> None:
        """End the run when the rule breaks; what only the end shows, may show earlier."""
        broken = self.outcome.violation
        if broken is None:
            return
        if broken.event and broken.at_us < self.plan.duration_us:
            self._takes(replace(self.plan, duration_us=broken.at_us))
        elif self._rule not in _ABOUT_MESSAGES:
            low, high = 0, self.plan.duration_us
            while high - low > high // 50 + 1 and self._left > 0:
                middle = (low + high) // 2
                if self._takes(replace(self.plan, duration_us=middle)):
                    high = middle
                else:
                    low = middle
        calm = self.plan.calm_us
        if calm is not None and calm > self.plan.duration_us:
            self._takes(replace(self.plan, calm_us=None))

    def _unfold_triggers(self) -> None:
        """Let what the triggers did happen by the clock: then each strike can go by itself."""
        if not self.plan.triggers:
            return
        world = self._bench.build(replace(self.plan, triggers=()), self._server)
        armed = arm(world, self.plan.triggers)
        with contextlib.suppress(RuleBroken, NodeFailed, BudgetSpent):
            world.start()
            world.run(self.plan.duration_us)
        strikes = [strike for each in armed for strike in each.strikes]
        faults = sorted((*self.plan.faults, *strikes), key=lambda each: each.at_us)
        # Each of them happens a moment later than it did, so the end may come later too.
        later = self.plan.duration_us + 1 * MS
        self._takes(replace(self.plan, triggers=(), faults=tuple(faults), duration_us=later))
        self._shorten()

    def _drop_faults(self) -> None:
        parts: list[tuple[str, Any]] = [
            *(("faults", each) for each in self.plan.faults),
            *(("triggers", each) for each in self.plan.triggers),
            *(("orders", each) for each in self.plan.orders),
        ]
        self._least(parts, self._with_faults)
        for number in range(len(self.plan.triggers)):
            self._strike_less(number)

    def _with_faults(self, parts: Sequence[tuple[str, Fault | Trigger | Any]]) -> Plan:
        chosen = {
            name: tuple(each for kind, each in parts if kind == name)
            for name in ("faults", "triggers", "orders")
        }
        return replace(self.plan, **chosen)  # type: ignore[arg-type]

    def _strike_less(self, number: int) -> None:
        """Let a trigger strike as seldom as will do."""
        for times in (1, 2, 3, 5, 8):
            trigger = self.plan.triggers[number]
            if times >= trigger.times:
                return
            triggers = list(self.plan.triggers)
            triggers[number] = replace(trigger, times=times)
            if self._takes(replace(self.plan, triggers=tuple(triggers))):
                return

    def _drop_clients(self) -> None:
        for clients in range(self.plan.workload.clients):
            workload = replace(self.plan.workload, clients=clients)
            if self._takes(replace(self.plan, workload=workload)):
                break
        for operations in (1, 2, 3, 5, 8, 13):
            workload = replace(self.plan.workload, operations=operations)
            if self._takes(replace(self.plan, workload=workload)):
                break

    def _drop_messages(self) -> None:
        trace = Trace()
        play(self.plan, self._server, self._bench, trace=trace)
        links: list[tuple[NodeId, NodeId, int]] = [
            (line["node"], line["dst"], line["number"])
            for line in trace.lines
            if line["kind"] == "send" and line["arrivals"]
        ]
        self._least(links, lambda kept: self._without(links, kept))

    def _without(
        self,
        links: Sequence[tuple[NodeId, NodeId, int]],
        kept: Sequence[tuple[NodeId, NodeId, int]],
    ) -> Plan:
        wanted = set(kept)
        return replace(self.plan, lost=tuple(each for each in links if each not in wanted))

    def _least(self, parts: list[T], plan: Callable[[Sequence[T]], Plan]) -> None:
        """Leave out as many parts as possible: ever smaller slices of them."""
        size = max(len(parts) // 2, 1)
        while parts and self._left > 0:
            start = 0
            while start < len(parts) and self._left > 0:
                fewer = parts[:start] + parts[start + size :]
                if self._takes(plan(fewer)):
                    parts = fewer
                else:
                    start += size
            if size == 1:
                return
            size = max(size // 2, 1)

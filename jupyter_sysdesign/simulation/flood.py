"""A flood: more messages than a plan allows for what came of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.simulation.verdict import MESSAGE_BUDGET, Violation

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.plan import Plan
    from jupyter_sysdesign.simulation.world import Simulation


def flood(plan: Plan, world: Simulation, count: int, what: str) -> Violation | None:
    """Blame too many messages for ``count`` of ``what``, where the plan has a bound for them."""
    bound, count = plan.messages_per_operation, max(count, 1)
    if not bound or world.sent <= bound * count:
        return None
    each = f"{world.sent / count:.1f} each; at most {bound:g} are allowed"
    why = f"{world.sent:,} messages for {count} {what}, {each}"
    return Violation(MESSAGE_BUDGET, why, world.time, world.current)

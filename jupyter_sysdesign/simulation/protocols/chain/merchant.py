"""A merchant decides how many confirmations it waits for: what a learner writes, and its judge."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, NamedTuple

from jupyter_sysdesign.simulation.judge.suite import Scenario, Suite
from jupyter_sysdesign.simulation.node import Node
from jupyter_sysdesign.simulation.plan import Plan
from jupyter_sysdesign.simulation.protocols.chain.messages import Answer, Payment
from jupyter_sysdesign.simulation.protocols.chain.race import needed, reversal
from jupyter_sysdesign.simulation.units import MS
from jupyter_sysdesign.simulation.verdict import Rule, RuleBroken
from jupyter_sysdesign.simulation.world import Simulation

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import NodeId
    from jupyter_sysdesign.simulation.world import Recorder

ENOUGH = Rule(
    "enough",
    "Enough confirmations, and no more",
    "Bitcoin (2008), §11",
    "The goods are handed over when an attacker's chance has fallen to the risk that the merchant "
    "takes, and not long after: honest customers wait for it.",
)


class _Asked(NamedTuple):
    payment: Payment
    answer: int | None


class Customer(Node):
    """Asks the merchant about one payment after another."""

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.asked: list[_Asked] = []

    def on_start(self) -> None:
        """Ask the first thing."""
        self.ctx.set_timer("ask", 1 * MS)

    def on_timer(self, name: str) -> None:
        """Ask the next thing."""
        del name
        payments = self.ctx.options["payments"]
        if len(self.asked) < len(payments):
            share, risk = payments[len(self.asked)]
            self.asked.append(_Asked(Payment(share, risk), None))
            self.ctx.send(1, self.asked[-1].payment)

    def on_message(self, src: NodeId, message: Answer) -> None:
        """Note the answer."""
        del src
        self.asked[-1] = _Asked(self.asked[-1].payment, message.confirmations)
        self.ctx.set_timer("ask", 1 * MS)


class Counter:
    """The bench: one merchant, one customer."""

    def build(
        self, plan: Plan, server: Callable[[Context], Node], *, recorder: Recorder | None = None
    ) -> Simulation:
        """Return the world of ``plan``, not yet started."""
        world = Simulation(plan.seed, network=plan.network, max_events=plan.max_events)
        world.recorder = recorder
        world.add(1, server)
        world.add("c1", Customer, peers=(1,), options=plan.options)
        return world

    def finish(self, plan: Plan, world: Simulation) -> str:
        """Look at the answers.

        Raises:
            RuleBroken: one of them is missing, takes too much of a risk, or is far too careful.
        """
        del plan
        for (share, risk), answer in _asked(world):
            least = needed(share, risk)
            if not isinstance(answer, int):
                why = f"no number came back for an attacker with {share:.0%} of the work"
                raise RuleBroken(ENOUGH, why, 1)
            if answer < least:
                why = (
                    f"after {answer} confirmations an attacker with {share:.0%} of the work still "
                    f"undoes a payment with a chance of {reversal(share, max(answer, 1)):.2%}; "
                    f"{risk:.2%} was the limit"
                )
                raise RuleBroken(ENOUGH, why, 1)
            if answer > 1.25 * least + 2:
                why = (
                    f"for an attacker with {share:.0%} and a risk of {risk:.2%}, {least} are "
                    f"enough; {answer} let everybody wait"
                )
                raise RuleBroken(ENOUGH, why, 1)
        return ""

    def overspent(self, plan: Plan, world: Simulation) -> None:
        """Blame nobody."""
        del plan, world

    def figures(self, world: Simulation) -> dict[str, int]:
        """Return how much was asked and answered."""
        asked = _asked(world)
        return {
            "operations": len(asked),
            "answered": sum(each.answer is not None for each in asked),
        }


def _asked(world: Simulation) -> list[_Asked]:
    customer = world.contexts["c1"].node
    return customer.asked if isinstance(customer, Customer) else []


def _payments(seed: int) -> Plan:
    random = Random(f"{seed}/payments")
    payments = [
        [round(0.02 + random.random() * 0.16, 2), 10 ** -(1 + int(random.random() * 3))]
        for _ in range(4)
    ]
    return Plan(seed, servers=1, duration_us=1000 * MS, options={"payments": payments})


MERCHANT = Suite(
    "merchant",
    Counter(),
    (Scenario("payments", "Attackers and risks of all sizes.", 10, _payments),),
)

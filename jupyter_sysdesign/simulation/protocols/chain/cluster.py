"""A network of miners, one of whom may attack, and the promise that is at stake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.simulation.clients import Workload
from jupyter_sysdesign.simulation.judge.suite import Scenario, Suite
from jupyter_sysdesign.simulation.plan import Plan
from jupyter_sysdesign.simulation.protocols.chain.miner import Attacker
from jupyter_sysdesign.simulation.protocols.raft import cluster as raft
from jupyter_sysdesign.simulation.units import MS, S
from jupyter_sysdesign.simulation.verdict import Rule, RuleBroken

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import Node, NodeId
    from jupyter_sysdesign.simulation.world import Recorder, Rules, Simulation

FINALITY = Rule(
    "finality",
    "What is confirmed stays",
    "Bitcoin (2008), §11",
    "A payment with as many confirmations as its merchant waits for is not undone. No chain can "
    "promise that; it only becomes less likely with each block.",
)


class ChainRules:
    """Watches the honest miners: what one of them saw confirmed must stay in its chain.

    It also tells the simulation of each block (``block``) and each change of chains (``switched``).
    """

    def __init__(self, world: Simulation) -> None:
        self._world = world
        options = world.contexts[world.servers[0]].options
        self._attackers = {int(each) for each in options.get("attackers", ())}
        self._wanted: int = options["confirmations"]
        self._chains: dict[NodeId, list[str]] = {name: [] for name in world.servers}

    def observe(self, node: NodeId, probe: Any) -> None:
        """Look whether a miner has gone over to another chain.

        Raises:
            RuleBroken: a confirmed block is gone.
        """
        old, new = self._chains[node], probe.blocks
        if node in self._attackers or new == old:
            return
        self._chains[node] = list(new)
        pairs = enumerate(zip(old, new, strict=False))
        same = next((at for at, (one, other) in pairs if one != other), len(old))
        undone = len(old) - same
        if undone == 0:
            words = f"builds on block {new[-1]}, height {len(new)}"
            self._world.happened("block", node, {"words": words})
            return
        words = f"goes over to another chain and drops {undone} blocks"
        self._world.happened("switched", node, {"words": words, "notable": True})
        if undone >= self._wanted:
            raise RuleBroken(
                FINALITY,
                f"block {old[same]} had {undone} confirmations at S{node}, and is undone",
                node,
            )


class Network(raft.Cluster):
    """The bench miners are tried out on. There are no clients: blocks are all there is.

    ``plan.options``: ``shares`` of the work by server, ``interval_us`` between two blocks of all
    together, ``confirmations`` that a merchant waits for, ``attackers`` (servers), and how far one
    may fall behind before it begins anew (``patience``, in blocks).
    """

    def rules_of(self, world: Simulation) -> Rules:
        """Return what watches the honest miners."""
        return ChainRules(world)

    def build(
        self,
        plan: Plan,
        server: Callable[[Context], Node],
        *,
        recorder: Recorder | None = None,
        rules: bool = True,
    ) -> Simulation:
        """Return a simulation in which ``server`` makes all that do not attack."""
        attackers = {str(each) for each in plan.options.get("attackers", ())}

        def made(ctx: Context) -> Node:
            return Attacker(ctx) if str(ctx.id) in attackers else server(ctx)

        return super().build(plan, made, recorder=recorder, rules=rules)

    def finish(self, plan: Plan, world: Simulation) -> str:
        """Ask for nothing more: whether a chain holds is a matter of luck."""
        del plan, world
        return ""


def attack(
    seed: int, share: float, confirmations: int, *, servers: int = 5, seconds: float = 60.0
) -> Plan:
    """Return a run in which S1 attacks with a share of the work; the others have the rest.

    A block is found every second, and a message takes 1 to 10 ms: forks by themselves are rare.
    """
    rest = (1.0 - share) / (servers - 1)
    shares = {str(name): rest for name in range(2, servers + 1)}
    return Plan(
        seed,
        servers=servers,
        duration_us=round(seconds * S),
        workload=Workload(clients=0),
        options={
            "shares": {"1": share, **shares},
            "interval_us": 1000 * MS,
            "confirmations": confirmations,
            "attackers": ["1"] if share > 0 else [],
            "patience": confirmations + 4,
        },
    )


def _ten_percent(seed: int) -> Plan:
    return attack(seed, 0.1, 6)


#: Not to judge anybody by: to watch.
CHAIN = Suite("chain", Network(), (Scenario("attack", "A tenth of the work.", 0, _ten_percent),))

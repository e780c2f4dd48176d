"""A quorum store in the simulator: servers, clients beside them, and what they must be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.simulation.checkers import linearizability
from jupyter_sysdesign.simulation.checkers.history import History, Operation
from jupyter_sysdesign.simulation.checkers.judgement import Budget
from jupyter_sysdesign.simulation.checkers.specifications import Register
from jupyter_sysdesign.simulation.flood import flood
from jupyter_sysdesign.simulation.narration import name
from jupyter_sysdesign.simulation.protocols.quorum.caller import Caller, Made
from jupyter_sysdesign.simulation.protocols.quorum.messages import EMPTY, NOTHING
from jupyter_sysdesign.simulation.protocols.quorum.policy import of_key, ring
from jupyter_sysdesign.simulation.protocols.quorum.rules import (
    AVAILABLE,
    CONVERGENCE,
    DURABLE,
    StoreRules,
)
from jupyter_sysdesign.simulation.staging import befall, empty_world
from jupyter_sysdesign.simulation.units import MS, clock
from jupyter_sysdesign.simulation.verdict import (
    LINEARIZABILITY,
    PROGRESS,
    RuleBroken,
    Violation,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import Node, NodeId
    from jupyter_sysdesign.simulation.plan import Plan
    from jupyter_sysdesign.simulation.protocols.quorum.policy import Policy
    from jupyter_sysdesign.simulation.world import Recorder, Simulation

#: After the last fault a server may wait so long for answers that were lost.
_SETTLE_US = 500 * MS


class QuorumCluster:
    """The bench the quorum store is tried out on.

    ``plan.options`` may have

    - ``policy``, and ``policies`` for single keys: see ``Policy``;
    - ``keys``: their names, else ``k0``, ``k1``, … as many as the workload has;
    - ``linearizable``: keys that must be, or ``"*"``;
    - ``available``: keys that must always be answered, or ``"*"``;
    - ``anti_entropy``: false leaves the Merkle trees out.
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
        keys = keys_of(plan)
        options = {**plan.options, "keys": keys, "servers": everyone, "workload": plan.workload}
        for each in everyone:
            peers = tuple(other for other in everyone if other != each)
            world.add(each, server, peers=peers, options=options)
        for number in range(1, plan.workload.clients + 1):
            own = {**options, "home": number - 1}
            world.add(f"c{number}", Caller, peers=everyone, options=own)
        world.rules = StoreRules(world, {key: of_key(key, plan.options) for key in keys})
        befall(world, plan)
        return world

    def finish(self, plan: Plan, world: Simulation) -> str:
        """Look at what the clients were told, and at the copies in the end.

        Raises:
            RuleBroken: a promise was not kept.
        """
        calls = made(world)
        keys = keys_of(plan)
        _available(calls, _chosen(plan, "available", keys))
        unsure = _linearizable(world, _chosen(plan, "linearizable", keys))
        if plan.calm_us is not None:
            _progress(plan, calls)
            for key in keys:
                _converged(world, key, of_key(key, plan.options), calls)
        if spent := self.overspent(plan, world):
            raise RuleBroken(spent.rule, spent.why)
        return unsure

    def overspent(self, plan: Plan, world: Simulation) -> Violation | None:
        """Blame too many messages, where the plan has a bound for them."""
        return flood(plan, world, len(made(world)), "calls")

    def figures(self, world: Simulation) -> dict[str, int]:
        """Return how many calls there were, and how they ended."""
        calls = made(world)
        return {
            "operations": len(calls),
            "answered": sum(each.ok is True for each in calls),
            "refused": sum(each.ok is False for each in calls),
            "silent": sum(each.ok is None for each in calls),
        }


def keys_of(plan: Plan) -> tuple[str, ...]:
    """Return the keys of a run."""
    named = plan.options.get("keys")
    return tuple(named) if named else tuple(f"k{number}" for number in range(plan.workload.keys))


def _chosen(plan: Plan, option: str, keys: Sequence[str]) -> frozenset[str]:
    wanted = plan.options.get(option, ())
    return frozenset(keys if wanted == "*" else wanted)


def made(world: Simulation) -> list[Made]:
    """Return what all clients did and were told, without what they wait for at the end."""
    return [
        each
        for ctx in world.contexts.values()
        if isinstance(ctx.node, Caller)
        for each in ctx.node.made
    ]


def history(world: Simulation, keys: Iterable[str] | None = None) -> History:
    """Return what the clients saw, for the checkers; of some keys, or of all."""
    nodes: list[Any] = [ctx.node for ctx in world.contexts.values()]
    waiting = [node.unanswered() for node in nodes if isinstance(node, Caller)]
    # A read that nobody answered yet says nothing.
    open_ones = [
        _operation(each, still=True)
        for each in waiting
        if each is not None and each.kind == "write"
    ]
    wanted = None if keys is None else frozenset(keys)
    every = [*(_operation(each) for each in made(world)), *open_ones]
    return History(each for each in every if wanted is None or each.key in wanted)


def _operation(call: Made, *, still: bool = False) -> Operation:
    """Return one call as a checker wants it: who was not told so does not know of its write."""
    not_told = "info" if call.kind == "write" else "fail"
    return Operation(
        client=call.client,
        kind=call.kind,
        key=call.key,
        value=call.value,
        result=call.result if call.ok else None,
        invoked=call.invoked_us,
        returned=None if still else call.returned_us,
        status="ok" if call.ok else not_told,  # type: ignore[arg-type]
    )


def _linearizable(world: Simulation, keys: frozenset[str]) -> str:
    judgement = linearizability.check(history(world, keys), Register(), Budget(100_000, None))
    if judgement.failed:
        raise RuleBroken(LINEARIZABILITY, judgement.why)
    return judgement.why if judgement.status == "unknown" else ""


def _available(calls: list[Made], keys: frozenset[str]) -> None:
    for each in calls:
        if each.key in keys and each.ok is False:
            why = (
                f"{each.client} was refused a {each.kind} of {each.key} at "
                f"{clock(each.returned_us)}, because too few servers answered"
            )
            raise RuleBroken(AVAILABLE, why, each.client)


def _progress(plan: Plan, calls: list[Made]) -> None:
    calm = (plan.calm_us or 0) + _SETTLE_US
    late = [each for each in calls if each.invoked_us > calm]
    for each in late:
        if not each.ok:
            why = (
                f"{each.client} got no answer to its {each.kind} of {each.key} at "
                f"{clock(each.invoked_us)}, though all was well since {clock(plan.calm_us or 0)}"
            )
            raise RuleBroken(PROGRESS, why, each.client)
    if not late and plan.workload.clients and not plan.workload.operations:
        raise RuleBroken(PROGRESS, "nobody asked for anything after the last fault")


def _converged(world: Simulation, key: str, policy: Policy, calls: list[Made]) -> None:
    """Compare all copies of a key with each other, and with what was acknowledged."""
    owners = ring(key, world.servers)[: policy.n]
    copies = {each: dict(world.probe(each).copies).get(key, EMPTY) for each in owners}
    first = copies[owners[0]]
    recent = world.time - 2 * _SETTLE_US
    if any(
        each.key == key and each.kind == "write" and each.returned_us > recent for each in calls
    ):
        # It is written to until the end: the last writes may be on their way.
        return
    for server, copy in copies.items():
        if copy != first:
            others = f"{name(owners[0])} {first.value!r}"
            why = f"{name(server)} has {copy.value!r} for {key}, and {others}"
            raise RuleBroken(CONVERGENCE, why, server, owners[0])
    _nothing_lost(world, key, policy, calls)


def _nothing_lost(world: Simulation, key: str, policy: Policy, calls: list[Made]) -> None:
    rules = world.rules
    if not isinstance(rules, StoreRules):
        raise TypeError("this is no simulation of a quorum store")
    owner = ring(key, world.servers)[0]
    last = dict(world.probe(owner).copies).get(key, EMPTY)
    versions: Mapping[tuple[str, Any], Any] = rules.versions
    for each in calls:
        if each.key != key or each.kind != "write" or not each.ok:
            continue
        if policy.merge == "union":
            lost = not set(each.value) <= set(last.value or ())
        else:
            # One that nobody ever had came too late: a newer one was there already.
            lost = versions.get((key, each.value), NOTHING) > last.version
        if lost:
            why = (
                f"{each.client} wrote {each.value!r} to {key}, and in the end it is {last.value!r}"
            )
            raise RuleBroken(DURABLE, why, owner)

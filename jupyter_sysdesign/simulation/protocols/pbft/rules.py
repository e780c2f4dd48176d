"""What must hold of all replicas that do not lie, looked at after every event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.simulation import verdict
from jupyter_sysdesign.simulation.clients import Client, Request
from jupyter_sysdesign.simulation.protocols.pbft.messages import PbftProbe
from jupyter_sysdesign.simulation.verdict import Rule, RuleBroken

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.node import NodeId
    from jupyter_sysdesign.simulation.world import Simulation

PAPER = "Practical Byzantine Fault Tolerance"

AGREEMENT = Rule(
    "agreement",
    "Honest replicas agree",
    f"{PAPER}, §4.5.1",
    "No two replicas that do not lie carry out different requests under one number.",
)
EXECUTED_KEPT = Rule(
    "executed-kept",
    "What is carried out stays",
    f"{PAPER}, §4.2",
    "A replica never takes back or changes what it has carried out.",
)
REQUESTED = Rule(
    "requested",
    "Only what clients asked for is carried out",
    f"{PAPER}, §4.1 and §4.2",
    "No liar can make the others carry out a request that no client has made.",
)
PROGRESS = Rule(
    verdict.PROGRESS.id,
    verdict.PROGRESS.title,
    f"{PAPER}, §4.5.2",
    "Once messages arrive in time, clients are answered, whatever up to f liars do.",
)
MESSAGE_BUDGET = Rule(
    verdict.MESSAGE_BUDGET.id,
    verdict.MESSAGE_BUDGET.title,
    f"{PAPER}, §4.2",
    "A request costs two rounds of everybody to everybody, and not a flood.",
)
PROBE = Rule(
    "probe",
    "The replica shows its state",
    "the simulator",
    "probe() returns a PbftProbe, so that the rules can see the replica.",
)

RULES = (AGREEMENT, EXECUTED_KEPT, REQUESTED, PROGRESS, MESSAGE_BUDGET, PROBE)


_OWN = {each.id: each for each in RULES}


def in_own_words(broken: RuleBroken) -> RuleBroken:
    """Return what broke with the paper's own rule in the place of Raft's of the same name."""
    return RuleBroken(_OWN.get(broken.rule.id, broken.rule), broken.why, *broken.nodes)


class PbftRules:
    """Watches the honest servers of one simulation; the liars may show what they like.

    It also tells the simulation what it saw change (``executed``, ``view``).
    """

    def __init__(self, world: Simulation) -> None:
        self._world = world
        self._liars = {
            name
            for name in world.servers
            if str(name) in world.contexts[name].options.get("liars", {})
        }
        self._seen: dict[NodeId, list[Any]] = {name: [] for name in world.servers}
        self._views: dict[NodeId, int] = dict.fromkeys(world.servers, 0)
        self._order: list[tuple[Any, NodeId]] = []

    @property
    def committed(self) -> int:
        """How many numbers at least one honest replica has carried out."""
        return len(self._order)

    def observe(self, node: NodeId, probe: Any) -> None:
        """Compare an honest replica with what it was, and with the others.

        Raises:
            RuleBroken: a rule is broken.
        """
        if node in self._liars:
            return
        if not isinstance(probe, PbftProbe) or not isinstance(probe.executed, list):
            raise RuleBroken(PROBE, f"S{node} shows {probe!r}"[:120], node)
        _, view, executed = probe
        if view != self._views[node]:
            self._views[node] = view
            self._world.happened("view", node, {"words": f"is for view {view}", "notable": True})
        seen = self._seen[node]
        if len(executed) == len(seen) and (not seen or executed[-1] == seen[-1]):
            return
        if executed[: len(seen)] != seen:
            raise RuleBroken(EXECUTED_KEPT, f"S{node} changed what it had carried out", node)
        for request in executed[len(seen) :]:
            seen.append(request)
            self._look_at(node, len(seen), request)

    def _look_at(self, node: NodeId, number: int, request: Any) -> None:
        if request is not None and not self._was_asked(request):
            why = f"S{node} carries out {told(request)}, which no client asked for"
            raise RuleBroken(REQUESTED, why, node)
        if number > len(self._order):
            self._order.append((request, node))
        first, who = self._order[number - 1]
        if first != request:
            why = (
                f"S{who} carries out {told(first)} as number {number}, S{node} {told(request)}: "
                "neither of them lies"
            )
            raise RuleBroken(AGREEMENT, why, who, node)
        words = f"carries out {told(request)} as number {number}"
        self._world.happened("executed", node, {"number": number, "words": words, "notable": True})

    def _was_asked(self, request: Any) -> bool:
        if not isinstance(request, Request) or request.client not in self._world.contexts:
            return False
        client = self._world.contexts[request.client].node
        if not isinstance(client, Client):
            return True
        waiting = client.waiting
        return request == waiting or any(
            (each.op, each.key, each.value) == (request.op, request.key, request.value)
            for each in client.done
        )


def told(request: Any) -> str:
    """Return a request as a reader is told it."""
    if request is None:
        return "nothing"
    op = getattr(request, "op", None)
    if op is None:
        return repr(request)[:80]
    return f"“{op} {request.key} {request.value or ''}”".replace(" ”", "”")

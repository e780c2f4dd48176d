"""What must always hold of copies, looked at after every event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.simulation.narration import name
from jupyter_sysdesign.simulation.verdict import Rule, RuleBroken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_sysdesign.simulation.node import NodeId
    from jupyter_sysdesign.simulation.protocols.quorum.messages import Copy, Version
    from jupyter_sysdesign.simulation.protocols.quorum.policy import Policy
    from jupyter_sysdesign.simulation.world import Simulation

COPY_KEPT = Rule(
    "copy-kept",
    "A copy never goes back",
    "ABD; Dynamo, §4.4",
    "A server replaces a copy only by a newer one, and still has it after a restart.",
)
ONE_VALUE = Rule(
    "one-value",
    "A version has one value",
    "ABD (labels); Lamport (1978)",
    "Two writes never have the same version.",
)
DURABLE = Rule(
    "durable",
    "What was acknowledged is not lost",
    "Gifford (1979); Dynamo, §4.5",
    "In the end every owner of a key has each acknowledged write, or a newer one.",
)
CONVERGENCE = Rule(
    "convergence",
    "Copies become the same",
    "Dynamo, §4.6 and §4.7",
    "When nothing fails any more, all owners of a key come to have the same copy.",
)
AVAILABLE = Rule(
    "available",
    "Every request is answered",
    "Gilbert and Lynch (2002), §2.2",
    "A server that runs answers what it is asked, whomever it can reach.",
)
PROBE = Rule(
    "probe",
    "The server shows its state",
    "the simulator",
    "probe() returns a StoreProbe, so that the rules can see the server.",
)

RULES = (COPY_KEPT, ONE_VALUE, DURABLE, CONVERGENCE, AVAILABLE, PROBE)


class StoreRules:
    """Watches the servers of one simulation.

    It also tells the simulation of every new copy (``stored``): triggers and traces live on that.

    Attributes:
        versions: (key, value) → the version of that write, as soon as one server has it.
    """

    def __init__(self, world: Simulation, policies: Mapping[str, Policy]) -> None:
        self._world = world
        self._policies = policies
        self._seen: dict[NodeId, dict[str, Copy]] = {each: {} for each in world.servers}
        self._values: dict[tuple[str, Version], Any] = {}
        self.versions: dict[tuple[str, Any], Version] = {}

    def observe(self, node: NodeId, probe: Any) -> None:
        """Compare a server with what it was, and with all others.

        Raises:
            RuleBroken: a rule is broken.
        """
        try:
            _, copies, _ = probe
            now = dict(copies)
        except (TypeError, ValueError):
            raise RuleBroken(PROBE, f"{name(node)} shows {probe!r:.80}", node) from None
        seen = self._seen[node]
        if now == seen:
            return
        self._seen[node] = now
        for key in sorted({*now, *seen}):
            if now.get(key) != seen.get(key):
                self._look(node, key, seen.get(key), now.get(key))

    def _look(self, node: NodeId, key: str, before: Copy | None, now: Copy | None) -> None:
        if now is None or (before is not None and now.version < before.version):
            had, has = _value(before), _value(now)
            raise RuleBroken(COPY_KEPT, f"{name(node)} had {had} for {key}, and now {has}", node)
        if self._policies[key].merge == "last":
            first = self._values.setdefault((key, now.version), now.value)
            if first != now.value:
                why = f"{_value(now)} and {first!r} have the same version of {key}"
                raise RuleBroken(ONE_VALUE, why, node)
            self.versions.setdefault((key, now.value), now.version)
        words = f"has {_value(now)} for {key}"
        self._world.happened("stored", node, {"key": key, "words": words})

    def copy(self, node: NodeId, key: str) -> Copy | None:
        """Return what a server last showed of a key."""
        return self._seen[node].get(key)


def _value(copy: Copy | None) -> str:
    return "nothing" if copy is None else repr(copy.value)

"""Every stamp, held against what really happened before what.

The world numbers the events and knows which of them sent a message, so the rules know the relation
itself, whatever the clocks and the processes say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.simulation.protocols.clocks import VectorClock
from jupyter_sysdesign.simulation.protocols.timekeeping.frame import Act, ClockProbe, Question
from jupyter_sysdesign.simulation.verdict import Rule, RuleBroken

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.node import NodeId
    from jupyter_sysdesign.simulation.world import Simulation

CLOCK_CONDITION = Rule(
    "clock-condition",
    "The Clock Condition",
    "Lamport (1978), Implementing clocks",
    "If one event happened before another, its time is the smaller one.",
)
VECTOR_CONDITION = Rule(
    "vector-condition",
    "Vectors tell the whole truth",
    "Mattern (1988), Theorem 10",
    "One vector is below another if and only if its event happened before the other's.",
)
COMPARED = Rule(
    "compared",
    "Two vectors are compared rightly",
    "Mattern (1988), Definition 7",
    "Below in some entries and above in none is before; below in some and above in some is "
    "concurrent. An entry that is missing is 0.",
)
SENT = Rule(
    "sent",
    "What is to be sent is sent",
    "the simulator",
    "Who is told to send a message sends it: without messages there is nothing to order.",
)
PROBE = Rule(
    "probe",
    "The process shows its stamps",
    "the simulator",
    "lamport is a whole number, vector a dictionary from processes to whole numbers.",
)

RULES = (CLOCK_CONDITION, VECTOR_CONDITION, COMPARED, SENT, PROBE)


class ClockRules:
    """Watches the processes of one simulation; which clocks count says the plan (``clocks``).

    Attributes:
        stamps: event → process, Lamport time, vector.
    """

    def __init__(self, world: Simulation) -> None:
        self._world = world
        options = world.contexts[world.servers[0]].options
        self._clocks = frozenset(options.get("clocks", ("lamport", "vector")))
        self.stamps: dict[int, tuple[NodeId, int, VectorClock]] = {}
        self._before: dict[int, frozenset[int]] = {}
        self._last: dict[NodeId, int] = {}

    @property
    def committed(self) -> int:
        """How many events were stamped."""
        return len(self.stamps)

    def observe(self, node: NodeId, probe: Any) -> None:
        """Hold the stamps of a process's last event against those of all events before.

        Raises:
            RuleBroken: they say something else than what happened.
        """
        if not _is_probe(probe):
            raise RuleBroken(PROBE, f"S{node} shows {probe!r}"[:160], node)
        event = self._world.event
        if event is None or event[2] != node:
            return  # It starts.
        _, number, _, src, message, cause = event
        if isinstance(message, Question):
            self._look_at_answer(node, probe, message)
            return
        if isinstance(message, Act) and message.to is not None:
            self._look_for_message(node, message.to)
        direct = [self._last[node]] if node in self._last else []
        if src in self._world.servers:
            direct.append(cause)
        before = frozenset(direct).union(*(self._before.get(each, ()) for each in direct))
        vector = VectorClock({str(name): count for name, count in probe.vector.items()})
        for other, (who, time, known) in self.stamps.items():
            happened = other in before
            if happened and "lamport" in self._clocks and time >= probe.lamport:
                why = f"time {time} at S{who} happened before time {probe.lamport} at S{node}"
                raise RuleBroken(CLOCK_CONDITION, why, who, node)
            if "vector" in self._clocks and (known.compare(vector).value == "before") != happened:
                raise RuleBroken(
                    VECTOR_CONDITION,
                    f"{_told(known)} of S{who} {_relation(happened)} {_told(vector)} of S{node}, "
                    f"and the vectors say {known.compare(vector).value}",
                    who,
                    node,
                )
        self.stamps[number] = (node, probe.lamport, vector)
        self._before[number] = before
        self._last[node] = number
        words = f"stamps an event {probe.lamport}, {_told(vector)}"
        self._world.happened("stamped", node, {"words": words, "notable": True})

    def _look_for_message(self, node: NodeId, to: NodeId) -> None:
        world = self._world
        if world.links.lost or world.links.is_cut(node, to):
            return
        if not any(
            each[2] == to and each[3] == node and each[5] == world.current for each in world.heap
        ):
            raise RuleBroken(SENT, f"S{node} was to send S{to} a message, and did not", node, to)

    def _look_at_answer(self, node: NodeId, probe: ClockProbe, asked: Question) -> None:
        one, other = (
            VectorClock({str(name): count for name, count in each.items()}) for each in asked
        )
        right = one.compare(other).value
        if "vector" in self._clocks and probe.answer != right:
            why = f"S{node} calls {_told(one)} and {_told(other)} {probe.answer!r}; it is {right!r}"
            raise RuleBroken(COMPARED, why, node)


def _is_probe(probe: Any) -> bool:
    if not isinstance(probe, ClockProbe) or not isinstance(probe.vector, dict):
        return False
    counts = (probe.lamport, *probe.vector.values(), *probe.vector)
    return all(type(each) is int for each in counts)


def _relation(happened: bool) -> str:
    return "happened before" if happened else "did not happen before"


def _told(vector: VectorClock) -> str:
    return "[" + " ".join(f"S{node}:{n}" for node, n in sorted(vector.events.items())) + "]"

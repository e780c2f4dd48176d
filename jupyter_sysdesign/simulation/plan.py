"""A plan: everything a run depends on except the protocol's code, as data.

The same plan with the same code gives the same run, event for event. Plans are kept as JSON: the
one that shows a bug is its regression test.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.simulation.clients import Workload
from jupyter_sysdesign.simulation.faults import Fault, Trigger
from jupyter_sysdesign.simulation.network import Network
from jupyter_sysdesign.simulation.units import S

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_sysdesign.simulation.node import NodeId


@dataclass(frozen=True)
class Plan:
    """One run.

    Attributes:
        seed: of every stream of chance.
        servers: how many start as members.
        spares: how many more run, and may be added.
        duration_us: when the run ends.
        calm_us: when every fault ends; None for never. From then on there must be progress.
        network: its conditions at first, and once it is calm.
        workload: what the clients do.
        faults: what goes wrong, when.
        triggers: what goes wrong, on which occasion.
        orders: what the operator orders: ``(at_us, "add" or "remove", server)``.
        options: what servers are told, such as ``snapshot_every``.
        in_flight_dies: see ``Simulation``.
        lost: messages that are lost in any case: ``(src, dst, n)``, the n-th on that link.
        messages_per_operation: servers may send no more than that per finished operation; 0 is no
            bound.
        max_events: more make the outcome unknown.
    """

    seed: int
    servers: int = 5
    spares: int = 0
    duration_us: int = 10 * S
    calm_us: int | None = None
    network: Network = field(default_factory=Network)
    workload: Workload = field(default_factory=Workload)
    faults: tuple[Fault, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    orders: tuple[tuple[int, str, int], ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    in_flight_dies: bool = True
    lost: tuple[tuple[NodeId, NodeId, int], ...] = ()
    messages_per_operation: float = 0.0
    max_events: int = 50_000

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values; what is as usual is left out."""
        document = _without_usual(self)
        for name in ("network", "workload"):
            if name in document:
                document[name] = _without_usual(document[name])
        for name in ("faults", "triggers"):
            if name in document:
                document[name] = [_struck(each) for each in document[name]]
        for name in ("orders", "lost"):
            if name in document:
                document[name] = [list(each) for each in document[name]]
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Plan:
        """Return the plan that ``as_json`` wrote.

        Raises:
            InvalidRequestError: it is none.
        """
        try:
            given = dict(document)
            given["network"] = Network(**given.get("network", {}))
            given["workload"] = Workload(**given.get("workload", {}))
            given["faults"] = tuple(Fault(**each) for each in given.get("faults", ()))
            given["triggers"] = tuple(_trigger(each) for each in given.get("triggers", ()))
            for name in ("orders", "lost"):
                given[name] = tuple(tuple(each) for each in given.get(name, ()))
            return cls(**given)
        except (TypeError, ValueError, AttributeError) as error:
            raise InvalidRequestError(f"this is no plan of a run: {error}") from error


def _without_usual(value: Any) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for each in dataclasses.fields(value):
        content = getattr(value, each.name)
        usual = each.default
        if each.default_factory is not dataclasses.MISSING:
            usual = each.default_factory()
        if content != usual:
            shown[each.name] = dict(content) if each.name in ("options", "arguments") else content
    return shown


def _struck(value: Fault | Trigger) -> dict[str, Any]:
    shown = _without_usual(value)
    if "then" in shown:
        shown["then"] = [_without_usual(each) for each in shown["then"]]
    return shown


def _trigger(document: Mapping[str, Any]) -> Trigger:
    given = dict(document)
    given["then"] = tuple(Fault(**each) for each in given["then"])
    return Trigger(**given)

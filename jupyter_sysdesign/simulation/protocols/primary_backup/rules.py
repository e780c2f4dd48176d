"""What must always hold of a primary and its backup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.simulation.narration import name
from jupyter_sysdesign.simulation.protocols.primary_backup.messages import PrimaryProbe
from jupyter_sysdesign.simulation.verdict import Rule, RuleBroken

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.node import NodeId
    from jupyter_sysdesign.simulation.world import Simulation

ONE_PRIMARY = Rule(
    "one-primary",
    "One primary in a view (Pb1)",
    "Budhiraja and others (1993)",
    "Of one view, one server at most is the primary.",
)
BACKUP_FIRST = Rule(
    "backup-first",
    "The backup knows first",
    "Alsberg and Day (1976); Budhiraja and others (1993), the protocol",
    "A primary has done nothing that its backup in the same view has not done.",
)
NOTHING_FORGOTTEN = Rule(
    "nothing-forgotten",
    "The next primary has it all",
    "Budhiraja and others (1993), Pb4",
    "Whatever a primary did, the primary of every later view has done, too.",
)
PROBE = Rule(
    "probe",
    "The server shows its state",
    "the simulator",
    "probe() returns a PrimaryProbe, so that the rules can see the server.",
)

RULES = (ONE_PRIMARY, BACKUP_FIRST, NOTHING_FORGOTTEN, PROBE)


class PrimaryRules:
    """Watches the servers of one simulation.

    It also tells the simulation who takes which part (``primary``, ``backup``).
    """

    def __init__(self, world: Simulation) -> None:
        self._world = world
        self._seen: dict[NodeId, PrimaryProbe] = {}
        self._primaries: dict[int, NodeId] = {}
        #: client → the last of its operations that a primary has done, and in which view.
        self._done: dict[NodeId, tuple[int, int]] = {}

    def observe(self, node: NodeId, probe: Any) -> None:
        """Compare a server with what it was, and with all others.

        Raises:
            RuleBroken: a rule is broken.
        """
        if probe == self._seen.get(node):
            return
        if not isinstance(probe, PrimaryProbe):
            raise RuleBroken(PROBE, f"{name(node)} shows {probe!r:.80}", node)
        before = self._seen.get(node)
        self._seen[node] = probe
        changed = before is None or (before.role, before.view) != (probe.role, probe.view)
        if changed and probe.role != "idle":
            words = f"is {probe.role} of view {probe.view}"
            told = {"view": probe.view, "words": words, "notable": True}
            self._world.happened(probe.role, node, told)
        if probe.role != "primary":
            return
        first = self._primaries.setdefault(probe.view, node)
        if first != node:
            why = f"{name(first)} and {name(node)} are both primary of view {probe.view}"
            raise RuleBroken(ONE_PRIMARY, why, first, node)
        done: dict[NodeId, int] = dict(probe.done)
        self._has_all(node, probe, done)
        self._backup_has(node, probe, done)
        for client, serial in done.items():
            if serial > self._done.get(client, (0, 0))[0]:
                self._done[client] = (serial, probe.view)

    def _has_all(self, node: NodeId, probe: PrimaryProbe, done: dict[NodeId, int]) -> None:
        for client, (serial, view) in self._done.items():
            if view < probe.view and done.get(client, 0) < serial:
                why = (
                    f"{name(node)}, primary of view {probe.view}, does not know operation {serial} "
                    f"of {client}, which was done in view {view}"
                )
                raise RuleBroken(NOTHING_FORGOTTEN, why, node)

    def _backup_has(self, node: NodeId, probe: PrimaryProbe, done: dict[NodeId, int]) -> None:
        for other, shown in self._seen.items():
            if shown.role != "backup" or shown.view != probe.view or not shown.synced:
                continue
            if self._world.contexts[other].node is None:
                continue
            known: dict[NodeId, int] = dict(shown.done)
            for client, serial in done.items():
                if known.get(client, 0) < serial:
                    why = (
                        f"{name(node)} did operation {serial} of {client} before its backup "
                        f"{name(other)} had done it"
                    )
                    raise RuleBroken(BACKUP_FIRST, why, node, other)

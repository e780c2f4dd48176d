"""A trace for looking at: beside what happened, what each event did to its node.

Two kinds of lines come on top of those of ``Trace``; its hash knows nothing of them, so that a run
that is looked at is still the same run.

``state``
    what changed in one node, as JSON: ``state`` (``up``, ``paused``, ``down``), ``timers`` (name →
    when it is due) and ``probe`` (field → value). A list that only lost its end and grew a new one,
    as a log does, is ``{"keep": how many stay, "add": the rest}``.
``cuts``
    the one-way links that lose every message from now on: ``[[src, dst], …]``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.simulation.context import DOWN, PAUSED
from jupyter_sysdesign.simulation.trace import Trace, shown
from jupyter_sysdesign.simulation.values import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import NodeId
    from jupyter_sysdesign.simulation.verdict import Outcome
    from jupyter_sysdesign.simulation.world import Simulation

_WORDS = {DOWN: "down", PAUSED: "paused"}


class Unfolding(Trace):
    """Records a simulation with the state of its nodes.

    Args:
        keyframe_every: events between two keyframes of the trace; the ``state`` lines make them
            unnecessary for whoever reads all of it.
    """

    def __init__(self, *, keyframe_every: int = 1 << 30) -> None:
        super().__init__(keyframe_every=keyframe_every)
        self._known: dict[NodeId, dict[str, Any]] = {}
        self._cuts: list[list[NodeId]] = []
        self._struck = 0

    def event(self, event: tuple[Any, ...]) -> None:
        """Record a message that arrives, or a timer that runs out."""
        self._look_at_links()
        super().event(event)

    def happened(self, kind: str, node: NodeId | None, details: Mapping[str, Any]) -> None:
        """Record what was noticed, and what it did to the node."""
        self._look_at_links()
        super().happened(kind, node, details)
        self._struck = self._watched().time
        if node is not None:
            self._look_at(self._watched().contexts[node])

    def handled(self, ctx: Context) -> None:
        """Record what an event did to its node."""
        self._look_at_links()
        self._look_at(ctx)

    def end(self, outcome: Outcome) -> None:
        """Record the last states and what the run came to; the event that broke a rule is in it."""
        self._look_at_links()
        for ctx in self._watched().contexts.values():
            self._look_at(ctx)
        super().end(outcome)

    def _look_at(self, ctx: Context) -> None:
        now = _shown(ctx)
        before = self._known.get(ctx.id, {})
        changed: dict[str, Any] = {
            name: now[name] for name in ("state", "timers") if now[name] != before.get(name)
        }
        probe = _difference(before.get("probe"), now["probe"])
        if probe != {}:
            changed["probe"] = probe
        if changed:
            self._known[ctx.id] = now
            world = self._watched()
            line = {"t": world.time, "cause": world.current, "kind": "state", "node": ctx.id}
            self.lines.append({**line, **changed})

    def _look_at_links(self) -> None:
        world: Simulation = self._watched()
        cuts = [list(link) for link in world.links.all_cut()]
        if cuts != self._cuts:
            self._cuts = cuts
            # A fault says what it is before it acts, so the links are seen at the next thing.
            self.lines.append({"t": self._struck, "kind": "cuts", "node": None, "links": cuts})


def _shown(ctx: Context) -> dict[str, Any]:
    probe = plain(shown(ctx))
    if isinstance(probe, dict):
        probe.pop("type", None)
    elif probe is not None:
        probe = {"shows": probe}
    return {"state": _WORDS.get(ctx.state, "up"), "timers": plain(ctx.timers), "probe": probe}


def _difference(before: Any, now: Any) -> dict[str, Any] | None:
    """Return the fields that changed; None if the node shows nothing (any more)."""
    if now is None:
        return {} if before is None else None
    known = before or {}
    return {
        name: _list_difference(known.get(name), value)
        for name, value in now.items()
        if name not in known or known[name] != value
    }


def _list_difference(before: Any, now: Any) -> Any:
    if not isinstance(before, list) or not isinstance(now, list):
        return now
    keep = 0
    for one, other in zip(before, now, strict=False):
        if one != other:
            break
        keep += 1
    return {"keep": keep, "add": now[keep:]}

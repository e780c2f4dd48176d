"""The record of a run: JSON Lines, and one hash that stands for all of it.

The first line is the header; then one line for each event, each message sent and each thing that
was noticed, with the ``cause`` it had; every few hundred events a keyframe with the state of all
nodes; at last the outcome. The hash covers everything but the header, which tells of the machine.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import platform
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign import __version__
from jupyter_sysdesign.simulation.context import DOWN, PAUSED
from jupyter_sysdesign.simulation.values import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import NodeId
    from jupyter_sysdesign.simulation.plan import Plan
    from jupyter_sysdesign.simulation.verdict import Outcome
    from jupyter_sysdesign.simulation.world import Simulation

FORMAT = 1
_STATES = {DOWN: "down", PAUSED: "paused"}


class Trace:
    """Records a simulation as it runs: give it as ``recorder``, then ``watch`` the simulation.

    Args:
        keep: keep the lines; without, only the hash is taken.
        keyframe_every: events between two keyframes.

    Attributes:
        lines: what was recorded, as JSON values, the header apart.
    """

    def __init__(self, *, keep: bool = True, keyframe_every: int = 500) -> None:
        self.lines: list[dict[str, Any]] = []
        self.header: dict[str, Any] = {}
        self._keep = keep
        self._every = keyframe_every
        self._hash = hashlib.sha256()
        self._count = 0
        self._world: Simulation | None = None

    def watch(self, world: Simulation) -> None:
        """Look at this simulation for the time and the keyframes."""
        self._world = world

    @property
    def hash(self) -> str:
        """The hash of all lines so far, 64 hexadecimal digits."""
        return self._hash.hexdigest()

    def event(self, event: tuple[Any, ...]) -> None:
        """Record a message that arrives, or a timer that runs out."""
        time, sequence, dst, src, payload, cause = event
        if self._count % self._every == 0:
            self._keyframe()
        self._count += 1
        line = {"t": time, "id": sequence, "node": dst, "cause": cause}
        if src is None:
            self._add({**line, "kind": "timer", "name": plain(payload)})
        else:
            self._add({**line, "kind": "message", "src": src, "message": plain(payload)})

    def sent(self, sequence: int, src: NodeId, dst: NodeId, message: Any, arrivals: int) -> None:
        """Record a message that leaves."""
        world = self._watched()
        self._add(
            {
                "t": world.time,
                "id": sequence,
                "cause": world.current,
                "kind": "send",
                "node": src,
                "dst": dst,
                "number": world.links.sent[src, dst],
                "arrivals": arrivals,
                "message": plain(message),
            }
        )

    def happened(self, kind: str, node: NodeId | None, details: Mapping[str, Any]) -> None:
        """Record what was noticed."""
        world = self._watched()
        line = {"t": world.time, "cause": world.current, "kind": str(plain(kind)), "node": node}
        self._add({**plain(dict(details)), **line})

    def handled(self, ctx: Context) -> None:
        """Nothing: what an event did is in the lines that it caused."""

    def end(self, outcome: Outcome) -> None:
        """Record what the run came to."""
        self._keyframe()
        self._add({"t": self._watched().time, "kind": "end", "outcome": plain(outcome)})

    def write(self) -> str:
        """Return the whole file."""
        return "".join(json.dumps(each) + "\n" for each in (self.header, *self.lines))

    def _watched(self) -> Simulation:
        if self._world is None:
            raise RuntimeError("the trace watches no simulation")
        return self._world

    def _keyframe(self) -> None:
        world = self._watched()
        nodes = {name: _state(ctx) for name, ctx in world.contexts.items()}
        line = {"t": world.time, "kind": "keyframe", "event": self._count}
        self._add({**line, "nodes": plain(nodes)})

    def _add(self, line: dict[str, Any]) -> None:
        self._hash.update(json.dumps(line, sort_keys=True).encode())
        if self._keep:
            self.lines.append(line)


def header(plan: Plan, server: Callable[..., Any]) -> dict[str, Any]:
    """Return the first line: what is needed to run this again, and to know whether it is the same.

    ``code`` is a hash of the class's source; empty if there is none to be had.
    """
    return {
        "kind": "header",
        "format": FORMAT,
        "seed": plan.seed,
        "plan": plain(plan.as_json()),
        "server": getattr(server, "__qualname__", repr(server)),
        "code": code_hash(server),
        "version": __version__,
        "python": platform.python_version(),
    }


def code_hash(server: Callable[..., Any]) -> str:
    """Return a hash of a class's source and that of its bases, or nothing."""
    try:
        classes = [each for each in inspect.getmro(server) if each is not object]  # type: ignore[arg-type]
        source = "\n".join(inspect.getsource(each) for each in classes)
    except (OSError, TypeError, AttributeError):
        return ""
    return hashlib.sha256(source.encode()).hexdigest()


def read(text: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the header and the other lines of a trace file.

    Raises:
        ValueError: it is no trace, or of a format this version does not know.
    """
    lines = [json.loads(line) for line in text.splitlines() if line.strip()]
    if not lines or lines[0].get("kind") != "header" or lines[0].get("format") != FORMAT:
        raise ValueError(f"not a trace of format {FORMAT}")
    return lines[0], lines[1:]


def _state(ctx: Context) -> dict[str, Any]:
    return {
        "state": _STATES.get(ctx.state, "up"),
        "timers": ctx.timers,
        "probe": shown(ctx),
    }


def shown(ctx: Context) -> Any:
    """Return what a node shows; who only looks does not change what happens if that raises."""
    try:
        return None if ctx.node is None else ctx.node.probe()
    except Exception as error:  # noqa: BLE001 (the rules say so, if they look)
        return f"probe() raised {type(error).__name__}: {error}"

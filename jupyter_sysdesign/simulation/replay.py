"""Going through a run by hand: forward, back, and aside.

Every moment can be reached again, because a run is its plan: from the nearest keyframe before it,
the simulation runs on to it. A fork is the same world with something changed.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.simulation.play import violation
from jupyter_sysdesign.simulation.snapshot import Snapshot
from jupyter_sysdesign.simulation.trace import Trace
from jupyter_sysdesign.simulation.values import plain
from jupyter_sysdesign.simulation.verdict import BudgetSpent, NodeFailed, RuleBroken, Violation

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.faults import Fault
    from jupyter_sysdesign.simulation.node import Node, NodeId
    from jupyter_sysdesign.simulation.plan import Plan
    from jupyter_sysdesign.simulation.play import Bench
    from jupyter_sysdesign.simulation.world import Simulation


class Replay:
    """One run, at any of its steps. A step is one event; step 0 is after the start.

    Args:
        plan: what to run.
        server: makes each server.
        bench: of the protocol.
        keyframe_every: steps between two keyframes: smaller is quicker to go back, and larger.

    Attributes:
        step: where it stands.
        world: the simulation at that step; look, but let only ``Replay`` change it.
        broken: the rule that broke at this step, if one did; there is no further step.
    """

    def __init__(
        self,
        plan: Plan,
        server: Callable[[Context], Node],
        bench: Bench,
        *,
        keyframe_every: int = 200,
    ) -> None:
        self.plan = plan
        self._every = keyframe_every
        self._trace = Trace()
        self.world: Simulation = bench.build(plan, server, recorder=self._trace)
        self._trace.watch(self.world)
        self.step = 0
        self.broken: Violation | None = None
        self._steps: list[int] = []
        self._keyframes: list[Snapshot] = []
        self._told: list[dict[str, Any]] = []
        self._try(self.world.start)
        self._keep_keyframe()

    def forward(self, steps: int = 1) -> int:
        """Go ``steps`` further, or to the end; return how many it were."""
        done = 0
        while done < steps and self.broken is None and self._next():
            done += 1
        return done

    def back(self, steps: int = 1) -> None:
        """Go ``steps`` back, at most to the start."""
        self.go_to(max(self.step - steps, 0))

    def go_to(self, step: int) -> None:
        """Stand at a step.

        Raises:
            InvalidRequestError: the run has no such step.
        """
        if step < 0:
            raise InvalidRequestError(f"a run has no step {step}")
        if step < self.step:
            at = bisect_right(self._steps, step) - 1
            self._keyframes[at].restore()
            self.step, self.broken = self._steps[at], None
        self.forward(step - self.step)
        if self.step != step:
            raise InvalidRequestError(f"the run ends at step {self.step}, before step {step}")

    def end(self) -> None:
        """Go to the last step."""
        while self.forward(1000):
            pass

    def said(self) -> list[dict[str, Any]]:
        """Return the trace lines of the step it stands at."""
        return [each for each in self._told if each["kind"] != "keyframe"]

    def states(self) -> dict[NodeId, Any]:
        """Return what each server shows now, as JSON; None while it is down."""
        return {name: plain(self.world.probe(name)) for name in self.world.servers}

    def difference(self, step: int) -> dict[NodeId, dict[str, tuple[Any, Any]]]:
        """Return what differs in the servers between ``step`` and here: field → (there, here)."""
        here, now = self.step, self.states()
        self.go_to(step)
        there = self.states()
        self.go_to(here)
        found: dict[NodeId, dict[str, tuple[Any, Any]]] = {}
        for name in now:
            before, after = there[name] or {}, now[name] or {}
            changed = {
                field: (before.get(field), after.get(field))
                for field in (*before, *(each for each in after if each not in before))
                if before.get(field) != after.get(field)
            }
            if changed:
                found[name] = changed
        return found

    def in_flight(self) -> list[dict[str, Any]]:
        """Return the messages on their way, the next to arrive first."""
        return [
            {"id": event[1], "arrives": event[0], "src": event[3], "dst": event[2],
             "message": plain(event[4])}
            for event in sorted(self.world.heap, key=lambda each: each[:2])
            if event[2] is not None and event[3] is not None
        ]  # fmt: skip

    def lose(self, message: int) -> None:
        """Lose a message in flight, by its ``id``.

        Raises:
            InvalidRequestError: it is not in flight.
        """
        heap = self.world.heap
        kept = [each for each in heap if each[1] != message or each[3] is None]
        if len(kept) == len(heap):
            raise InvalidRequestError(f"there is no message {message} in flight")
        heap[:] = sorted(kept, key=lambda each: each[:2])
        self._fork()

    def inject(self, fault: Fault) -> None:
        """Let a fault happen as the next thing."""
        self.world.at(self.world.time, fault)
        self._fork()

    def _fork(self) -> None:
        """Forget what came after; this step is now the one with the change in it."""
        at = bisect_left(self._steps, self.step)
        del self._steps[at:], self._keyframes[at:]
        self._keep_keyframe()

    def _next(self) -> bool:
        """Take one step; return whether there was one."""
        self._trace.lines.clear()
        more = self._try(self._one_event)
        if more:
            self.step += 1
            self._told = list(self._trace.lines)
            if self.step % self._every == 0 and self.step not in self._steps:
                self._keep_keyframe()
        return more

    def _one_event(self) -> bool:
        return self.world.step(self.plan.duration_us)

    def _try(self, do: Callable[[], Any]) -> bool:
        try:
            return bool(do())
        except (RuleBroken, NodeFailed, BudgetSpent) as stop:
            self.broken = violation(stop, self.world)
            return True

    def _keep_keyframe(self) -> None:
        if self.broken is None:
            self._steps.append(self.step)
            self._keyframes.append(Snapshot(self.world))

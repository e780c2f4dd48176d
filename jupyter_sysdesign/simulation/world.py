"""The simulation itself: one heap of events, and the nodes they happen to.

Nothing here depends on anything but the seed: time is a whole number, events at the same time
happen in the order they were made, and chance comes from separate streams for the network, the
faults and each node.

An event is a tuple ``(time, sequence, dst, src, payload, cause)``: a message has both ends, a
timer no ``src`` (its payload is the name), and what happens to the world itself no ``dst`` (its
payload is an ``Occurrence``). ``cause`` is the sequence number of the event that led to it.
"""

from __future__ import annotations

import os
from heapq import heapify, heappop, heappush
from random import Random
from typing import TYPE_CHECKING, Any, Protocol

from jupyter_sysdesign.simulation.context import DOWN, PAUSED, UP, Context
from jupyter_sysdesign.simulation.disk import PowerCut
from jupyter_sysdesign.simulation.links import Links
from jupyter_sysdesign.simulation.network import Network
from jupyter_sysdesign.simulation.verdict import BudgetSpent, NodeFailed, RuleBroken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from jupyter_sysdesign.simulation.node import Node, NodeId

_LAST = 1 << 62
_NO_LIMIT = 1 << 62
#: Where code lies that a node only calls: Python's, and in these folders the simulator's.
_PYTHONS = (os.__file__.rpartition("/")[0] + "/", "<frozen")
_HERE = __file__.rpartition("/")[0]
_OURS = (_HERE, f"{_HERE}/apart")


class Occurrence(Protocol):
    """Something that happens to the world and not to one node: a fault, or its end."""

    def happen(self, world: Simulation) -> None:
        """Do it."""


class Rules(Protocol):
    """Watches every event for broken rules."""

    def observe(self, node: NodeId, probe: Any) -> None:
        """Look at a node after its event.

        Raises:
            RuleBroken: it shows a broken rule.
        """


class Recorder(Protocol):
    """Keeps what happens."""

    def event(self, event: tuple[Any, ...]) -> None:
        """Note an event, before it is handled."""

    def handled(self, ctx: Context) -> None:
        """Note what it did to its node."""

    def sent(self, sequence: int, src: NodeId, dst: NodeId, message: Any, arrivals: int) -> None:
        """Note a message; none arrives if it is lost."""

    def happened(self, kind: str, node: NodeId | None, details: Mapping[str, Any]) -> None:
        """Note something a rule, a fault or a node said."""


class Simulation:
    """A world of nodes, a network between them, and the faults that befall both.

    Args:
        seed: everything follows from it.
        network: the conditions at first.
        in_flight_dies: messages of a node that crashes are lost with it, as those still in its
            buffers are; without it every message outlives its sender.
        max_events: a run with more of them ends with ``BudgetSpent``.

    Attributes:
        time: now, in µs.
        current: the sequence number of the event that is being handled.
        event: the whole of it, if it is a node's; the last one of a node otherwise.
        acting: the node it happens to.
        events: how many were handled.
        sent: how many messages were sent.
        faults_random: the stream faults draw from.
        links: the network between the nodes, as it is now.
    """

    def __init__(
        self,
        seed: int,
        *,
        network: Network | None = None,
        in_flight_dies: bool = True,
        max_events: int = _NO_LIMIT,
    ) -> None:
        self.seed = seed
        self.in_flight_dies = in_flight_dies
        self.max_events = max_events
        self.time = self.sequence = self.current = self.events = self.sent = 0
        self.event: tuple[Any, ...] | None = None
        self.acting: NodeId | None = None
        self.heap: list[tuple[Any, ...]] = []
        self.contexts: dict[NodeId, Context] = {}
        self.servers: tuple[NodeId, ...] = ()
        self.faults_random = Random(f"{seed}/faults")
        self.network_random = Random(f"{seed}/network")
        self.draw = self.network_random.random
        self.rules: Rules | None = None
        self.recorder: Recorder | None = None
        self.listeners: list[Callable[[str, NodeId | None, Mapping[str, Any]], None]] = []
        self.heals = 0
        self.links = Links(self, network or Network())
        self._factories: dict[NodeId, Callable[[Context], Node]] = {}

    # Building ------------------------------------------------------------------------------

    def add(
        self,
        name: NodeId,
        factory: Callable[[Context], Node],
        *,
        peers: Iterable[NodeId] = (),
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """Add a node; ``factory`` makes it at each start."""
        self.contexts[name] = Context(self, name, tuple(peers), dict(options or {}))
        self._factories[name] = factory
        if isinstance(name, int):
            self.servers = (*self.servers, name)

    def start(self) -> None:
        """Start every node, in the order they were added."""
        self.links.decide()
        for name in self.contexts:
            self.restart(name)

    def at(self, time_us: int, what: Occurrence) -> None:
        """Let something happen to the world at ``time_us``, or now if that is over."""
        self.sequence += 1
        when = max(time_us, self.time)
        heappush(self.heap, (when, self.sequence, None, None, what, self.current))

    # Running -------------------------------------------------------------------------------

    def run(self, until_us: int) -> None:
        """Handle every event up to ``until_us``, which is then the time.

        Raises:
            RuleBroken: a rule broke.
            NodeFailed: a node's code raised.
            BudgetSpent: there were more events than ``max_events``.
        """
        self.links.decide()
        heappush(self.heap, (until_us, _LAST, None, None, None, 0))
        try:
            while not self._handle_until_end():
                pass
        finally:
            # Also when it ended early, no end may be left behind for the next run.
            self.heap[:] = [event for event in self.heap if event[1] != _LAST]
            heapify(self.heap)

    def _handle_until_end(self) -> bool:  # noqa: C901, PLR0912, PLR0915 (calls cost more)
        """Handle events; return whether the end was reached (else the power was cut)."""
        heap, contexts, recorder = self.heap, self.contexts, self.recorder
        observe = None if self.rules is None else self.rules.observe
        handled, room = 0, self.max_events - self.events
        try:
            while True:
                event = heappop(heap)
                self.time, sequence, dst, src, payload, _ = event
                if dst is None:
                    if payload is None:
                        return True
                    self.current = sequence
                    self.acting = None
                    payload.happen(self)
                    continue
                ctx = contexts[dst]
                if src is None and not ctx.rings(payload, event):
                    continue
                if ctx.state:
                    self._keep_from(ctx, event)
                    continue
                self.current = sequence
                self.event = event
                self.acting = dst
                handled += 1
                if handled > room:
                    raise BudgetSpent  # noqa: TRY301
                if recorder is not None:
                    recorder.event(event)
                node: Any = ctx.node
                if src is None:
                    node.on_timer(payload)
                else:
                    node.on_message(src, payload)
                if ctx.disk.cut:  # and the node caught that
                    raise PowerCut  # noqa: TRY301
                # Clients have nothing to show; a server that shows nothing hides something.
                if observe is not None and (
                    (probe := node.probe()) is not None or isinstance(dst, int)
                ):
                    observe(dst, probe)
                if recorder is not None:
                    recorder.handled(ctx)
        except PowerCut:
            if self.acting is not None:
                self.crash(self.acting)
            return False
        except (RuleBroken, NodeFailed, BudgetSpent):
            raise
        except (Exception, SystemExit) as error:
            if self.acting is None:
                raise
            if contexts[self.acting].disk.cut:  # what it raises instead is too late
                self.crash(self.acting)
                return False
            raise failure(self.acting, error) from error
        finally:
            self.events += handled

    def step(self, until_us: int) -> bool:
        """Handle the next event of a node, and what befalls the world before; return if any.

        Raises:
            RuleBroken, NodeFailed: as ``run``.
        """
        heap = self.heap
        while heap and heap[0][0] <= until_us:
            event = heappop(heap)
            self.time, _, dst, src, payload, _ = event
            if dst is None:
                self.current, self.acting = event[1], None
                payload.happen(self)
                continue
            ctx = self.contexts[dst]
            if src is None and not ctx.rings(payload, event):
                continue
            if ctx.state:
                self._keep_from(ctx, event)
                continue
            self._handle(ctx, event)
            return True
        return False

    def dispatch(self, event: tuple[Any, ...]) -> None:
        """Handle one event taken out of the heap, whenever it is due: the other drivers do this.

        Raises:
            RuleBroken, NodeFailed: as ``run``.
        """
        time, self.current, dst, src, payload, _ = event
        self.time = max(self.time, time)
        if dst is None:
            payload.happen(self)
            return
        ctx = self.contexts[dst]
        if src is None and not ctx.take(payload):
            return
        if ctx.state:
            self._keep_from(ctx, event)
            return
        self._handle(ctx, (self.time, *event[1:]))

    def _handle(self, ctx: Context, event: tuple[Any, ...]) -> None:
        """Handle an event of a node that runs."""
        _, self.current, _, src, payload, _ = self.event = event
        self.events += 1
        if self.events > self.max_events:
            raise BudgetSpent
        if self.recorder is not None:
            self.recorder.event(event)
        if src is None:
            self._do(ctx, "on_timer", payload)
        else:
            self._do(ctx, "on_message", src, payload)

    def _do(self, ctx: Context, handler: str, *arguments: Any) -> None:
        """Call one handler of a node, then look at the node: the plain form of the loop's body."""
        self.acting = ctx.id
        try:
            getattr(ctx.node, handler)(*arguments)
            if ctx.disk.cut:
                raise PowerCut  # noqa: TRY301
            if self.rules is not None and (
                (probe := self.probe(ctx.id)) is not None or isinstance(ctx.id, int)
            ):
                self.rules.observe(ctx.id, probe)
        except PowerCut:
            self.crash(ctx.id)
        except (RuleBroken, NodeFailed, BudgetSpent):
            raise
        except (Exception, SystemExit) as error:
            if not ctx.disk.cut:
                raise failure(ctx.id, error) from error
            self.crash(ctx.id)
        if self.recorder is not None:
            self.recorder.handled(ctx)

    # What befalls nodes --------------------------------------------------------------------

    def crash(self, name: NodeId, *, kept: int | None = None) -> None:
        """Stop a node and lose what it had not synced; ``kept`` of those writes survive."""
        ctx = self.contexts[name]
        if ctx.state == DOWN:
            return
        if kept is None:
            # A real disk may have written some of them by itself, in order.
            kept = int(self.faults_random.random() * (ctx.disk.unsynced + 1))
        ctx.disk.crash(kept)
        ctx.state = DOWN
        ctx.node = None
        ctx.held = []
        ctx.forget_timers()
        if self.in_flight_dies:
            self.heap[:] = [each for each in self.heap if each[3] != name]
            heapify(self.heap)
        self.happened("crashed", name, {})

    def restart(self, name: NodeId) -> None:
        """Start a node that is down, with what it had synced."""
        ctx = self.contexts[name]
        if ctx.state != DOWN:
            return
        ctx.state = UP
        ctx.starts += 1
        self.happened("started" if ctx.starts == 1 else "restarted", name, {})
        try:
            ctx.node = self._factories[name](ctx)
        except PowerCut:
            self.crash(name)
            return
        except (NodeFailed, BudgetSpent):
            raise
        except (Exception, SystemExit) as error:
            if not ctx.disk.cut:
                raise failure(name, error) from error
            self.crash(name)
            return
        self._do(ctx, "on_start")

    def pause(self, name: NodeId) -> None:
        """Freeze a node: what reaches it waits."""
        ctx = self.contexts[name]
        if ctx.state == UP:
            ctx.state = PAUSED
            self.happened("paused", name, {})

    def resume(self, name: NodeId) -> None:
        """Let a paused node go on; what waited happens now, in order."""
        ctx = self.contexts[name]
        if ctx.state != PAUSED:
            return
        ctx.state = UP
        self.happened("resumed", name, {})
        held, ctx.held = ctx.held, []
        for _, _, dst, src, payload, cause in held:
            if src is None:
                ctx.set_timer(payload, 0)
            else:
                self.sequence += 1
                heappush(self.heap, (self.time, self.sequence, dst, src, payload, cause))

    def _keep_from(self, ctx: Context, event: tuple[Any, ...]) -> None:
        if ctx.state == PAUSED:
            ctx.held.append(event)
        else:
            self.happened("missed", ctx.id, {"event": event[1]})

    def heal(self) -> None:
        """End every fault: nodes run, links work, the network and the clocks are as at first."""
        self.heals += 1
        self.links.heal()
        self.happened("healed", None, {})
        for name, ctx in self.contexts.items():
            ctx.skew(0, 0)
            self.resume(name)
            self.restart(name)

    def hand(self, dst: NodeId, src: NodeId, message: Any) -> None:
        """Let a message arrive now, without a network in between."""
        self.sequence += 1
        heappush(self.heap, (self.time, self.sequence, dst, src, message, self.current))

    # What is seen --------------------------------------------------------------------------

    def happened(self, kind: str, node: NodeId | None, details: Mapping[str, Any]) -> None:
        """Tell the recorder and every listener."""
        if self.recorder is not None:
            self.recorder.happened(kind, node, details)
        for listener in self.listeners:
            listener(kind, node, details)

    def noted(self, kind: str, node: NodeId, details: Mapping[str, Any]) -> None:
        """Tell the recorder; the listeners only if it is no server, whose word is no fact."""
        if not isinstance(node, int):
            self.happened(kind, node, details)
        elif self.recorder is not None:
            self.recorder.happened(kind, node, details)

    def probe(self, name: NodeId) -> Any:
        """Return what a node shows, or None while it is down."""
        node = self.contexts[name].node
        return None if node is None else node.probe()

    def leader(self) -> NodeId | None:
        """Return the running server that leads in the highest term, as the oracle sees it."""
        leading = [
            (getattr(probe, "term", 0), name)
            for name in self.servers
            if self.contexts[name].state == UP
            and getattr(probe := self.probe(name), "role", None) == "leader"
        ]
        return max(leading)[1] if leading else None


def failure(node: NodeId, error: BaseException) -> NodeFailed:
    """Return what a node's code raised, and on which line of it, as the end of a run."""
    # What the judge does not allow is refused with these.
    refused = isinstance(error, (MemoryError, PermissionError))
    return NodeFailed(node, _said(error), refused=refused)


def _said(error: BaseException) -> str:
    """Return what went wrong in a node's code, and on which line of it."""
    trace, place = error.__traceback__, ""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not file.startswith(_PYTHONS) and file.rpartition("/")[0] not in _OURS:
            place = f" (line {trace.tb_lineno} of {file.rsplit('/', 1)[-1]})"
        trace = trace.tb_next
    return f"{type(error).__name__}: {error}{place}"

"""A Raft server that lies. Raft has no defence against it, and does not claim to have one.

The paper's failures are crashes and messages that are lost, late or doubled ("non-Byzantine
conditions", §2). A server that says different things to different others is outside of that.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

from jupyter_sysdesign.simulation.clients import Request
from jupyter_sysdesign.simulation.judge.suite import Suite
from jupyter_sysdesign.simulation.protocols.raft.cluster import Cluster
from jupyter_sysdesign.simulation.protocols.raft.messages import AppendEntries, Entry
from jupyter_sysdesign.simulation.protocols.raft.rules import RaftRules
from jupyter_sysdesign.simulation.protocols.raft.server import Raft
from jupyter_sysdesign.simulation.units import MS
from jupyter_sysdesign.simulation.verdict import RuleBroken

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import Node, NodeId
    from jupyter_sysdesign.simulation.plan import Plan
    from jupyter_sysdesign.simulation.world import Recorder, Rules, Simulation


class LyingLeader(Raft):
    """Is elected as anybody is, and then tells its followers different commands."""

    #: Sooner than all others: nothing keeps a liar from that.
    ELECTION_TIMEOUT_US: ClassVar[tuple[int, int]] = (30 * MS, 40 * MS)

    def send_entries(self, peer: NodeId) -> None:
        """Send every second follower something else, and say that it is committed."""
        log = self.log
        previous = self.next_index.get(peer, log.last) - 1
        entries = tuple(
            _twisted(entry) if peer in self.deceived() else entry
            for entry in log.after(previous, self.LARGEST_BATCH)
        )
        term = log.term_at(previous) or 0
        message = AppendEntries(self.term, previous, term, entries, log.last, self.round)
        self.ctx.send(peer, message)

    def deceived(self) -> tuple[NodeId, ...]:
        """Return who is told something else."""
        return self.ctx.peers[::2]


def _twisted(entry: Entry) -> Entry:
    command = entry.command
    if not isinstance(command, Request) or command.op == "get":
        return entry
    return entry._replace(command=command._replace(value="something else;"))


class _Harm(RaftRules):
    """What honest servers do to each other: believing a liar that something is stored is none."""

    def look_at_majority(self, node: NodeId, index: int, entry: Any) -> None:
        """Let it pass."""


class HonestRules:
    """Holds the servers that do not lie against each other; a liar may show what it likes.

    What a liar does is told, as of everybody. It is held against nobody else: its own log is part
    of the lie, and no harm is done before two honest logs differ.
    """

    def __init__(self, world: Simulation, liars: Collection[NodeId]) -> None:
        self._honest = _Harm(world)
        self._liars = {name: RaftRules(world) for name in liars}

    @property
    def committed(self) -> int:
        """How many entries were committed by at least one honest server."""
        return self._honest.committed

    def observe(self, node: NodeId, probe: Any) -> None:
        """Compare an honest server with what it was, and with the other honest ones.

        Raises:
            RuleBroken: a rule is broken.
        """
        if node not in self._liars:
            self._honest.observe(node, probe)
            return
        with suppress(RuleBroken):
            self._liars[node].observe(node, probe)


class LiarsCluster(Cluster):
    """The bench of a cluster in which some lie.

    Args:
        liars: who they are.
    """

    def __init__(self, liars: Collection[NodeId]) -> None:
        self._liars = frozenset(liars)

    def rules_of(self, world: Simulation) -> Rules:
        """Return what watches the honest servers."""
        return HonestRules(world, self._liars)

    def build(
        self,
        plan: Plan,
        server: Callable[[Context], Node],
        *,
        recorder: Recorder | None = None,
        rules: bool = True,
    ) -> Simulation:
        """Return a simulation in which ``server`` makes all that do not lie, not yet started."""

        def made(ctx: Context) -> Node:
            return LyingLeader(ctx) if ctx.id in self._liars else server(ctx)

        return super().build(plan, made, recorder=recorder, rules=rules)


def among(liars: Collection[NodeId]) -> Suite:
    """Return the suite of a cluster in which some lie: to watch, it judges nobody."""
    return Suite("raft among liars", LiarsCluster(liars), ())

"""Three-phase commit: between the votes and the decision, everybody learns how everybody voted.

Skeen (1981); BHG §7.5. As long as servers only crash, and messages arrive in time, those that run
can always decide. When the network is cut, two halves can decide, and differently: it is not for
networks that can be cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

from jupyter_sysdesign.simulation.protocols.commit.messages import (
    ABORT,
    COMMIT,
    PRECOMMIT,
    WAITING,
    YES,
    participants,
)
from jupyter_sysdesign.simulation.protocols.commit.two_phase import DECIDED, Decision, TwoPhase
from jupyter_sysdesign.simulation.units import MS

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import NodeId


class PreCommit(NamedTuple):
    """The phase in the middle: everybody voted yes."""

    tx: str


class Ready(NamedTuple):
    """The answer."""

    tx: str


class AskState(NamedTuple):
    """The termination protocol begins: what do you know (BHG §7.5)?"""

    tx: str


class State(NamedTuple):
    """The answer; ``recovered`` tells that the server was down since it voted."""

    tx: str
    state: str
    recovered: bool


class ThreePhase(TwoPhase):
    """One server.

    Attributes:
        ready: transaction → who acknowledged the middle phase, where this server leads it.
        recovered: transactions that were open when this server came back.
        told: transaction → what each server said of it in the termination protocol.
    """

    #: For an answer from everybody who runs.
    ROUND_US: ClassVar[int] = 50 * MS

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.ready: dict[str, set[NodeId]] = {}
        self.recovered = {tx for tx, state in self.states.items() if state not in DECIDED}
        self.told: dict[str, dict[NodeId, State]] = {}
        self.handlers |= {
            PreCommit: self.on_precommit,
            Ready: self.on_ready,
            AskState: self.on_ask_state,
            State: self.on_state,
        }

    def on_start(self) -> None:
        """After a restart, ask: the others may have decided without this server."""
        for tx in sorted(self.recovered):
            self.ask(tx)

    def on_timer(self, name: str) -> None:
        """End a round of answers, or begin one."""
        what, _, tx = name.partition(" ")
        if self.states.get(tx) in DECIDED:
            return
        if what == "ready":
            # Who did not answer is down: it is told when it comes back (BHG §7.5).
            self.decide(tx, COMMIT)
        elif what == "round":
            self.end_round(tx)
        else:
            super().on_timer(name)

    # The phase in the middle ---------------------------------------------------------------

    def on_all_voted(self, tx: str) -> None:
        """Let everybody know that everybody promised; commit when they do."""
        self.lead_to_commit(tx)

    def lead_to_commit(self, tx: str) -> None:
        """Bring everybody who runs to where nobody can be uncertain any more; then commit."""
        if self.states[tx] != PRECOMMIT:
            self.record(tx, PRECOMMIT)
        self.ctx.cancel(f"votes {tx}")
        self.ready[tx] = set()
        for each in self.others(tx):
            self.ctx.send(each, PreCommit(tx))
        self.ctx.set_timer(f"ready {tx}", self.ROUND_US)

    def on_precommit(self, src: NodeId, message: PreCommit) -> None:
        """Note that everybody promised."""
        tx = message.tx
        if self.states.get(tx) == YES:
            self.record(tx, PRECOMMIT)
            self.ctx.set_timer(f"ask {tx}", self.ASK_EVERY_US)
        if self.states.get(tx) in (PRECOMMIT, COMMIT):
            self.ctx.send(src, Ready(tx))

    def on_ready(self, src: NodeId, message: Ready) -> None:
        """Commit, once everybody answered."""
        tx = message.tx
        if self.states.get(tx) != PRECOMMIT or tx not in self.ready:
            return
        self.ready[tx].add(src)
        if self.ready[tx] >= set(participants(self.changes[tx])) - {self.ctx.id}:
            self.ctx.cancel(f"ready {tx}")
            self.decide(tx, COMMIT)

    def decide(self, tx: str, outcome: str) -> None:
        """Tell a coordinator that came back, too: anybody may have decided."""
        super().decide(tx, outcome)
        coordinator = self.coordinators.get(tx, self.ctx.id)
        if coordinator != self.ctx.id:
            self.ctx.send(coordinator, Decision(tx, outcome))

    # The termination protocol (BHG §7.5) ---------------------------------------------------

    def ask(self, tx: str) -> None:
        """Ask everybody what they know, and wait for all who run."""
        self.told[tx] = {self.ctx.id: State(tx, self.states[tx], tx in self.recovered)}
        for each in self.others(tx):
            self.ctx.send(each, AskState(tx))
        self.ctx.set_timer(f"round {tx}", self.ROUND_US)

    def on_ask_state(self, src: NodeId, message: AskState) -> None:
        """Say what is known here. Who has not voted yet never will say yes."""
        tx = message.tx
        if tx not in self.states:
            self.record(tx, ABORT)
        self.ctx.send(src, State(tx, self.states[tx], tx in self.recovered))

    def on_state(self, src: NodeId, message: State) -> None:
        """Note an answer; a decision is one for everybody."""
        tx = message.tx
        if message.state in DECIDED:
            self.on_decision(src, Decision(tx, message.state))
        elif tx in self.told:
            self.told[tx][src] = message

    def end_round(self, tx: str) -> None:
        """Decide, if that is this server's to do; else ask again."""
        self.ctx.set_timer(f"ask {tx}", self.ASK_EVERY_US)
        told = self.told.pop(tx, {})
        running = {name: said for name, said in told.items() if not said.recovered}
        if not running and len(told) == len(self.others(tx)) + 1:
            # All were down at once, and all are back: nobody else can know more.
            running = told
        if not running or self.ctx.id != min(running, key=str):
            return
        known = {said.state for said in running.values()}
        if PRECOMMIT in known:
            self.lead_to_commit(tx)
        elif self.states[tx] != WAITING or tx in self.recovered:
            # Nobody knows that all promised, so nobody can have committed.
            self.decide(tx, ABORT)

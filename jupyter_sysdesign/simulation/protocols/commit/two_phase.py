"""Two-phase commit: ask everybody, then tell everybody. Gray (1978), §5.8.3; BHG §7.4.

The log on the disk is the database: whatever a server promised or decided is a record in it, synced
before anybody hears of it, and a restart does the records again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from jupyter_sysdesign.simulation.node import Node
from jupyter_sysdesign.simulation.protocols.commit.accounts import Accounts
from jupyter_sysdesign.simulation.protocols.commit.messages import (
    ABORT,
    COMMIT,
    WAITING,
    YES,
    Answer,
    Begin,
    Change,
    CommitProbe,
    participants,
)
from jupyter_sysdesign.simulation.units import MS

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import NodeId

DECIDED = frozenset({COMMIT, ABORT})


class Prepare(NamedTuple):
    """Phase 1: can you commit, and do you promise to?"""

    tx: str
    changes: tuple[Change, ...]


class Vote(NamedTuple):
    """The answer: a yes cannot be taken back."""

    tx: str
    yes: bool


class Decision(NamedTuple):
    """Phase 2: so it is."""

    tx: str
    outcome: str


class Ask(NamedTuple):
    """Somebody in doubt asks for the outcome (BHG §7.4, cooperative termination)."""

    tx: str


class TwoPhase(Node):
    """One server: it coordinates what clients bring it, and takes part in what others coordinate.

    Attributes:
        accounts: what it keeps.
        states: transaction → what it knows of it.
        changes: transaction → all of its changes, on whichever server.
        coordinators: transaction → who coordinates it.
        clients: transaction → who wants to know.
        votes: transaction → who voted yes, where it coordinates.
    """

    #: For votes: well above two ways of a message.
    VOTE_TIMEOUT_US: ClassVar[int] = 100 * MS
    #: Between two questions of somebody in doubt.
    ASK_EVERY_US: ClassVar[int] = 150 * MS

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.accounts = Accounts(ctx.options["opening"].get(ctx.id, {}))
        self.states: dict[str, str] = {}
        self.changes: dict[str, tuple[Change, ...]] = {}
        self.coordinators: dict[str, NodeId] = {}
        self.clients: dict[str, NodeId] = {}
        self.votes: dict[str, set[NodeId]] = {}
        self.handlers: dict[type, Callable[[NodeId, Any], None]] = {
            Begin: self.on_begin,
            Prepare: self.on_prepare,
            Vote: self.on_vote,
            Decision: self.on_decision,
            Ask: self.on_ask,
        }
        for state, tx, coordinator, changes in ctx.disk.log("log"):
            if changes:
                self.coordinators[tx], self.changes[tx] = coordinator, changes
            self.enter(tx, state)

    def probe(self) -> CommitProbe:
        """Show what AC1 to AC5 are about."""
        role = "participant" if self.accounts.balances else "coordinator"
        return CommitProbe(role, self.states, self.accounts.balances)

    # Events --------------------------------------------------------------------------------

    def on_start(self) -> None:
        """After a restart, end what was open (BHG §7.4, recovery)."""
        for tx, state in list(self.states.items()):
            if state == WAITING:
                # Nobody can have heard of a commit that is not in the log.
                self.decide(tx, ABORT)
            elif state not in DECIDED:
                self.ask(tx)

    def on_message(self, src: NodeId, message: Any) -> None:
        """Hand a message to its handler."""
        handler = self.handlers.get(type(message))
        if handler is not None:
            handler(src, message)

    def on_timer(self, name: str) -> None:
        """Stop waiting for votes, or ask what became of a promise."""
        what, _, tx = name.partition(" ")
        if what == "votes" and self.states.get(tx) == WAITING:
            self.on_votes_missing(tx)
        elif what == "ask" and self.states.get(tx) not in DECIDED:
            self.ask(tx)

    # The log -------------------------------------------------------------------------------

    def record(self, tx: str, state: str) -> None:
        """Write what is now true of a transaction, before anybody hears of it; then make it so."""
        known = self.states.get(tx) is not None
        changes = () if known else self.changes.get(tx, ())
        self.ctx.disk.append("log", (state, tx, self.coordinators.get(tx), changes))
        self.ctx.disk.sync()
        self.enter(tx, state)

    def enter(self, tx: str, state: str) -> None:
        """Let a record take effect, now or in a restart."""
        before = self.states.get(tx)
        self.states[tx] = state
        if state == YES:
            self.accounts.promise(tx, self.mine(tx))
        elif state in DECIDED and before not in (None, WAITING, *DECIDED):
            self.accounts.settle(tx, self.mine(tx), commit=state == COMMIT)

    def mine(self, tx: str) -> tuple[Change, ...]:
        """Return the changes of a transaction on this server."""
        return tuple(each for each in self.changes.get(tx, ()) if each.server == self.ctx.id)

    # The coordinator (Gray, §5.8.3) ------------------------------------------------------

    def on_begin(self, src: NodeId, message: Begin) -> None:
        """Begin to vote; a client that asks again hears what is known."""
        tx, changes = message
        self.clients[tx] = src
        state = self.states.get(tx)
        if state in DECIDED:
            self.answer(tx)
        elif state is None:
            self.coordinators[tx], self.changes[tx] = self.ctx.id, changes
            self.record(tx, WAITING)
            self.votes[tx] = set()
            for each in participants(changes):
                self.ctx.send(each, Prepare(tx, changes))
            self.ctx.set_timer(f"votes {tx}", self.VOTE_TIMEOUT_US)

    def on_vote(self, src: NodeId, message: Vote) -> None:
        """Count a vote; one no decides, and so does the last yes."""
        tx = message.tx
        if self.states.get(tx) != WAITING or tx not in self.votes:
            return
        if not message.yes:
            self.decide(tx, ABORT)
            return
        self.votes[tx].add(src)
        if self.all_voted(tx):
            self.on_all_voted(tx)

    def all_voted(self, tx: str) -> bool:
        """Return whether every participant said yes."""
        return self.votes[tx] >= set(participants(self.changes[tx]))

    def on_all_voted(self, tx: str) -> None:
        """Commit: everybody promised."""
        self.decide(tx, COMMIT)

    def on_votes_missing(self, tx: str) -> None:
        """Abort: who does not answer may never have promised."""
        self.decide(tx, ABORT)

    def decide(self, tx: str, outcome: str) -> None:
        """Decide, on disk first; then tell everybody."""
        self.record(tx, outcome)
        self.ctx.cancel(f"votes {tx}")
        for each in participants(self.changes.get(tx, ())):
            if each != self.ctx.id:
                self.ctx.send(each, Decision(tx, outcome))
        self.answer(tx)

    def answer(self, tx: str) -> None:
        """Tell the client, if it is known; one that is not asks again."""
        if tx in self.clients:
            self.ctx.send(self.clients[tx], Answer(tx, self.states[tx] == COMMIT))

    # A participant (Gray, §5.8.3) --------------------------------------------------------

    def on_prepare(self, src: NodeId, message: Prepare) -> None:
        """Vote. From a yes on, the outcome is in other hands."""
        tx, changes = message
        if tx not in self.states:
            self.coordinators[tx], self.changes[tx] = src, changes
            if self.accounts.can(tx, self.mine(tx)):
                self.record(tx, YES)
                self.ctx.set_timer(f"ask {tx}", self.ASK_EVERY_US)
            else:
                self.record(tx, ABORT)
        self.ctx.send(src, Vote(tx, self.states[tx] != ABORT))

    def on_decision(self, src: NodeId, message: Decision) -> None:  # noqa: ARG002 (a handler has it)
        """Do what was decided."""
        tx, outcome = message
        if self.states.get(tx) not in DECIDED:
            self.record(tx, outcome)
            self.ctx.cancel(f"ask {tx}")
            self.answer(tx)

    # In doubt (BHG §7.4) -------------------------------------------------------------------

    def ask(self, tx: str) -> None:
        """Ask everybody who may know, and go on asking."""
        self.ctx.set_timer(f"ask {tx}", self.ASK_EVERY_US)
        for each in self.others(tx):
            self.ctx.send(each, Ask(tx))

    def others(self, tx: str) -> tuple[NodeId, ...]:
        """Return coordinator and participants of a transaction without this server."""
        everyone = {self.coordinators[tx], *participants(self.changes[tx])}
        return tuple(sorted(everyone - {self.ctx.id}, key=str))

    def on_ask(self, src: NodeId, message: Ask) -> None:
        """Tell what is decided. Who has not voted yet may decide: now it never will say yes."""
        tx = message.tx
        if tx not in self.states:
            self.record(tx, ABORT)
        if self.states[tx] in DECIDED:
            self.ctx.send(src, Decision(tx, self.states[tx]))

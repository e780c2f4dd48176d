"""Two-phase commit: votes, doubt, recovery."""

from typing import NamedTuple

from jupyter_sysdesign.simulation.node import Node
from jupyter_sysdesign.simulation.protocols.commit.accounts import Accounts
from jupyter_sysdesign.simulation.protocols.commit.messages import (
    ABORT,
    COMMIT,
    WAITING,
    YES,
    Answer,
    Begin,
    CommitProbe,
    participants,
)
from jupyter_sysdesign.simulation.units import MS

VOTE_TIMEOUT_US = 100 * MS
ASK_EVERY_US = 150 * MS
DECIDED = (COMMIT, ABORT)

# MESSAGES -----------------------------------------------------------------------------------


class Prepare(NamedTuple):
    tx: str
    changes: tuple


class Vote(NamedTuple):
    tx: str
    yes: bool


class Decision(NamedTuple):
    tx: str
    outcome: str


class Ask(NamedTuple):
    tx: str


# THE SERVER ---------------------------------------------------------------------------------


class TwoPhase(Node):
    def __init__(self, ctx):
        super().__init__(ctx)
        self.accounts = Accounts(ctx.options["opening"].get(ctx.id, {}))
        self.states = {}
        self.changes = {}
        self.coordinators = {}
        self.clients = {}
        self.votes = {}
        for state, tx, coordinator, changes in ctx.disk.log("log"):
            if changes:
                self.coordinators[tx] = coordinator
                self.changes[tx] = changes
            self.enter(tx, state)

    def probe(self):
        role = "participant" if self.accounts.balances else "coordinator"
        return CommitProbe(role, self.states, self.accounts.balances)

    def on_start(self):
        for tx, state in list(self.states.items()):
            if state == WAITING:
                self.decide(tx, COMMIT)
            elif state == YES:
                self.ask(tx)

    def on_timer(self, name):
        what, tx = name.split(" ")
        if what == "votes" and self.states[tx] == WAITING:
            self.decide(tx, ABORT)
        elif what == "ask" and self.states[tx] == YES:
            self.ask(tx)

    def on_message(self, src, message):
        if isinstance(message, Begin):
            self.on_begin(src, message)
        elif isinstance(message, Prepare):
            self.on_prepare(src, message)
        elif isinstance(message, Vote):
            self.on_vote(src, message)
        elif isinstance(message, Decision):
            self.on_decision(message)
        elif isinstance(message, Ask):
            self.on_ask(src, message)

    # The log: what is in it is true, and nobody hears of what is not

    def record(self, tx, state):
        changes = () if tx in self.states else self.changes.get(tx, ())
        self.ctx.disk.append("log", (state, tx, self.coordinators.get(tx), changes))
        self.ctx.disk.sync()
        self.enter(tx, state)

    def enter(self, tx, state):
        before = self.states.get(tx)
        self.states[tx] = state
        if state == YES:
            self.accounts.promise(tx, self.mine(tx))
        elif before == YES:
            self.accounts.settle(tx, self.mine(tx), commit=state == COMMIT)

    def mine(self, tx):
        return [each for each in self.changes.get(tx, ()) if each.server == self.ctx.id]

    # The coordinator

    def on_begin(self, src, message):
        tx, changes = message
        self.clients[tx] = src
        if tx not in self.states:
            self.coordinators[tx] = self.ctx.id
            self.changes[tx] = changes
            self.record(tx, WAITING)
            self.votes[tx] = set()
            for each in participants(changes):
                self.ctx.send(each, Prepare(tx, changes))
            self.ctx.set_timer(f"votes {tx}", VOTE_TIMEOUT_US)
        elif self.states[tx] in DECIDED:
            self.answer(tx)

    def on_vote(self, src, message):
        tx = message.tx
        if self.states.get(tx) != WAITING:
            return
        if not message.yes:
            self.decide(tx, ABORT)
            return
        self.votes[tx].add(src)
        if self.votes[tx] == set(participants(self.changes[tx])):
            self.decide(tx, COMMIT)

    def decide(self, tx, outcome):
        self.record(tx, outcome)
        self.ctx.cancel(f"votes {tx}")
        for each in participants(self.changes[tx]):
            self.ctx.send(each, Decision(tx, outcome))
        self.answer(tx)

    def answer(self, tx):
        if tx in self.clients:
            self.ctx.send(self.clients[tx], Answer(tx, self.states[tx] == COMMIT))

    # A participant

    def on_prepare(self, src, message):
        tx, changes = message
        if tx not in self.states:
            self.coordinators[tx] = src
            self.changes[tx] = changes
            if self.accounts.can(tx, self.mine(tx)):
                self.record(tx, YES)
                self.ctx.set_timer(f"ask {tx}", ASK_EVERY_US)
            else:
                self.record(tx, ABORT)
        self.ctx.send(src, Vote(tx, self.states[tx] != ABORT))

    def on_decision(self, message):
        tx, outcome = message
        if self.states.get(tx) not in DECIDED:
            self.record(tx, outcome)
            self.ctx.cancel(f"ask {tx}")

    # In doubt

    def ask(self, tx):
        self.ctx.set_timer(f"ask {tx}", ASK_EVERY_US)
        for each in {self.coordinators[tx], *participants(self.changes[tx])}:
            if each != self.ctx.id:
                self.ctx.send(each, Ask(tx))

    def on_ask(self, src, message):
        tx = message.tx
        if tx not in self.states:
            self.record(tx, ABORT)
        if self.states[tx] in DECIDED:
            self.ctx.send(src, Decision(tx, self.states[tx]))

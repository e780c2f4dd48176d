"""Two-phase commit with one value on disk for each transaction, and a coordinator that repeats itself."""

from typing import Any, NamedTuple

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

AGAIN_US = 60 * MS
TRIES = 3


class Message(NamedTuple):
    what: str
    tx: str
    content: Any = None


class Open(NamedTuple):
    state: str
    coordinator: int
    changes: tuple


class TwoPhase(Node):
    def __init__(self, ctx):
        super().__init__(ctx)
        self.accounts = Accounts(ctx.options["opening"].get(ctx.id, {}))
        self.known = {}
        self.states = {}
        self.yes = {}
        self.told = {}
        self.clients = {}
        self.tries = {}
        for tx in ctx.disk.read("all", ()):
            self.known[tx] = ctx.disk.read(tx)
            self.states[tx] = self.known[tx].state
        for tx, (state, _, changes) in self.known.items():
            mine = self.mine(changes)
            if state == YES:
                self.accounts.promise(tx, mine)
            elif state == COMMIT:
                self.accounts.settle(tx, mine, commit=True)

    def probe(self):
        role = "participant" if self.accounts.balances else "coordinator"
        return CommitProbe(role, self.states, self.accounts.balances)

    def mine(self, changes):
        return [each for each in changes if each.server == self.ctx.id]

    def keep(self, tx, state, coordinator, changes):
        self.known[tx] = Open(state, coordinator, changes)
        self.states[tx] = state
        self.ctx.disk.write(tx, self.known[tx])
        self.ctx.disk.write("all", tuple(self.known))
        self.ctx.disk.sync()

    def change(self, tx, state):
        before = self.known[tx]
        self.keep(tx, state, before.coordinator, before.changes)
        if before.state == YES:
            self.accounts.settle(tx, self.mine(before.changes), commit=state == COMMIT)

    def on_start(self):
        for tx, (state, coordinator, _) in list(self.known.items()):
            if state == WAITING:
                self.change(tx, ABORT)
            if coordinator == self.ctx.id or state == YES:
                self.again(tx)

    def on_timer(self, tx):
        if self.states[tx] == WAITING:
            self.tries[tx] = self.tries.get(tx, 0) + 1
            if self.tries[tx] == TRIES:
                self.change(tx, ABORT)
        self.again(tx)

    def again(self, tx):
        """Say once more what the others should know by now."""
        state, coordinator, changes = self.known[tx]
        them = participants(changes)
        if state == YES:
            for each in {coordinator, *them} - {self.ctx.id}:
                self.ctx.send(each, Message("what", tx))
        elif state == WAITING:
            for each in them:
                if each not in self.yes[tx]:
                    self.ctx.send(each, Message("prepare", tx, changes))
        else:
            missing = [each for each in them if each not in self.told.get(tx, ())]
            for each in missing:
                self.ctx.send(each, Message(state, tx))
            self.answer(tx)
            if not missing:
                return
        self.ctx.set_timer(tx, AGAIN_US)

    def answer(self, tx):
        if tx in self.clients:
            self.ctx.send(self.clients.pop(tx), Answer(tx, self.states[tx] == COMMIT))

    def on_message(self, src, message):
        if isinstance(message, Begin):
            self.begin(src, *message)
        elif isinstance(message, Message):
            {
                "prepare": self.prepare,
                "yes": self.count,
                "no": self.refuse,
                "what": self.tell,
                "done": self.done,
                COMMIT: self.settle,
                ABORT: self.settle,
            }[message.what](src, message)

    def begin(self, src, tx, changes):
        self.clients[tx] = src
        state = self.states.get(tx)
        if state is None:
            self.keep(tx, WAITING, self.ctx.id, changes)
            self.yes[tx] = set()
            self.again(tx)
        elif state != WAITING:
            self.answer(tx)

    def prepare(self, src, message):
        tx, changes = message.tx, message.content
        if tx not in self.states:
            can = self.accounts.can(tx, self.mine(changes))
            self.keep(tx, YES if can else ABORT, src, changes)
            if can:
                self.accounts.promise(tx, self.mine(changes))
                self.ctx.set_timer(tx, 3 * AGAIN_US)
        self.ctx.send(src, Message("no" if self.states[tx] == ABORT else "yes", tx))

    def count(self, src, message):
        tx = message.tx
        if self.states.get(tx) == WAITING:
            self.yes[tx].add(src)
            if set(participants(self.known[tx].changes)) <= self.yes[tx]:
                self.change(tx, COMMIT)
                self.again(tx)

    def refuse(self, src, message):
        if self.states.get(message.tx) == WAITING:
            self.change(message.tx, ABORT)
            self.again(message.tx)

    def tell(self, src, message):
        tx = message.tx
        if tx not in self.states:
            self.keep(tx, ABORT, src, ())
        if self.states[tx] in (COMMIT, ABORT):
            self.ctx.send(src, Message(self.states[tx], tx))

    def settle(self, src, message):
        tx = message.tx
        if tx not in self.states:
            self.keep(tx, message.what, src, ())
        elif self.states[tx] == YES:
            self.change(tx, message.what)
            self.ctx.cancel(tx)
        self.ctx.send(src, Message("done", tx))

    def done(self, src, message):
        if message.tx in self.known and self.known[message.tx].coordinator == self.ctx.id:
            self.told.setdefault(message.tx, set()).add(src)

"""Your server of two-phase commit. The sections (§) are those of Bernstein, Hadzilacos and Goodman,
"Concurrency Control and Recovery in Database Systems", chapter 7.

The simulator makes one object of this class for each server, and a new one after each crash (only
self.ctx.disk is still there), and calls it:

    on_start()              at the first start, and after each crash
    on_message(src, m)      when a message arrives
    on_timer(name)          when a timer runs out
    probe()                 after every event, to look at what you know

What you may use:

    self.ctx.id             your number; self.ctx.peers are the others
    self.ctx.send(dst, m)   send a message; it may be late, doubled or lost. What arrives equals what
                            was sent, and need not be the same object: compare with ==, not with is
    self.ctx.set_timer(name, delay_us)      a second call of the same name replaces the first
    self.ctx.cancel(name)
    self.ctx.disk           append(name, record) and log(name) for a log; write(key, value) and
                            read(key, default) for single values; sync(): what was written but not
                            synced may be lost in a crash, all of it or the later part

The same class runs on every server. Whoever gets a Begin from a client coordinates that transaction;
the servers named in its changes are the participants.
"""

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

# MESSAGES -----------------------------------------------------------------------------------
#
# From clients you get      Begin(tx, changes), again and again until you answer
# and they wait for         Answer(tx, committed)
#
# A change is (server, account, amount). participants(changes) are the servers in it.
# What servers say to each other is yours. These are the usual ones; in stage 2 you add one more.


class Prepare(NamedTuple):
    tx: str
    changes: tuple


class Vote(NamedTuple):
    tx: str
    yes: bool


class Decision(NamedTuple):
    tx: str
    outcome: str  # COMMIT or ABORT


# THE SERVER ---------------------------------------------------------------------------------


class TwoPhase(Node):
    def __init__(self, ctx):
        super().__init__(ctx)
        # The accounts of this server, as they were when the bank opened.
        #   accounts.can(tx, changes)       is the money there, and promised to nobody else?
        #   accounts.promise(tx, changes)   lock it
        #   accounts.settle(tx, changes, commit=True or False)      do it or not, and unlock
        # They are in memory: after a crash, you do again what your log says.
        self.accounts = Accounts(ctx.options["opening"].get(ctx.id, {}))
        # Transaction → WAITING (I coordinate, and count), YES (I promised), COMMIT or ABORT.
        self.states = {}

    def probe(self):
        # This is what the judge sees of your state; it also sees what clients are told. Keep the
        # names above, and it is right.
        role = "participant" if self.accounts.balances else "coordinator"
        return CommitProbe(role, self.states, self.accounts.balances)

    def on_start(self):
        # STAGE 3: what was open when I died?
        pass

    def on_timer(self, name):
        # STAGE 1: a vote that does not come is a no.
        # STAGE 2: I promised, and nobody tells me the outcome. Whom can I ask?
        pass

    def on_message(self, src, message):
        if isinstance(message, Begin):
            # STAGE 1, the coordinator: ask every participant to prepare.
            pass
        elif isinstance(message, Prepare):
            # STAGE 1, a participant: vote. My own changes are those with each.server == self.ctx.id.
            pass
        elif isinstance(message, Vote):
            # STAGE 1, the coordinator: one no is enough for ABORT; COMMIT needs every yes.
            pass
        elif isinstance(message, Decision):
            # STAGE 1, a participant: settle.
            pass

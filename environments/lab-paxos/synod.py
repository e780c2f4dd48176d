"""One value, chosen by a majority. The sections (§) are those of *Paxos Made Simple*.

The simulator makes one object of this class for each server, and a new one after each crash (only
self.ctx.disk is still there), and calls it:

    on_start()              at the first start, and after each crash
    on_message(src, m)      when a message arrives
    on_timer(name)          when a timer runs out
    probe()                 after every event, to look at what you know

A handler runs to its end before the next one begins, so there are no locks. What you may use:

    self.ctx.id             your number; self.ctx.peers are the others
    self.ctx.send(dst, m)   send a message; it may be late, doubled or lost. What arrives equals what
                            was sent, and need not be the same object: compare with ==, not with is
    self.ctx.set_timer(name, delay_us)      a second call replaces the first
    self.ctx.cancel(name)
    self.ctx.random         your own chance: self.ctx.random.random() is from 0 up to 1
    self.ctx.disk           write(key, value), read(key, default), sync(): what was written but not
                            synced may be lost in a crash, all of it or the later part

Every server is proposer, acceptor and learner at once.
"""

from jupyter_sysdesign.simulation.clients import Reply, Request
from jupyter_sysdesign.simulation.node import Node
from jupyter_sysdesign.simulation.protocols.paxos.messages import (
    NO_BALLOT,
    Accept,
    Accepted,
    Ballot,
    Chosen,
    PaxosProbe,
    Prepare,
    Promise,
    Proposal,
    Refused,
)
from jupyter_sysdesign.simulation.units import MS

# These messages are NamedTuples: tuples with names, which cannot be changed once they are made.
#
#   Prepare(ballot, first)          first is the first slot that is asked about, here always 1
#   Promise(ballot, accepted)       accepted is a tuple of (slot, ballot, value); () if nothing was
#   Accept(ballot, slot, value)
#   Accepted(ballot, slot)
#   Refused(ballot)                 the higher ballot that was promised
#   Chosen(first, values)           the values from slot first on: here (value,)
#
# Ballot(round, server) and Proposal(ballot, value) are some, too; tuples compare by their first
# field, then by the second. There is only one thing to decide: it is slot 1.


class Synod(Node):
    def __init__(self, ctx):
        super().__init__(ctx)
        self.role = "acceptor"  # or "proposer" in phase 1, or "leader" in phase 2
        self.promised = NO_BALLOT
        self.accepted = {}  # slot 1: Proposal(ballot, value)
        self.chosen = {}  # slot 1: value

    def probe(self):
        # This is what the judge sees of your state; it also sees what clients are told. Keep the
        # names above, and it is right.
        return PaxosProbe(self.role, self.promised, self.accepted, self.chosen)

    def on_timer(self, name):
        # PROPOSER: nothing came of your ballot. Try a higher one, and do not wait as long as the
        # other proposers do.
        pass

    def on_message(self, src, message):
        if isinstance(message, Request):
            # A client wants message.value to be chosen. When you know what *was* chosen, tell it:
            # self.ctx.send(message.client, Reply(message.serial, True, the chosen value)).
            # PROPOSER: phase 1 begins with Prepare(ballot) to all others.
            pass
        # ACCEPTOR: Prepare → Promise or Refused, Accept → Accepted or Refused.
        # PROPOSER: with a majority's Promises, phase 2: Accept(ballot, 1, value). Which value?
        # LEARNER: with a majority's Accepted, it is chosen. Chosen(1, (value,)) tells the others.

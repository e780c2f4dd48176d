"""Your Raft server. The sections (§) are those of the Raft paper, extended version.

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
    self.ctx.disk           write(key, value) and read(key, default); for lists append(key, entry),
                            truncate(key, length) and log(key); sync(): what was written but not
                            synced may be lost in a crash, all of it or the later part
"""

from typing import NamedTuple

from jupyter_sysdesign.simulation.clients import Reply, Request
from jupyter_sysdesign.simulation.node import Node
from jupyter_sysdesign.simulation.protocols.raft.messages import RaftProbe
from jupyter_sysdesign.simulation.units import MS

# MESSAGES -----------------------------------------------------------------------------------
#
# What servers say to each other is yours. A NamedTuple is a tuple with names, and cannot be
# changed after it was made. These two are where most people begin (Figure 2).


class RequestVote(NamedTuple):
    term: int
    last_index: int
    last_term: int


class Vote(NamedTuple):
    term: int
    granted: bool


# THE SERVER ---------------------------------------------------------------------------------


class Raft(Node):
    def __init__(self, ctx):
        super().__init__(ctx)
        self.role = "follower"  # or "candidate", or "leader"
        self.term = 0
        self.voted_for = None
        self.log = []  # entries (term, command); the first one has index 1
        self.commit = 0
        self.leader = None

    def probe(self):
        # This is what the judge sees of your state; it also sees what clients are told. Keep the
        # names above, and it is right.
        return RaftProbe(self.role, self.term, self.voted_for, self.commit, self.log)

    def on_start(self):
        # STAGE 1: wait for a leader. A server that hears nothing for long enough stands for
        # election. Remember that two servers which wait equally long will always stand together.
        pass

    def on_timer(self, name):
        # STAGE 1: become a candidate, or send the leader's next heartbeat.
        pass

    def on_message(self, src, message):
        # STAGE 1: votes and heartbeats.
        # STAGE 2: entries, and what the followers say to them.
        if isinstance(message, Request):
            # A client: message.client, .serial, .op ("get", "put" or "append"), .key, .value.
            # STAGE 2: the leader puts it into the log, and answers when it is committed.
            # Everybody else sends the client on.
            # Reply(serial, ok, value, leader): value is what a get found, else None.
            self.ctx.send(src, Reply(message.serial, ok=False, leader=self.leader))

"""A replicated store on Paxos. The sections (§) are those of *Paxos Made Simple*; this is §3.

What you may use stands at the top of synod.py. For lists the disk also has append(key, record) and
log(key), so that you need not write everything anew each time. The messages:

    Prepare(ballot, first)          for all slots from first on
    Promise(ballot, accepted)       accepted is a tuple of (slot, ballot, value), from slot first on
    Accept(ballot, slot, value)
    Accepted(ballot, slot)
    Refused(ballot)                 the higher ballot that was promised
    Chosen(first, values)           what was chosen, from slot first on
    Heartbeat(ballot, chosen)       from the leader: all slots up to chosen are chosen
    Missing(first)                  from one that lacks some: send me what was chosen from first on
"""

from jupyter_sysdesign.simulation.clients import Reply, Request
from jupyter_sysdesign.simulation.node import Node
from jupyter_sysdesign.simulation.protocols.paxos.messages import (
    NO_BALLOT,
    Accept,
    Accepted,
    Ballot,
    Chosen,
    Heartbeat,
    Missing,
    PaxosProbe,
    Prepare,
    Promise,
    Proposal,
    Refused,
)
from jupyter_sysdesign.simulation.units import MS


class Paxos(Node):
    def __init__(self, ctx):
        super().__init__(ctx)
        self.role = "acceptor"  # or "proposer" in phase 1, or "leader" after it
        self.promised = NO_BALLOT  # one promise, for all slots
        self.accepted = {}  # slot: Proposal(ballot, value)
        self.chosen = {}  # slot: value
        self.leader = None

    def probe(self):
        # This is what the judge sees of your state; it also sees what clients are told. Keep the
        # names above, and it is right.
        return PaxosProbe(self.role, self.promised, self.accepted, self.chosen)

    def on_start(self):
        # Wait for a leader's Heartbeat(ballot, chosen); a server that hears none for long enough
        # begins phase 1, for all slots that it does not know to be chosen: Prepare(ballot, first).
        pass

    def on_timer(self, name):
        pass

    def on_message(self, src, message):
        # A new leader first proposes again what its promises told it, and nothing (None) where a
        # slot between was not told of. Then each command costs phase 2 only.
        if isinstance(message, Request):
            # A client: message.client, .serial, .op ("get", "put" or "append"), .key, .value.
            # The leader proposes it for the next slot. When that slot and all before it are
            # chosen, it is carried out, once, and the client told. Everybody else tells the client
            # who leads.
            # Reply(serial, ok, value, leader): value is what a get found, else None.
            self.ctx.send(src, Reply(message.serial, ok=False, leader=self.leader))

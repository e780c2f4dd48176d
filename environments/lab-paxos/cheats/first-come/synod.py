"""One value, chosen by a majority."""

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

SHORTEST_US, LONGEST_US = 40 * MS, 160 * MS
SLOT = 1


class Synod(Node):
    def __init__(self, ctx):
        super().__init__(ctx)
        self.role = "acceptor"
        self.promised = ctx.disk.read("promised", NO_BALLOT)
        self.accepted = dict(ctx.disk.read("accepted", ()))
        self.chosen = {}
        self.ballot = NO_BALLOT
        self.wanted = None
        self.promises = {}
        self.accepts = set()
        self.askers = {}

    def probe(self):
        return PaxosProbe(self.role, self.promised, self.accepted, self.chosen)

    def on_timer(self, name):
        if not self.chosen:
            self.propose()

    def on_message(self, src, message):
        if isinstance(message, Request):
            self.on_request(src, message)
        elif isinstance(message, Prepare):
            self.on_prepare(src, message)
        elif isinstance(message, Promise):
            self.on_promise(src, message)
        elif isinstance(message, Accept):
            self.on_accept(src, message)
        elif isinstance(message, Accepted):
            self.on_accepted(src, message)
        elif isinstance(message, Chosen):
            self.learn(message.values[0])
        elif isinstance(message, Refused):
            self.on_refused(message)

    def save(self):
        self.ctx.disk.write("promised", self.promised)
        self.ctx.disk.write("accepted", tuple(self.accepted.items()))
        self.ctx.disk.sync()

    def is_majority(self, count):
        return count * 2 > len(self.ctx.peers) + 1

    def wait(self):
        spread = int(self.ctx.random.random() * (LONGEST_US - SHORTEST_US))
        self.ctx.set_timer("again", SHORTEST_US + spread)

    # Proposer (§2.2)

    def on_request(self, src, message):
        if self.chosen:
            self.ctx.send(src, Reply(message.serial, True, self.chosen[SLOT]))
            return
        self.askers[src] = message.serial
        if self.wanted is None:
            self.wanted = message.value
            self.learn(message.value)
            for peer in self.ctx.peers:
                self.ctx.send(peer, Chosen(SLOT, (message.value,)))

    def propose(self):
        self.role = "proposer"
        self.ballot = Ballot(self.promised.round + 1, self.ctx.id)
        self.promised = self.ballot
        self.save()
        self.promises = {self.ctx.id: self.accepted.get(SLOT)}
        self.wait()
        for peer in self.ctx.peers:
            self.ctx.send(peer, Prepare(self.ballot))

    def on_promise(self, src, message):
        if self.role != "proposer" or message.ballot != self.ballot:
            return
        self.promises[src] = Proposal(*message.accepted[0][1:]) if message.accepted else None
        if self.is_majority(len(self.promises)):
            self.role = "leader"
            known = [each for each in self.promises.values() if each is not None]
            value = max(known, key=lambda each: each.ballot).value if known else self.wanted
            self.accepted[SLOT] = Proposal(self.ballot, value)
            self.save()
            self.accepts = {self.ctx.id}
            for peer in self.ctx.peers:
                self.ctx.send(peer, Accept(self.ballot, SLOT, value))

    def on_refused(self, message):
        if message.ballot > self.promised:
            self.promised = message.ballot
            self.save()
            self.give_way()

    def give_way(self):
        if self.role != "acceptor":
            self.role = "acceptor"
            self.wait()

    # Acceptor (§2.2)

    def on_prepare(self, src, message):
        if message.ballot <= self.promised:
            self.ctx.send(src, Refused(self.promised))
            return
        self.promised = message.ballot
        self.save()
        self.give_way()
        accepted = tuple((SLOT, *each) for each in self.accepted.values())
        self.ctx.send(src, Promise(message.ballot, accepted))

    def on_accept(self, src, message):
        if message.ballot < self.promised:
            self.ctx.send(src, Refused(self.promised))
            return
        self.promised = message.ballot
        self.accepted[SLOT] = Proposal(message.ballot, message.value)
        self.save()
        self.give_way()
        self.ctx.send(src, Accepted(message.ballot, SLOT))

    # Learner (§2.3)

    def on_accepted(self, src, message):
        if self.role != "leader" or message.ballot != self.ballot:
            return
        self.accepts.add(src)
        if self.is_majority(len(self.accepts)):
            value = self.accepted[SLOT].value
            for peer in self.ctx.peers:
                self.ctx.send(peer, Chosen(SLOT, (value,)))
            self.learn(value)

    def learn(self, value):
        self.chosen[SLOT] = value
        self.role = "acceptor"
        self.ctx.cancel("again")
        for client, serial in self.askers.items():
            self.ctx.send(client, Reply(serial, True, value))
        self.askers = {}

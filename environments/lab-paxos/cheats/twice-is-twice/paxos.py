"""A replicated store on Paxos."""

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

HEARTBEAT_US = 50 * MS
SHORTEST_US, LONGEST_US = 150 * MS, 300 * MS
BATCH = 50


class Paxos(Node):
    def __init__(self, ctx):
        super().__init__(ctx)
        self.role = "acceptor"
        self.promised = ctx.disk.read("promised", NO_BALLOT)
        self.accepted = {
            slot: Proposal(ballot, value) for slot, ballot, value in ctx.disk.log("accepted")
        }
        self.chosen = {}
        self.leader = None
        self.ballot = NO_BALLOT
        self.promises = {}
        self.accepts = {}
        self.next_slot = 1
        self.applied = 0
        self.values = {}
        self.sessions = {}

    def probe(self):
        return PaxosProbe(self.role, self.promised, self.accepted, self.chosen)

    def on_start(self):
        self.await_leader()

    def on_timer(self, name):
        if name == "election":
            self.stand()
        elif self.role == "leader":
            self.beat()

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
        elif isinstance(message, Heartbeat):
            self.on_heartbeat(src, message)
        elif isinstance(message, Missing):
            self.on_missing(src, message)
        elif isinstance(message, Refused):
            self.on_refused(message)
        elif isinstance(message, Chosen):
            for slot, value in enumerate(message.values, start=message.first):
                self.learn(slot, value)

    def is_majority(self, count):
        return count * 2 > len(self.ctx.peers) + 1

    # What is promised and accepted survives a crash (§2.5)

    def promise(self, ballot):
        self.promised = ballot
        self.ctx.disk.write("promised", ballot)
        self.ctx.disk.sync()

    def accept(self, ballot, slot, value):
        self.promised = ballot
        self.accepted[slot] = Proposal(ballot, value)
        self.ctx.disk.write("promised", ballot)
        self.ctx.disk.append("accepted", (slot, ballot, value))
        self.ctx.disk.sync()

    # Becoming the leader: phase 1 for all slots (§3)

    def await_leader(self):
        spread = int(self.ctx.random.random() * (LONGEST_US - SHORTEST_US))
        self.ctx.set_timer("election", SHORTEST_US + spread)

    def stand(self):
        self.role = "proposer"
        self.leader = None
        self.ballot = Ballot(self.promised.round + 1, self.ctx.id)
        self.promise(self.ballot)
        first = self.applied + 1
        self.promises = {self.ctx.id: self.accepted_from(first)}
        self.await_leader()
        for peer in self.ctx.peers:
            self.ctx.send(peer, Prepare(self.ballot, first))

    def accepted_from(self, first):
        return tuple((slot, *each) for slot, each in self.accepted.items() if slot >= first)

    def on_promise(self, src, message):
        if self.role != "proposer" or message.ballot != self.ballot:
            return
        self.promises[src] = message.accepted
        if self.is_majority(len(self.promises)):
            self.lead()

    def lead(self):
        self.role = "leader"
        self.leader = self.ctx.id
        self.accepts = {}
        self.ctx.cancel("election")
        highest = {}
        for accepted in self.promises.values():
            for slot, ballot, value in accepted:
                if slot not in highest or ballot > highest[slot][0]:
                    highest[slot] = (ballot, value)
        self.next_slot = max(highest, default=self.applied) + 1
        for slot in range(self.applied + 1, self.next_slot):
            self.propose(slot, highest[slot][1] if slot in highest else None)
        self.beat()

    def give_way(self):
        if self.role != "acceptor":
            self.role = "acceptor"
            self.leader = None
            self.accepts = {}
            self.ctx.cancel("beat")
            self.await_leader()

    def on_refused(self, message):
        if message.ballot > self.promised:
            self.promise(message.ballot)
            self.give_way()

    # Leading: phase 2 (§2.2, §3)

    def on_request(self, src, message):
        if self.role != "leader":
            self.ctx.send(src, Reply(message.serial, False, None, self.leader))
            return
        if any(self.accepted[slot].value == message for slot in self.accepts):
            return
        self.next_slot += 1
        self.propose(self.next_slot - 1, message)

    def propose(self, slot, value):
        self.accept(self.ballot, slot, value)
        self.accepts[slot] = {self.ctx.id}
        for peer in self.ctx.peers:
            self.ctx.send(peer, Accept(self.ballot, slot, value))

    def on_accepted(self, src, message):
        if self.role != "leader" or message.ballot != self.ballot:
            return
        slot = message.slot
        if slot not in self.accepts:
            return
        self.accepts[slot].add(src)
        if self.is_majority(len(self.accepts[slot])):
            del self.accepts[slot]
            value = self.accepted[slot].value
            for peer in self.ctx.peers:
                self.ctx.send(peer, Chosen(slot, (value,)))
            self.learn(slot, value)

    def beat(self):
        self.ctx.set_timer("beat", HEARTBEAT_US)
        for peer in self.ctx.peers:
            self.ctx.send(peer, Heartbeat(self.ballot, self.applied))
            for slot, accepts in self.accepts.items():
                if peer not in accepts:
                    self.ctx.send(peer, Accept(self.ballot, slot, self.accepted[slot].value))

    # Acceptor (§2.2)

    def on_prepare(self, src, message):
        if message.ballot <= self.promised:
            self.ctx.send(src, Refused(self.promised))
            return
        self.promise(message.ballot)
        self.give_way()
        self.await_leader()
        self.ctx.send(src, Promise(message.ballot, self.accepted_from(message.first)))

    def on_accept(self, src, message):
        if message.ballot < self.promised:
            self.ctx.send(src, Refused(self.promised))
            return
        self.hear(src)
        self.accept(message.ballot, message.slot, message.value)
        self.ctx.send(src, Accepted(message.ballot, message.slot))

    # Learner (§2.3, §3)

    def hear(self, src):
        self.give_way()
        self.leader = src
        self.await_leader()

    def on_heartbeat(self, src, message):
        if message.ballot < self.promised:
            self.ctx.send(src, Refused(self.promised))
            return
        self.hear(src)
        if message.chosen > self.applied:
            self.ctx.send(src, Missing(self.applied + 1))

    def on_missing(self, src, message):
        last = min(self.applied, message.first + BATCH - 1)
        values = tuple(self.chosen[slot] for slot in range(message.first, last + 1))
        if values:
            self.ctx.send(src, Chosen(message.first, values))

    def learn(self, slot, value):
        self.chosen.setdefault(slot, value)
        while self.applied + 1 in self.chosen:
            self.applied += 1
            self.apply(self.chosen[self.applied])

    # The store

    def apply(self, command):
        if command is None:
            return
        last, answer = self.sessions.get(command.client, (0, None))
        if command.serial >= 0:
            answer = self.carry_out(command.op, command.key, command.value)
            self.sessions[command.client] = (command.serial, answer)
        if self.role == "leader":
            self.ctx.send(command.client, Reply(command.serial, True, answer))

    def carry_out(self, op, key, value):
        if op == "get":
            return self.values.get(key)
        self.values[key] = value if op == "put" else (self.values.get(key) or "") + value
        return None

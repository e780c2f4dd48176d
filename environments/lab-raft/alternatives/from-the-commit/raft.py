"""Raft: elections, replication, persistence."""

from typing import Any, NamedTuple

from jupyter_sysdesign.simulation.clients import Reply, Request
from jupyter_sysdesign.simulation.node import Node
from jupyter_sysdesign.simulation.protocols.raft.messages import RaftProbe
from jupyter_sysdesign.simulation.units import MS

HEARTBEAT_US = 50 * MS
SHORTEST_US, LONGEST_US = 150 * MS, 300 * MS
BATCH = 50

# MESSAGES -----------------------------------------------------------------------------------


class RequestVote(NamedTuple):
    term: int
    last_index: int
    last_term: int


class Vote(NamedTuple):
    term: int
    granted: bool


class AppendEntries(NamedTuple):
    term: int
    previous: int
    previous_term: int
    entries: tuple[Any, ...]
    commit: int


class Appended(NamedTuple):
    term: int
    ok: bool
    index: int


# THE SERVER ---------------------------------------------------------------------------------


class Raft(Node):
    def __init__(self, ctx):
        super().__init__(ctx)
        self.role = "follower"
        self.term = ctx.disk.read("term", 0)
        self.voted_for = ctx.disk.read("voted_for")
        self.log = ctx.disk.log("log")
        self.commit = 0
        self.leader = None
        self.votes = set()
        self.next_index = {}
        self.match_index = {}
        self.applied = 0
        self.values = {}
        self.sessions = {}

    def probe(self):
        return RaftProbe(self.role, self.term, self.voted_for, self.commit, self.log)

    def on_start(self):
        self.wait_for_leader()

    def on_timer(self, name):
        if name == "election":
            self.stand_for_election()
        elif self.role == "leader":
            self.ctx.set_timer("heartbeat", HEARTBEAT_US)
            self.replicate()

    def on_message(self, src, message):
        if isinstance(message, Request):
            self.on_request(message)
            return
        if message.term > self.term:
            self.enter_term(message.term, None)
            self.follow()
        if isinstance(message, RequestVote):
            self.on_request_vote(src, message)
        elif isinstance(message, Vote):
            self.on_vote(src, message)
        elif isinstance(message, AppendEntries):
            self.on_append_entries(src, message)
        elif isinstance(message, Appended):
            self.on_appended(src, message)

    # Elections (§5.2, §5.4.1)

    def wait_for_leader(self):
        spread = int(self.ctx.random.random() * (LONGEST_US - SHORTEST_US))
        self.ctx.set_timer("election", SHORTEST_US + spread)

    def enter_term(self, term, voted_for):
        self.term = term
        self.voted_for = voted_for
        self.leader = None
        self.save_vote()

    def save_vote(self):
        self.ctx.disk.write("term", self.term)
        self.ctx.disk.write("voted_for", self.voted_for)
        self.ctx.disk.sync()

    def follow(self):
        if self.role == "leader":
            self.ctx.cancel("heartbeat")
        if self.role != "follower":
            self.role = "follower"
            self.wait_for_leader()

    def stand_for_election(self):
        self.role = "candidate"
        self.enter_term(self.term + 1, self.ctx.id)
        self.votes = {self.ctx.id}
        self.wait_for_leader()
        for peer in self.ctx.peers:
            self.ctx.send(peer, RequestVote(self.term, len(self.log), self.last_term()))
        self.count_votes()

    def on_request_vote(self, src, message):
        theirs = (message.last_term, message.last_index)
        up_to_date = theirs >= (self.last_term(), len(self.log))
        free = self.voted_for is None or self.voted_for == src
        granted = message.term == self.term and free and up_to_date
        if granted:
            self.voted_for = src
            self.save_vote()
            self.wait_for_leader()
        self.ctx.send(src, Vote(self.term, granted))

    def on_vote(self, src, message):
        if self.role == "candidate" and message.granted and message.term == self.term:
            self.votes.add(src)
            self.count_votes()

    def count_votes(self):
        if self.is_majority(len(self.votes)):
            self.role = "leader"
            self.leader = self.ctx.id
            self.ctx.cancel("election")
            self.next_index = {peer: len(self.log) + 1 for peer in self.ctx.peers}
            self.match_index = {peer: 0 for peer in self.ctx.peers}
            self.ctx.set_timer("heartbeat", HEARTBEAT_US)
            self.propose(None)

    def is_majority(self, count):
        return count * 2 > len(self.ctx.peers) + 1

    # Replication (§5.3)

    def last_term(self):
        return self.term_at(len(self.log))

    def term_at(self, index):
        return self.log[index - 1][0] if 0 < index <= len(self.log) else 0

    def append(self, entry):
        self.log.append(entry)
        self.ctx.disk.append("log", entry)

    def truncate(self, last):
        del self.log[last:]
        self.ctx.disk.truncate("log", last)

    def save_log(self):
        self.ctx.disk.sync()

    def propose(self, command):
        self.append((self.term, command))
        self.save_log()
        self.replicate()
        self.advance_commit()

    def replicate(self):
        for peer in self.ctx.peers:
            self.send_entries(peer)

    def send_entries(self, peer):
        previous = self.next_index[peer] - 1
        entries = tuple(self.log[previous : previous + BATCH])
        self.ctx.send(
            peer,
            AppendEntries(self.term, previous, self.term_at(previous), entries, self.commit),
        )

    def on_append_entries(self, src, message):
        if message.term < self.term:
            self.ctx.send(src, Appended(self.term, False, 0))
            return
        self.follow()
        self.leader = src
        self.wait_for_leader()
        previous = message.previous
        if previous > len(self.log) or self.term_at(previous) != message.previous_term:
            # What is committed never changes, so everything behind it is enough.
            self.ctx.send(src, Appended(self.term, False, self.commit + 1))
            return
        changed = False
        for index, entry in enumerate(message.entries, start=previous + 1):
            if self.term_at(index) != entry[0]:
                self.truncate(index - 1)
                self.append(entry)
                changed = True
        if changed:
            self.save_log()
        match = previous + len(message.entries)
        self.commit_to(min(message.commit, match))
        self.ctx.send(src, Appended(self.term, True, match))

    def on_appended(self, src, message):
        if self.role != "leader" or message.term != self.term:
            return
        if message.ok:
            if message.index > self.match_index[src]:
                self.match_index[src] = message.index
                self.next_index[src] = message.index + 1
                self.advance_commit()
                if message.index < len(self.log):
                    self.send_entries(src)
        elif message.index > self.match_index[src]:
            self.next_index[src] = message.index
            self.send_entries(src)

    # Commitment (§5.3, §5.4.2)

    def advance_commit(self):
        for index in range(len(self.log), self.commit, -1):
            if self.term_at(index) != self.term:
                return
            stored = sum(each >= index for each in self.match_index.values()) + 1
            if self.is_majority(stored):
                self.commit_to(index)
                return

    def commit_to(self, index):
        self.commit = max(self.commit, index)
        while self.applied < self.commit:
            self.applied += 1
            command = self.log[self.applied - 1][1]
            if command is not None:
                answer = self.apply(command)
                if self.role == "leader":
                    self.ctx.send(command.client, Reply(command.serial, True, answer))

    # Clients (§8)

    def on_request(self, request):
        serial, answer = self.sessions.get(request.client, (0, None))
        if self.role != "leader":
            self.ctx.send(request.client, Reply(request.serial, False, leader=self.leader))
        elif request.serial == serial:
            self.ctx.send(request.client, Reply(serial, True, answer))
        else:
            self.propose(request)

    def apply(self, request):
        serial, answer = self.sessions.get(request.client, (0, None))
        if request.serial <= serial:
            return answer
        answer = None
        if request.op == "get":
            answer = self.values.get(request.key)
        elif request.op == "put":
            self.values[request.key] = request.value
        elif request.op == "append":
            self.values[request.key] = (self.values.get(request.key) or "") + request.value
        self.sessions[request.client] = (request.serial, answer)
        return answer

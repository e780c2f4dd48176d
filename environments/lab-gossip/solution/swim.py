"""A member of a group that knows who is alive. One of many that pass."""

from math import log2

from jupyter_sysdesign.simulation.node import Node
from jupyter_sysdesign.simulation.protocols.gossip.messages import (
    ALIVE,
    DEAD,
    SUSPECT,
    Ack,
    Ping,
    PingRequest,
    SwimProbe,
    Update,
)

HELPERS = 3
LOAD = 6
WORSE = (ALIVE, SUSPECT, DEAD)


class Swim(Node):
    def __init__(self, ctx):
        super().__init__(ctx)
        self.incarnation = ctx.disk.read("incarnation", 0) + 1
        self.members = dict.fromkeys(ctx.peers, ALIVE)
        self.incarnations = dict.fromkeys(ctx.peers, 0)
        self.rumours = {}  # member: (update, how often it was told)
        self.round = []
        self.number = 0
        self.target = None
        self.errands = {}  # number: (who asked me, under which number)

    def probe(self):
        return SwimProbe("member", self.incarnation, self.members)

    def on_start(self):
        self.remember()
        self.spread(Update(ALIVE, self.ctx.id, self.incarnation))
        spread = int(self.ctx.random.random() * self.ctx.options["period_us"])
        self.ctx.set_timer("period", spread)

    def remember(self):
        self.ctx.disk.write("incarnation", self.incarnation)
        self.ctx.disk.sync()

    # Failure detector (§3.1, §4.3)

    def on_timer(self, name):
        if name == "period":
            self.end_period()
            self.ctx.set_timer("period", self.ctx.options["period_us"])
            self.begin_period()
        elif name == "ask others":
            self.ask_others()
        else:
            for member, status in list(self.members.items()):
                if name == f"suspect {member}" and status == SUSPECT:
                    self.hear(Update(DEAD, member, self.incarnations[member]))

    def begin_period(self):
        if not self.round:
            self.round = list(self.members)
            self.ctx.random.shuffle(self.round)
        self.target = self.round.pop()
        self.number += 1
        self.ctx.send(self.target, Ping(self.number, self.load(self.target)))
        self.ctx.set_timer("ask others", self.ctx.options["period_us"] // 3)

    def ask_others(self):
        if self.target is None or self.members[self.target] == DEAD:
            return
        helpers = [
            each
            for each, status in self.members.items()
            if status == ALIVE and each != self.target
        ]
        self.ctx.random.shuffle(helpers)
        for helper in helpers[:HELPERS]:
            self.ctx.send(helper, PingRequest(self.number, self.target, self.load(helper)))

    def end_period(self):
        if self.target is not None and self.members[self.target] == ALIVE:
            self.hear(Update(SUSPECT, self.target, self.incarnations[self.target]))
        self.target = None

    def on_message(self, src, message):
        for update in message.updates:
            self.hear(update)
        if isinstance(message, Ping):
            self.ctx.send(src, Ack(message.number, self.ctx.id, self.load(src)))
        elif isinstance(message, PingRequest):
            self.number += 1
            self.errands[self.number] = (src, message.number)
            self.ctx.send(message.target, Ping(self.number, self.load(message.target)))
        elif message.number in self.errands:
            asker, number = self.errands.pop(message.number)
            self.ctx.send(asker, Ack(number, message.member, self.load(asker)))
        elif message.member == self.target:
            self.target = None

    # Rumours (§4.1, §4.2)

    def hear(self, update):
        if update.member == self.ctx.id:
            self.defend(update)
        elif self.is_news(update):
            self.members[update.member] = update.status
            self.incarnations[update.member] = update.incarnation
            self.spread(update)
            timer = f"suspect {update.member}"
            if update.status == SUSPECT:
                self.ctx.set_timer(timer, self.ctx.options["suspicion_us"])
            else:
                self.ctx.cancel(timer)

    def is_news(self, update):
        known = (self.incarnations[update.member], WORSE.index(self.members[update.member]))
        return (update.incarnation, WORSE.index(update.status)) > known

    def defend(self, update):
        if update.status != ALIVE and update.incarnation >= self.incarnation:
            self.incarnation = update.incarnation + 1
            self.remember()
            self.spread(Update(ALIVE, self.ctx.id, self.incarnation))

    def spread(self, update):
        self.rumours[update.member] = (update, 0)

    def load(self, dst):
        often = 3 * int(log2(len(self.members) + 2) + 1)
        chosen = sorted(self.rumours.values(), key=lambda each: each[1])[:LOAD]
        for update, told in chosen:
            if told + 1 >= often:
                del self.rumours[update.member]
            else:
                self.rumours[update.member] = (update, told + 1)
        updates = [Update(ALIVE, self.ctx.id, self.incarnation)]
        if self.members[dst] != ALIVE:
            updates.append(Update(self.members[dst], dst, self.incarnations[dst]))
        return (*updates, *(update for update, _ in chosen))

"""A member of a group that wants to know who is alive. The sections (§) are those of the SWIM paper.

The simulator makes one object of this class for each member, and a new one after each crash (only
self.ctx.disk is still there), and calls it:

    on_start()              at the first start, and after each crash
    on_message(src, m)      when a message arrives
    on_timer(name)          when a timer runs out
    probe()                 after every event, to look at what you believe

What you may use:

    self.ctx.id             your number; self.ctx.peers are the others
    self.ctx.send(dst, m)   send a message; it may be late, doubled or lost. What arrives equals what
                            was sent, and need not be the same object: compare with ==, not with is
    self.ctx.set_timer(name, delay_us)      a second call replaces the first
    self.ctx.cancel(name)
    self.ctx.random         your own chance: .random(), .shuffle(list), .choice(list)
    self.ctx.disk           write(key, value), read(key, default), sync()
    self.ctx.options        "period_us": one ping in each; "suspicion_us": the time to defend oneself

The messages are tuples with names:

    Ping(number, updates)                   are you there?
    PingRequest(number, target, updates)    ask target for me
    Ack(number, member, updates)            member is there: I am, or I have asked it for you

The number comes back with the answer. The updates are a tuple of Update(status, member, incarnation),
the rumours that travel along; at first there are none: ().
"""

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


class Swim(Node):
    def __init__(self, ctx):
        super().__init__(ctx)
        self.incarnation = 1
        self.members = dict.fromkeys(ctx.peers, ALIVE)  # member: ALIVE, SUSPECT or DEAD

    def probe(self):
        # This is all that the judge ever sees of you. Keep the names above, and it is right.
        return SwimProbe("member", self.incarnation, self.members)

    def on_start(self):
        # STAGE 1: begin the first period after a random part of one, so that not all ping at once.
        # STAGE 3: who comes back from a crash must be newer than what was said of it. In the paper
        # death is final (§4.2); here a higher incarnation beats even dead.
        pass

    def on_timer(self, name):
        # STAGE 1: in each period ping one other; everybody once before anybody twice (§4.3). Who has
        # not answered in a third of the period is asked by three others (§3.1). Who has not answered
        # at the end of it is suspected (§4.2), and is dead when its time to defend itself is over.
        pass

    def on_message(self, src, message):
        # STAGE 1: answer a Ping; ask for somebody else on a PingRequest, and pass the Ack on.
        # STAGE 2: believe the updates that are news, and pass them on with your own messages (§4.1).
        # STAGE 3: deny it if you are said to be suspect or dead, with a higher incarnation (§4.2).
        pass

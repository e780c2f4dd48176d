"""A SWIM member: pings one other in each period, and passes rumours on."""

from __future__ import annotations

from math import log2
from typing import TYPE_CHECKING, Any, ClassVar

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

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import NodeId


class Swim(Node):
    """One member.

    Attributes:
        incarnation: its own; on disk, so that it comes back as somebody newer.
        members: other member → ``alive``, ``suspect`` or ``dead``.
        incarnations: other member → the highest that was heard of.
        rumours: member → the news of it, and how often it was passed on.
        round: whom it still pings before it begins anew, in an order drawn by lot.
        target: whom it pings in this period, until it answers.
        errands: number → for whom, and under which number, it asks.
    """

    #: Others that are asked to ping in one's place (k in the paper).
    HELPERS: ClassVar[int] = 3
    #: Rumours that travel along with one message.
    LARGEST_LOAD: ClassVar[int] = 6

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.period: int = ctx.options["period_us"]
        self.patience: int = ctx.options["suspicion_us"]
        self.incarnation: int = ctx.disk.read("incarnation", 0) + 1
        self.members: dict[NodeId, str] = dict.fromkeys(ctx.peers, ALIVE)
        self.incarnations: dict[NodeId, int] = dict.fromkeys(ctx.peers, 0)
        self.rumours: dict[NodeId, tuple[Update, int]] = {}
        self.round: list[NodeId] = []
        self.number = 0
        self.target: NodeId | None = None
        self.errands: dict[int, tuple[NodeId, int]] = {}

    def probe(self) -> SwimProbe:
        """Show what it believes."""
        return SwimProbe("member", self.incarnation, self.members)

    def on_start(self) -> None:
        """Begin somewhere in a period, so that not all ping at once; say that it is there."""
        self.remember()
        self.spread(Update(ALIVE, self.ctx.id, self.incarnation))
        self.ctx.set_timer("period", int(self.ctx.random.random() * self.period))

    def remember(self) -> None:
        """Keep the incarnation through a crash."""
        self.ctx.disk.write("incarnation", self.incarnation)
        self.ctx.disk.sync()

    # The failure detector (§3.1, §4.3) --------------------------------------------------------

    def on_timer(self, name: str) -> None:
        """Begin a period; ask others where no answer came; give up on a suspect."""
        if name == "period":
            self.end_period()
            self.ctx.set_timer("period", self.period)
            self.begin_period()
        elif name == "ask others":
            self.ask_others()
        else:
            self.give_up(next(each for each in self.members if f"suspect {each}" == name))

    def begin_period(self) -> None:
        """Ping the next one of the round."""
        self.target = self.next_target()
        if self.target is not None:
            self.number += 1
            self.ctx.send(self.target, Ping(self.number, self.load(self.target)))
            self.ctx.set_timer("ask others", self.period // 3)

    def next_target(self) -> NodeId | None:
        """Return everybody once before anybody twice: that bounds the time to detect (§4.3).

        The dead are asked, too, unlike in the paper, where they are gone for good: after a cut
        network heals, both sides believe that the other one is dead, and somebody must knock.
        """
        if not self.round:
            self.round = list(self.members)
            self.ctx.random.shuffle(self.round)
        return self.round.pop() if self.round else None

    def ask_others(self) -> None:
        """Let some others ping: it may be one's own link that is bad."""
        if self.target is None or self.members[self.target] == DEAD:
            return
        choice = [
            each for each, status in self.members.items() if status == ALIVE and each != self.target
        ]
        self.ctx.random.shuffle(choice)
        for helper in choice[: self.HELPERS]:
            self.ctx.send(helper, PingRequest(self.number, self.target, self.load(helper)))

    def end_period(self) -> None:
        """Suspect who has not answered, by any way."""
        if self.target is not None and self.members[self.target] == ALIVE:
            self.suspect(self.target)
        self.target = None

    def suspect(self, member: NodeId) -> None:
        """Say so, and let it defend itself (§4.2)."""
        self.hear(Update(SUSPECT, member, self.incarnations[member]))

    def give_up(self, member: NodeId) -> None:
        """Declare a suspect dead that has not defended itself in time (§4.2)."""
        if self.members[member] == SUSPECT:
            self.hear(Update(DEAD, member, self.incarnations[member]))

    def on_message(self, src: NodeId, message: Any) -> None:
        """Take the rumours, and answer."""
        for update in message.updates:
            self.hear(update)
        if isinstance(message, Ping):
            self.ctx.send(src, Ack(message.number, self.ctx.id, self.load(src)))
        elif isinstance(message, PingRequest):
            self.number += 1
            self.errands[self.number] = (src, message.number)
            self.ctx.send(message.target, Ping(self.number, self.load(message.target)))
        elif isinstance(message, Ack):
            if message.number in self.errands:
                asker, number = self.errands.pop(message.number)
                self.ctx.send(asker, Ack(number, message.member, self.load(asker)))
            elif message.member == self.target:
                self.target = None

    # Rumours (§4.1, §4.2) ---------------------------------------------------------------------

    def hear(self, update: Update) -> None:
        """Believe what is newer than what one knows, and pass it on."""
        if update.member == self.ctx.id:
            self.defend(update)
        elif self.is_news(update):
            member = update.member
            self.members[member] = update.status
            self.incarnations[member] = update.incarnation
            self.spread(update)
            if update.status == SUSPECT:
                self.ctx.set_timer(f"suspect {member}", self.patience)
            else:
                self.ctx.cancel(f"suspect {member}")

    def is_news(self, update: Update) -> bool:
        """Return whether it overrides what is known (§4.2).

        Of the same incarnation, dead overrides suspect and suspect overrides alive. A higher one
        overrides all, also dead, unlike in the paper: that is how a member comes back.
        """
        status, member, incarnation = update
        known = self.incarnations[member]
        rank = (ALIVE, SUSPECT, DEAD).index
        return (incarnation, rank(status)) > (known, rank(self.members[member]))

    def defend(self, update: Update) -> None:
        """Deny a rumour of one's own death, with a higher incarnation (§4.2)."""
        if update.status != ALIVE and update.incarnation >= self.incarnation:
            self.incarnation = update.incarnation + 1
            self.remember()
            self.spread(Update(ALIVE, self.ctx.id, self.incarnation))

    def spread(self, update: Update) -> None:
        """Pass a rumour on from now on, in the place of an older one of the same member."""
        self.rumours[update.member] = (update, 0)

    def load(self, dst: NodeId) -> tuple[Update, ...]:
        """Return the rumours for a message: those first that were told least (§4.1).

        Each is told a few times log n, which is enough to reach nearly everybody. For the others
        every message says that its sender lives, and tells its receiver what is said of it.
        """
        often = 3 * int(log2(len(self.members) + 2) + 1)
        chosen = sorted(self.rumours.values(), key=lambda each: each[1])[: self.LARGEST_LOAD]
        for update, told in chosen:
            if told + 1 >= often:
                del self.rumours[update.member]
            else:
                self.rumours[update.member] = (update, told + 1)
        direct = [Update(ALIVE, self.ctx.id, self.incarnation)]
        if self.members[dst] != ALIVE:
            direct.append(Update(self.members[dst], dst, self.incarnations[dst]))
        return (*direct, *(update for update, _ in chosen))

"""A gallery of SWIM members that leave a part of it out: what the judge must find.

Each names the rules that may show it first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.simulation.judge.gallery import Gallery
from jupyter_sysdesign.simulation.protocols.gossip.messages import (
    ALIVE,
    DEAD,
    SUSPECT,
    Ping,
    Update,
)
from jupyter_sysdesign.simulation.protocols.gossip.swim import Swim

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.node import NodeId

GALLERY = Gallery()


@GALLERY.mutant("no-suspicion", "§4.2", "accuracy")
class NoSuspicion(Swim):
    """Declares dead at once who does not answer: a pause of a second is a death."""

    def suspect(self, member: NodeId) -> None:
        """Do not wait."""
        self.hear(Update(DEAD, member, self.incarnations[member]))


@GALLERY.mutant("no-helpers", "§3.1", "reached", "accuracy")
class NoHelpers(Swim):
    """Asks nobody else: its own bad link makes it suspect others."""

    def ask_others(self) -> None:
        """Trust one's own link."""


@GALLERY.mutant("no-rumours", "§4.1", "dissemination", "completeness", "accuracy", "rejoined")
class NoRumours(Swim):
    """Keeps what it finds out to itself."""

    def load(self, dst: NodeId) -> tuple[Update, ...]:
        """Tell of oneself and of the other only."""
        self.rumours = {}
        return super().load(dst)


@GALLERY.mutant("never-defends", "§4.2", "accuracy", "rejoined")
class NeverDefends(Swim):
    """Hears that it is suspected, and does not deny it."""

    def defend(self, update: Update) -> None:
        """Be silent."""


@GALLERY.mutant("ignores-incarnations", "§4.2", "accuracy", "rejoined")
class IgnoresIncarnations(Swim):
    """Lets the worse news win, however old: a suspect's own word counts for nothing."""

    def is_news(self, update: Update) -> bool:
        """Compare what is said only."""
        rank = (ALIVE, SUSPECT, DEAD).index
        return rank(update.status) > rank(self.members[update.member])


@GALLERY.mutant("comes-back-as-the-old-one", "§4.2", "rejoined", "accuracy")
class ComesBackAsTheOldOne(Swim):
    """Forgets its incarnation in a crash, and defends itself only while it is suspected."""

    def remember(self) -> None:
        """Do not write."""

    def defend(self, update: Update) -> None:
        """Take the rumour of one's own death for settled."""
        if update.status != DEAD:
            super().defend(update)


@GALLERY.mutant("pings-everybody", "§1 and §3", "message-budget")
class PingsEverybody(Swim):
    """Pings all others in each period: with n members that is n² messages."""

    def begin_period(self) -> None:
        """Ping the next one, and all others."""
        super().begin_period()
        for peer, status in self.members.items():
            if status == ALIVE and peer != self.target:
                self.ctx.send(peer, Ping(0, self.load(peer)))


@GALLERY.mutant("gives-nobody-up", "§4.2", "completeness")
class GivesNobodyUp(Swim):
    """Suspects for ever."""

    def give_up(self, member: NodeId) -> None:
        """Hope."""


@GALLERY.mutant("forgets-the-dead", "this lab, unlike §4.2", "rejoined")
class ForgetsTheDead(Swim):
    """Asks the dead no more: two halves that buried each other never hear of it again."""

    def next_target(self) -> NodeId | None:
        """Leave them out, unless nobody else is left."""
        living = [each for each, status in self.members.items() if status != DEAD]
        if not self.round and living:
            self.round = living
            self.ctx.random.shuffle(self.round)
        return super().next_target()

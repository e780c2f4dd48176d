"""The view service: it hears from every server, and says who is primary and who is backup.

It never goes on to the next view before the primary of this one acts by it: only then is it certain
that the backup has everything that was answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from jupyter_sysdesign.simulation.node import Node
from jupyter_sysdesign.simulation.protocols.primary_backup.messages import NO_VIEW, Ping, View
from jupyter_sysdesign.simulation.units import MS

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import NodeId


class ViewService(Node):
    """The one process that decides.

    Attributes:
        view: who is what.
        acknowledged: whether its primary acts by it.
        heard: server → when it was heard of last, by this clock.
        fresh: servers that have restarted since they were last given a part.
    """

    LOOK_EVERY_US: ClassVar[int] = 50 * MS
    #: A server that was not heard of for so long is taken for dead.
    DEAD_AFTER_US: ClassVar[int] = 200 * MS

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.view: View = ctx.disk.read("view", NO_VIEW)
        self.acknowledged: bool = ctx.disk.read("acknowledged", True)
        self.heard: dict[NodeId, int] = {}
        self.fresh: set[NodeId] = set()

    def on_start(self) -> None:
        """Look around from time to time."""
        self.ctx.set_timer("look", self.LOOK_EVERY_US)

    def on_timer(self, name: str) -> None:  # noqa: ARG002 (it has but one)
        """Look whether somebody is dead."""
        self.ctx.set_timer("look", self.LOOK_EVERY_US)
        self.decide()

    def on_message(self, src: NodeId, message: Any) -> None:
        """Hear of a server, and tell it the view."""
        if not isinstance(message, Ping):
            return
        self.heard[src] = self.ctx.now()
        if message.number == 0 and self.view.number:
            # It has just started: whatever it was, it has nothing any more.
            self.fresh.add(src)
        if src == self.view.primary and message.number == self.view.number:
            self.acknowledged = True
            self.ctx.disk.write("acknowledged", True)
            self.ctx.disk.sync()
        self.decide()
        self.ctx.send(src, self.view)

    def decide(self) -> None:
        """Go on to the next view, if somebody in this one is gone, or a place is free."""
        view = self.view
        if not self.acknowledged:
            return
        primary, backup = self.still(view.primary), self.still(view.backup)
        if view.number == 0:
            primary = self.candidate()
        elif primary is None:
            # Only the backup has what was answered; without one, all wait.
            primary, backup = backup, None
        if primary is None:
            return
        if backup is None:
            backup = self.candidate(primary)
        # A backup that was down a moment is as good as any other: it needs everything anew.
        if (primary, backup) != (view.primary, view.backup) or view.backup in self.fresh:
            self.become(View(view.number + 1, primary, backup))

    def still(self, server: NodeId | None) -> NodeId | None:
        """Return a server of the view, if it lives and never was down."""
        return (
            server
            if server is not None and self.lives(server) and server not in self.fresh
            else None
        )

    def lives(self, server: NodeId) -> bool:
        """Return whether a server was heard of lately."""
        heard = self.heard.get(server)
        return heard is not None and self.ctx.now() - heard < self.DEAD_AFTER_US

    def candidate(self, *but: NodeId) -> NodeId | None:
        """Return the first server that lives, other than some."""
        living = [each for each in sorted(self.heard, key=str) if self.lives(each)]
        return next((each for each in living if each not in but), None)

    def become(self, view: View) -> None:
        """Begin a view; on disk before anybody hears of it."""
        self.view = view
        self.acknowledged = False
        self.fresh -= {view.primary, view.backup}
        self.ctx.disk.write("view", view)
        self.ctx.disk.write("acknowledged", False)
        self.ctx.disk.sync()
        self.ctx.note("view", view=view.number, words=_words(view), notable=True)


def _words(view: View) -> str:
    backup = "nobody is backup" if view.backup is None else f"S{view.backup} is backup"
    return f"begins view {view.number}: S{view.primary} is primary, {backup}"

"""A server: idle, backup or primary, as the view says. It keeps everything in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from jupyter_sysdesign.simulation.clients import Reply, Request
from jupyter_sysdesign.simulation.node import Node
from jupyter_sysdesign.simulation.protocols.primary_backup.messages import (
    NO_VIEW,
    VIEW_SERVICE,
    Forward,
    Forwarded,
    Ping,
    PrimaryProbe,
    Transfer,
    Transferred,
    View,
)
from jupyter_sysdesign.simulation.protocols.raft.machine import KeyValue
from jupyter_sysdesign.simulation.units import MS

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import NodeId


class Server(Node):
    """One server.

    Attributes:
        view: the newest it has heard of.
        machine: the store.
        order: how many operations were done.
        waiting: what the backup has not done yet, in order; only of a primary.
        ready: the backup of this view has everything (a primary), or this server has (a backup).
    """

    PING_EVERY_US: ClassVar[int] = 40 * MS
    #: A message to the backup is repeated after so long.
    AGAIN_US: ClassVar[int] = 60 * MS
    MACHINE: ClassVar[type[KeyValue]] = KeyValue

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.view: View = NO_VIEW
        self.machine = self.MACHINE()
        self.order = 0
        self.waiting: list[Request] = []
        self.ready = False
        self.handlers: dict[type, Callable[[NodeId, Any], None]] = {
            View: self.on_view,
            Request: self.on_request,
            Forward: self.on_forward,
            Forwarded: self.on_forwarded,
            Transfer: self.on_transfer,
            Transferred: self.on_transferred,
        }

    @property
    def role(self) -> str:
        """What the view makes of it."""
        if self.ctx.id == self.view.primary:
            return "primary"
        return "backup" if self.ctx.id == self.view.backup else "idle"

    def probe(self) -> PrimaryProbe:
        """Show what the rules look at."""
        done = tuple((client, serial) for client, (serial, _) in self.machine.sessions.items())
        return PrimaryProbe(self.role, self.view.number, done, self.ready)

    # Events --------------------------------------------------------------------------------

    def on_start(self) -> None:
        """Tell the view service that it is there."""
        self.ping()

    def on_timer(self, name: str) -> None:
        """Ping, or say again what the backup has not answered."""
        if name == "ping":
            self.ping()
        elif self.role == "primary":
            self.push()

    def on_message(self, src: NodeId, message: Any) -> None:
        """Hand a message to its handler."""
        handler = self.handlers.get(type(message))
        if handler is not None:
            handler(src, message)

    def ping(self) -> None:
        """Say by which view it acts: a primary only once its backup has everything."""
        self.ctx.set_timer("ping", self.PING_EVERY_US)
        acts = self.role != "primary" or self.ready
        self.ctx.send(VIEW_SERVICE, Ping(self.view.number if acts else self.view.number - 1))

    def on_view(self, src: NodeId, message: View) -> None:  # noqa: ARG002 (a handler has it)
        """Take another part, if there is a newer view."""
        if message.number <= self.view.number:
            return
        kept = self.role == "primary" or (self.role == "backup" and self.ready)
        first = message.number == 1
        self.view = message
        self.waiting = []
        self.ctx.cancel("again")
        if self.role == "primary":
            if not (kept or first):
                # It has not what was answered: it must not lead, and waits for the next view.
                self.view = message._replace(primary=None)
                self.ready = False
                return
            self.ready = message.backup is None
            self.push()
        else:
            self.ready = False

    # The primary ---------------------------------------------------------------------------

    def on_request(self, src: NodeId, message: Request) -> None:
        """Do it when the backup has done it; whoever is not primary sends the client on."""
        if self.role != "primary":
            self.ctx.send(src, Reply(message.serial, False, None, self.view.primary))
        elif self.ready and self.view.backup is None:
            self.perform(message)
        elif message not in self.waiting:
            self.waiting.append(message)
            if self.ready and len(self.waiting) == 1:
                self.push()

    def push(self) -> None:
        """Send the backup what it needs next: everything, or the next operation."""
        backup = self.view.backup
        if backup is None:
            return
        if not self.ready:
            self.ctx.send(backup, Transfer(self.view.number, self.order, self.machine.state()))
        elif self.waiting:
            self.ctx.send(backup, Forward(self.view.number, self.order + 1, self.waiting[0]))
        else:
            return
        self.ctx.set_timer("again", self.AGAIN_US)

    def on_transferred(self, src: NodeId, message: Transferred) -> None:
        """Begin to serve: from now on the backup has everything."""
        if message.view == self.view.number and src == self.view.backup and not self.ready:
            self.ready = True
            self.ctx.cancel("again")
            self.push()

    def on_forwarded(self, src: NodeId, message: Forwarded) -> None:
        """Do what the backup has done, and answer."""
        if message.view != self.view.number or src != self.view.backup or not self.waiting:
            return
        if message.order == self.order + 1:
            self.ctx.cancel("again")
            self.perform(self.waiting.pop(0))
            self.push()

    def perform(self, request: Request) -> None:
        """Do an operation, and tell its client."""
        self.order += 1
        answer = self.machine.apply(request)
        self.ctx.send(request.client, Reply(request.serial, True, answer))

    # The backup ----------------------------------------------------------------------------

    def obeys(self, src: NodeId, view: int) -> bool:
        """Return whether this is the backup of that primary, in that view."""
        return self.role == "backup" and view == self.view.number and src == self.view.primary

    def on_transfer(self, src: NodeId, message: Transfer) -> None:
        """Take over everything, once in a view."""
        if not self.obeys(src, message.view):
            return
        if not self.ready:
            self.machine = self.MACHINE(message.state)
            self.order = message.order
            self.ready = True
        self.ctx.send(src, Transferred(message.view))

    def on_forward(self, src: NodeId, message: Forward) -> None:
        """Do what the primary is about to do, each operation once and in its order."""
        if not self.obeys(src, message.view) or not self.ready:
            return
        if message.order == self.order + 1:
            self.order += 1
            self.machine.apply(message.request)
        if message.order <= self.order:
            self.ctx.send(src, Forwarded(message.view, message.order))

"""A gallery of primaries and backups that each break one rule: what the judge must find."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.simulation.clients import Reply, Request
from jupyter_sysdesign.simulation.judge.gallery import Gallery
from jupyter_sysdesign.simulation.protocols.primary_backup.messages import (
    VIEW_SERVICE,
    Forwarded,
    Ping,
)
from jupyter_sysdesign.simulation.protocols.primary_backup.server import Server
from jupyter_sysdesign.simulation.protocols.raft.machine import KeyValue

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.node import NodeId
    from jupyter_sysdesign.simulation.protocols.primary_backup.messages import (
        Forward,
        Transfer,
        View,
    )

PRIMARY_BACKUP_MUTANTS = Gallery()
_mutant = PRIMARY_BACKUP_MUTANTS.mutant
_LOST = ("nothing-forgotten", "backup-first", "linearizability")


@_mutant("answers-before-the-backup", "Alsberg and Day (1976)", *_LOST)
class AnswersBeforeTheBackup(Server):
    """Answers first and tells its backup afterwards: what it dies with is lost."""

    def on_request(self, src: NodeId, message: Request) -> None:
        """Do it at once."""
        super().on_request(src, message)
        if self.role == "primary" and self.ready and message in self.waiting:
            self.order -= 1
            self.perform(message)


@_mutant("reads-alone", "Budhiraja and others (1993), Pb1", "linearizability")
class ReadsAlone(Server):
    """Answers reads by itself: it may have been replaced without having heard of it."""

    def on_request(self, src: NodeId, message: Request) -> None:
        """Ask nobody."""
        if self.role == "primary" and self.ready and message.op == "get":
            self.ctx.send(src, Reply(message.serial, True, self.machine.values.get(message.key)))
        else:
            super().on_request(src, message)


@_mutant("obeys-anybody", "Budhiraja and others (1993), the protocol", "linearizability", *_LOST)
class ObeysAnybody(Server):
    """Does what a former primary tells it, though it is the primary itself by now."""

    def obeys(self, src: NodeId, view: int) -> bool:
        """Look at nothing."""
        return self.role != "idle"

    def on_forward(self, src: NodeId, message: Forward) -> None:
        """Agree to what comes."""
        if self.role == "primary":
            self.ctx.send(src, Forwarded(message.view, message.order))
        else:
            super().on_forward(src, message)


@_mutant("begins-empty", "Budhiraja and others (1993), the protocol", *_LOST)
class BeginsEmpty(Server):
    """Takes a new backup without giving it what was done before."""

    def on_transfer(self, src: NodeId, message: Transfer) -> None:
        """Note the number, and nothing else."""
        machine = self.machine
        super().on_transfer(src, message)
        self.machine = machine


@_mutant("values-without-clients", "Budhiraja and others (1993), Pb4", *_LOST)
class ValuesWithoutClients(Server):
    """Gives a new backup the values, not what was answered to whom: repetitions come through."""

    def on_transfer(self, src: NodeId, message: Transfer) -> None:
        """Forget the clients."""
        super().on_transfer(src, message._replace(state=(message.state[0], ())))


@_mutant("leads-without-its-backup", "Budhiraja and others (1993), the protocol", *_LOST)
class LeadsWithoutItsBackup(Server):
    """Acts by a view before its backup has everything: if it dies then, nobody has."""

    def ping(self) -> None:
        """Say that all is well."""
        super().ping()
        self.ctx.send(VIEW_SERVICE, Ping(self.view.number))

    def on_request(self, src: NodeId, message: Request) -> None:
        """Serve at once."""
        if self.role == "primary" and not self.ready:
            self.perform(message)
        else:
            super().on_request(src, message)


@_mutant("any-server-will-do", "Budhiraja and others (1993), the protocol", *_LOST)
class AnyServerWillDo(Server):
    """Leads when the view says so, whether or not it has what was answered."""

    def on_view(self, src: NodeId, message: View) -> None:
        """Do not ask oneself."""
        super().on_view(src, message)
        if message.primary == self.ctx.id and message.number == self.view.number:
            self.view = message
            self.ready = self.ready or message.backup is None
            self.push()


class _RepeatingMachine(KeyValue):
    """A machine that does whatever it is told, as often as it is told."""

    def apply(self, request: Request) -> object:
        """Do it again."""
        last, _ = self.sessions.get(request.client, (0, None))
        answer = self.carry_out(request.op, request.key, request.value)
        self.sessions[request.client] = (max(last, request.serial), answer)
        return answer


@_mutant("does-it-again", "Budhiraja and others (1993), Pb4", "linearizability")
class DoesItAgain(Server):
    """Does an operation again when its client asks again."""

    MACHINE = _RepeatingMachine

"""A gallery of PBFT replicas that believe too much: what the judge must find.

Each names the rules that may show it first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.simulation.judge.gallery import Gallery
from jupyter_sysdesign.simulation.protocols.pbft.messages import Prepare, digest
from jupyter_sysdesign.simulation.protocols.pbft.replica import Pbft

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.clients import Request
    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import NodeId
    from jupyter_sysdesign.simulation.protocols.pbft.messages import (
        Certificate,
        Commit,
        NewView,
        PrePrepare,
        Sealed,
        ViewChange,
    )

GALLERY = Gallery()

_DIFFER = ("agreement", "executed-kept", "linearizability")


@GALLERY.mutant("quorum-of-2f", "§3", *_DIFFER)
class QuorumOf2f(Pbft):
    """Takes 2f for a quorum: two of them may have no honest replica in common."""

    def is_quorum(self, count: int) -> bool:
        """Miss one."""
        return count >= 2 * self.f


@GALLERY.mutant("simple-majority", "§3", *_DIFFER)
class SimpleMajority(Pbft):
    """Counts the primary's word and any one more, as a majority of the honest would be."""

    def is_quorum(self, count: int) -> bool:
        """Count as if nobody lied."""
        return count > self.f


@GALLERY.mutant("two-for-one-number", "§4.2", *_DIFFER)
class TwoForOneNumber(Pbft):
    """Prepares whatever the primary proposes, also a second request for a number."""

    def accepts(self, src: NodeId, message: PrePrepare) -> bool:
        """Look at the sender only."""
        return message.view == self.view and src == self.primary(self.view)


@GALLERY.mutant("mixes-requests", "§4.2", *_DIFFER)
class MixesRequests(Pbft):
    """Counts who has voted for a number, and not for which request."""

    def is_prepared(self, view: int, number: int) -> bool:
        """Count all votes for the number."""
        voices = {
            src
            for (where, which, _), prepares in self.prepares.items()
            if (where, which) == (view, number)
            for src in prepares
        }
        return self.is_quorum(len(voices))

    def is_committed(self, view: int, number: int) -> bool:
        """Count all votes for the number."""
        voices = {
            src
            for (where, which, _), commits in self.commits.items()
            if (where, which) == (view, number)
            for src in commits
        }
        return self.is_quorum(len(voices))


@GALLERY.mutant("counts-messages", "§4.2", *_DIFFER)
class CountsMessages(Pbft):
    """Counts messages and not senders: one liar that repeats itself is a quorum."""

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.tally: dict[tuple[Any, ...], int] = {}

    def on_prepare(self, src: NodeId, message: Sealed) -> None:
        """Count it."""
        key = ("prepare", *message.body)
        self.tally[key] = self.tally.get(key, 0) + 1
        super().on_prepare(src, message)

    def on_commit(self, src: NodeId, message: Commit) -> None:
        """Count it."""
        key = ("commit", *message)
        self.tally[key] = self.tally.get(key, 0) + 1
        super().on_commit(src, message)

    def is_prepared(self, view: int, number: int) -> bool:
        """Look at the count."""
        return self._counted("prepare", view, number)

    def is_committed(self, view: int, number: int) -> bool:
        """Look at the count."""
        return self._counted("commit", view, number)

    def _counted(self, kind: str, view: int, number: int) -> bool:
        what = digest(self.proposals[view, number])
        return self.is_quorum(self.tally.get((kind, view, number, what), 0))


@GALLERY.mutant("no-commit-phase", "§4.2", *_DIFFER)
class NoCommitPhase(Pbft):
    """Carries out what is prepared: the next primary may never hear of it."""

    def is_committed(self, view: int, number: int) -> bool:
        """Do not wait."""
        return True


@GALLERY.mutant("forgets-prepared", "§4.4", *_DIFFER)
class ForgetsPrepared(Pbft):
    """Begins a new view without what was prepared in the one before."""

    def carried_over(self, changes: tuple[ViewChange, ...]) -> dict[int, Request | None]:
        """Carry nothing over."""
        return {}


@GALLERY.mutant("lowest-view-wins", "§4.4", *_DIFFER)
class LowestViewWins(Pbft):
    """Carries over what the oldest proof of a number says, and not what the newest does."""

    def carried_over(self, changes: tuple[ViewChange, ...]) -> dict[int, Request | None]:
        """Take the lowest view."""
        proofs = [each for change in changes for each in change.prepared]
        proofs.sort(key=lambda each: each.view, reverse=True)
        carried: dict[int, Request | None] = {each.number: each.request for each in proofs}
        return {number: carried.get(number) for number in range(1, max(carried, default=0) + 1)}


@GALLERY.mutant("believes-proofs", "§4.4", "progress", *_DIFFER)
class BelievesProofs(Pbft):
    """Takes a certificate for true without looking at the seals."""

    def is_proof(self, certificate: Certificate) -> bool:
        """Believe it."""
        return True


@GALLERY.mutant("proofs-of-anything", "§4.4", "progress", *_DIFFER)
class ProofsOfAnything(Pbft):
    """Looks at the seals of a certificate, and not at what was sealed."""

    def is_proof(self, certificate: Certificate) -> bool:
        """Count true seals."""
        return self.is_quorum(len({e.by for e in certificate.prepares if self.seal.holds(e)}))


@GALLERY.mutant("believes-names", "§4.4", "progress", *_DIFFER)
class BelievesNames(Pbft):
    """Reads in a certificate who has sealed what, and does not look whether the seals hold."""

    def is_proof(self, certificate: Certificate) -> bool:
        """Count the names."""
        view, number, request, prepares = certificate
        meant = Prepare(view, number, digest(request))
        return self.is_quorum(len({each.by for each in prepares if each.body == meant}))


@GALLERY.mutant("counts-seals", "§4.4", "progress", *_DIFFER)
class CountsSeals(Pbft):
    """Lets a primary begin its view with one vote, shown three times."""

    def may_begin(self, message: NewView) -> bool:
        """Count votes and not voters."""
        return self.is_quorum(len(message.changes)) and all(
            self.seal.holds(each)
            and each.body.view == message.view
            and all(map(self.is_proof, each.body.prepared))
            for each in message.changes
        )


@GALLERY.mutant("obeys-anyone", "§4.2", "progress")
class ObeysAnyone(Pbft):
    """Prepares what anybody proposes, whoever is the primary."""

    def accepts(self, src: NodeId, message: PrePrepare) -> bool:
        """Take the first proposal for a number."""
        return message.view == self.view and (message.view, message.number) not in self.proposals


@GALLERY.mutant("follows-anyone", "§4.4", "progress", *_DIFFER)
class FollowsAnyone(Pbft):
    """Lets a primary begin its view without a quorum's votes."""

    def may_begin(self, message: NewView) -> bool:
        """Believe it."""
        return True


@GALLERY.mutant("never-suspects", "§4.4", "progress")
class NeverSuspects(Pbft):
    """Waits for its primary for ever."""

    def on_timer(self, name: str) -> None:
        """Be patient."""

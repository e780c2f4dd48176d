"""A PBFT replica: whom to believe, and when. Section 4 of the paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from jupyter_sysdesign.simulation.protocols.pbft.frame import Frame
from jupyter_sysdesign.simulation.protocols.pbft.messages import Certificate, Prepare, digest

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.clients import Request
    from jupyter_sysdesign.simulation.node import NodeId
    from jupyter_sysdesign.simulation.protocols.pbft.messages import (
        NewView,
        PrePrepare,
        Sealed,
        ViewChange,
    )


class Pbft(Frame):
    """One replica that does not lie."""

    #: A liar may not use the numbers up.
    WINDOW: ClassVar[int] = 1000

    def is_quorum(self, count: int) -> bool:
        """Two groups of 2f + 1 among 3f + 1 share f + 1, so one at least that does not lie (§3)."""
        return count >= 2 * self.f + 1

    def accepts(self, src: NodeId, message: PrePrepare) -> bool:
        """Only from the primary of this view, and one request for a number (§4.2)."""
        view, number, _ = message
        return (
            view == self.view
            and src == self.primary(view)
            and 0 < number <= len(self.executed) + self.WINDOW
            and (view, number) not in self.proposals
        )

    def is_prepared(self, view: int, number: int) -> bool:
        """A quorum has said the same about this number in this view (§4.2)."""
        what = digest(self.proposals[view, number])
        return self.is_quorum(len(self.prepares.get((view, number, what), ())))

    def is_committed(self, view: int, number: int) -> bool:
        """A quorum is ready to prove it to every later primary (§4.2)."""
        what = digest(self.proposals[view, number])
        return self.is_quorum(len(self.commits.get((view, number, what), ())))

    def is_proof(self, certificate: Certificate) -> bool:
        """A quorum of replicas has sealed that very prepare (§4.4)."""
        view, number, request, prepares = certificate
        meant = Prepare(view, number, digest(request))
        signed = {each.by for each in prepares if each.body == meant and self.seal.holds(each)}
        return self.is_quorum(len(signed))

    def may_begin(self, message: NewView) -> bool:
        """A quorum wants this view, under their own seals, with proofs that hold (§4.4)."""
        valid = {each.by for each in message.changes if self.is_change(each, message.view)}
        return len(valid) == len(message.changes) and self.is_quorum(len(valid))

    def is_change(self, sealed: Sealed, view: int) -> bool:
        """Return whether a vote for a view is what it seems."""
        return (
            self.seal.holds(sealed)
            and sealed.body.view == view
            and all(self.is_proof(each) for each in sealed.body.prepared)
        )

    def carried_over(self, changes: tuple[ViewChange, ...]) -> dict[int, Request | None]:
        """For each number the request of the highest view; where nobody has one, none (§4.4)."""
        highest: dict[int, Certificate] = {}
        for change in changes:
            for each in change.prepared:
                if each.number not in highest or each.view > highest[each.number].view:
                    highest[each.number] = each
        return {
            number: highest[number].request if number in highest else None
            for number in range(1, max(highest, default=0) + 1)
        }

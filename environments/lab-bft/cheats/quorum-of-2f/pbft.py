"""A replica that lives among liars."""

from jupyter_sysdesign.simulation.protocols.pbft.frame import Frame
from jupyter_sysdesign.simulation.protocols.pbft.messages import Prepare, digest


class Replica(Frame):
    def is_quorum(self, count):
        return count >= 2 * self.f

    # THE NORMAL CASE (§4.2)

    def accepts(self, src, message):
        return (
            message.view == self.view
            and src == self.primary(message.view)
            and message.number > 0
            and (message.view, message.number) not in self.proposals
        )

    def is_prepared(self, view, number):
        what = digest(self.proposals[view, number])
        return self.is_quorum(len(self.prepares.get((view, number, what), ())))

    def is_committed(self, view, number):
        what = digest(self.proposals[view, number])
        return self.is_quorum(len(self.commits.get((view, number, what), ())))

    # ANOTHER PRIMARY (§4.4)

    def is_proof(self, certificate):
        meant = Prepare(certificate.view, certificate.number, digest(certificate.request))
        sealed = {
            each.by
            for each in certificate.prepares
            if each.body == meant and self.seal.holds(each)
        }
        return self.is_quorum(len(sealed))

    def may_begin(self, message):
        voters = set()
        for each in message.changes:
            if not self.seal.holds(each) or each.body.view != message.view:
                return False
            if not all(self.is_proof(proof) for proof in each.body.prepared):
                return False
            voters.add(each.by)
        return self.is_quorum(len(voters))

    def carried_over(self, changes):
        highest = {}
        for change in changes:
            for proof in change.prepared:
                known = highest.get(proof.number)
                if known is None or proof.view > known.view:
                    highest[proof.number] = proof
        return {
            number: highest[number].request if number in highest else None
            for number in range(1, max(highest, default=0) + 1)
        }

"""A replica that lives among liars. The sections (§) are those of the PBFT paper (OSDI 1999).

The messages, the timers and the carrying out are given: they are in the class Frame, which you may
read (run Frame?? in a cell of the notebook). What is missing is judgement: whom to believe, and when.
Each method below is asked one question, and looks only at what it is given and at

    self.n, self.f          how many replicas there are, and how many of them may lie
    self.view               the view this replica is in
    self.primary(view)      the number of the primary of a view
    self.proposals          (view, number): the request that was proposed for it, and prepared here
    self.prepares           (view, number, digest): {sender: its sealed Prepare}; sealed means signed:
                            only its owner can make a seal, and all can check it
    self.commits            (view, number, digest): the set of senders
    self.seal.holds(m)      whether a sealed message was sealed by m.by; what it says is m.body
    digest(request)         a short text that stands for a request
    Prepare(view, number, digest)   what a replica has accepted, always sealed

Prepare is sent by the primary, too: where the paper counts the pre-prepare and 2f prepares, count
prepares alone.
"""

from jupyter_sysdesign.simulation.protocols.pbft.frame import Frame
from jupyter_sysdesign.simulation.protocols.pbft.messages import Prepare, digest


class Replica(Frame):
    def is_quorum(self, count):
        # How many must say the same, so that two such groups share one who does not lie?
        return False

    # THE NORMAL CASE (§4.2) ---------------------------------------------------------------------

    def accepts(self, src, message):
        # src proposes message.request for message.number in message.view. Is it to be prepared?
        return False

    def is_prepared(self, view, number):
        # Has a quorum prepared what was proposed here for this number in this view?
        return False

    def is_committed(self, view, number):
        # Does a quorum say that it is prepared?
        return False

    # ANOTHER PRIMARY (§4.4) ---------------------------------------------------------------------

    def is_proof(self, certificate):
        # Do certificate.prepares prove that certificate.request was prepared for certificate.number
        # in certificate.view? They are sealed; whoever sends them may have made some of them up.
        return False

    def may_begin(self, message):
        # message.changes are sealed ViewChanges: each.by, each.body.view and each.body.prepared
        # (certificates). Do they give the right to begin message.view?
        return False

    def carried_over(self, changes):
        # changes are the ViewChanges of those seals, taken out of them: each.view, each.prepared.
        # What must the new view propose? Return {number: request} for every number from 1 to the last
        # one of which some certificate tells. None is the request that does nothing.
        return {}

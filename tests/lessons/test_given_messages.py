"""A learner's file says what is in the messages it is given, as far as its author has to know."""

from __future__ import annotations

import nbformat
import pytest

from jupyter_sysdesign.curriculum.catalogue import Catalogue
from jupyter_sysdesign.simulation.clients import Reply
from jupyter_sysdesign.simulation.protocols.gossip import messages as gossip
from jupyter_sysdesign.simulation.protocols.paxos import messages as paxos
from jupyter_sysdesign.simulation.protocols.pbft import messages as pbft

CHOICE = [paxos.Prepare, paxos.Promise, paxos.Accept, paxos.Accepted, paxos.Refused, paxos.Chosen]
GIVEN = {
    ("lab-raft", "raft.py"): [Reply],
    ("lab-gossip", "swim.py"): [gossip.Ping, gossip.PingRequest, gossip.Ack, gossip.Update],
    ("lab-paxos", "synod.py"): [*CHOICE, paxos.Ballot, paxos.Proposal],
    ("lab-paxos", "paxos.py"): [*CHOICE, paxos.Heartbeat, paxos.Missing, Reply],
    ("lab-bft", "pbft.py"): [pbft.Prepare],
}


@pytest.mark.parametrize(("lesson", "file"), GIVEN)
def test_the_fields_of_given_messages_are_told_in_their_order(lesson, file):
    text = (Catalogue().lesson(lesson).environment / file).read_text()
    for message in GIVEN[lesson, file]:
        assert f"{message.__name__}({', '.join(message._fields)})" in text


def test_the_class_that_a_replica_is_made_from_can_be_read_where_its_file_says():
    lab = Catalogue().lesson("lab-bft")
    assert "run Frame?? in a cell" in (lab.environment / "pbft.py").read_text()
    cells = nbformat.read(lab.notebooks / "lesson.ipynb", as_version=4).cells
    assert "import Frame\n" in next(each.source for each in cells if each.cell_type == "code")

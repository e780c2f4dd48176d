"""Somebody else's."""

from jupyter_sysdesign.simulation.protocols.paxos.synod import Synod as Reference


class Synod(Reference):
    pass

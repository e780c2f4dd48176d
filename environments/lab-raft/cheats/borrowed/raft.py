"""Somebody else's."""

from jupyter_sysdesign.simulation.protocols.raft.server import Raft as Reference


class Raft(Reference):
    pass

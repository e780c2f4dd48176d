"""Somebody else's."""

from jupyter_sysdesign.simulation.protocols.gossip.swim import Swim as Reference


class Swim(Reference):
    pass

"""Somebody else's."""

from jupyter_sysdesign.simulation.protocols.pbft.replica import Pbft


class Replica(Pbft):
    pass

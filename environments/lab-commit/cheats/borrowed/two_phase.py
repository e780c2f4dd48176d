"""Somebody else's server."""

from jupyter_sysdesign.simulation.protocols.commit.two_phase import TwoPhase as Theirs


class TwoPhase(Theirs):
    pass

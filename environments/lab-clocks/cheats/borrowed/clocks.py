"""Somebody else's."""

from jupyter_sysdesign.simulation.protocols.timekeeping.keeper import Keeper


class Clocks(Keeper):
    pass

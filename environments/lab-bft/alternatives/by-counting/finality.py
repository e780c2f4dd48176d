"""A merchant that waits as long as it must, by the sum of the Bitcoin paper (§11)."""

from math import exp, factorial

from jupyter_sysdesign.simulation.node import Node
from jupyter_sysdesign.simulation.protocols.chain.messages import Answer


def success(q, z):
    p = 1 - q
    expected = z * q / p
    total = 1.0
    for k in range(z + 1):
        poisson = expected**k * exp(-expected) / factorial(k)
        total -= poisson * (1 - (q / p) ** (z - k))
    return total


class Merchant(Node):
    def on_message(self, src, message):
        z = 1
        while success(message.share, z) > message.risk:
            z += 1
        self.ctx.send(src, Answer(z))

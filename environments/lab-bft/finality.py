"""A merchant that is paid on a chain with proof of work: when are the goods handed over?

Section 11 of the Bitcoin paper has the sum. An attacker with a share q of all the work begins a chain
of its own when you are paid. You wait until the payment has z confirmations (its own block is the
first); from then on the attacker wins if its chain is ever longer than the public one. The paper
counts only the blocks after the payment's, and drawing level as a win. The z of its program is
accepted as it is: do not add one for the payment's own block.
"""

from jupyter_sysdesign.simulation.node import Node
from jupyter_sysdesign.simulation.protocols.chain.messages import Answer, Payment


class Merchant(Node):
    def on_message(self, src, message):
        # message is a Payment: .share is q, below one half; .risk is the chance you take.
        # Answer with the smallest z at which the attacker's chance is no more than that:
        # self.ctx.send(src, Answer(z)).
        pass

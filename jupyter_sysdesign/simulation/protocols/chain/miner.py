"""Miners: whoever finds the next block extends the longest chain it knows (§4 and §5 of the paper).

To find a block is a matter of luck and of work; here it is a timer with an exponential time,
shorter for who has a larger share of the work.
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_sysdesign.simulation.node import Node

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import NodeId

GENESIS = "genesis"


class Block(NamedTuple):
    """A block: ``name`` stands for its hash, ``parent`` for the one before."""

    name: str
    parent: str
    height: int


class ChainProbe(NamedTuple):
    """What a miner shows the rules.

    Attributes:
        role: ``miner``; ``candidate`` while it keeps a chain of its own secret.
        height: of the chain it works on.
        blocks: their names, the first one first; itself, not copied.
    """

    role: str
    height: int
    blocks: list[str]


class Miner(Node):
    """One that plays by the rules.

    Attributes:
        chain: name → block.
        tip: the last block of the longest chain; of two, the one it heard of first.
    """

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.chain: dict[str, Block] = {}
        self.tip = Block(GENESIS, "", 0)
        self.blocks: list[str] = []
        self.role = "miner"
        self._orphans: dict[str, list[Block]] = {}
        self._found = 0

    def probe(self) -> ChainProbe:
        """Show what it believes."""
        return ChainProbe(self.role, self.tip.height, self.blocks)

    def on_start(self) -> None:
        """Begin to work."""
        self.work()

    def work(self) -> None:
        """Look for the next block: exponential, with the mean that its share gives."""
        share = self.ctx.options["shares"][str(self.ctx.id)]
        if share == 0:
            return
        mean_us = self.ctx.options["interval_us"] / share
        self.ctx.set_timer("found", int(-log(1.0 - self.ctx.random.random()) * mean_us))

    def on_timer(self, name: str) -> None:
        """Have found a block: tell everybody."""
        del name
        self._found += 1
        block = Block(f"{self.ctx.id}-{self._found}", self.tip.name, self.tip.height + 1)
        self.take(block)
        self.publish(block)
        self.work()

    def publish(self, block: Block) -> None:
        """Tell everybody of a block."""
        for peer in self.ctx.peers:
            self.ctx.send(peer, block)

    def on_message(self, src: NodeId, message: Any) -> None:
        """Take a block over, once the one before it is known."""
        del src
        self.take(message)

    def take(self, block: Block) -> None:
        """Add a block, and all that waited for it; go over to a longer chain (§5)."""
        if block.parent != GENESIS and block.parent not in self.chain:
            self._orphans.setdefault(block.parent, []).append(block)
            return
        self.chain[block.name] = block
        if block.height > self.tip.height:
            self.work_on(block)
        for orphan in self._orphans.pop(block.name, ()):
            self.take(orphan)

    def work_on(self, tip: Block) -> None:
        """Extend this chain from now on."""
        self.tip = tip
        names = []
        block: Block | None = tip
        while block is not None and block.name != GENESIS:
            names.append(block.name)
            block = self.chain.get(block.parent)
        self.blocks = names[::-1]


class Attacker(Miner):
    """Keeps a chain of its own secret, and shows it when the goods are handed over (§11).

    Attributes:
        fork: the block from which its own chain departs.
        secret: the blocks of its own that nobody knows.
        public: the height of the chain that everybody knows.
    """

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.fork = self.tip
        self.secret: list[Block] = []
        self.public = 0

    def publish(self, block: Block) -> None:
        """Keep it, until it is worth more than what everybody has."""
        self.role = "candidate"
        self.secret.append(block)
        self.strike()

    def take(self, block: Block) -> None:
        """Work on one's own chain, unless it is hopeless."""
        own = block.name.startswith(f"{self.ctx.id}-")
        tip = self.tip
        super().take(block)
        if own:
            return
        self.public = max(self.public, block.height)
        self.work_on(tip)
        self.strike()
        if not self.secret or self.public - self.tip.height > self.ctx.options["patience"]:
            # Begin again, from the longest chain there is.
            self.secret = []
            self.role = "miner"
            self.work_on(max(self.chain.values(), key=lambda each: each.height))
            self.fork = self.tip

    def strike(self) -> None:
        """Show the secret chain, if it undoes enough and is the longer one."""
        if not self.secret:
            return
        undone = self.public - self.fork.height
        if undone >= self.ctx.options["confirmations"] and self.tip.height > self.public:
            for block in self.secret:
                super().publish(block)
            self.secret, self.role = [], "miner"
            self.fork, self.public = self.tip, self.tip.height

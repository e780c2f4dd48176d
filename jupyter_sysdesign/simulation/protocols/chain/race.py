"""The race of an attacker against everybody else, in numbers.

A payment stands in a block. The attacker begins, in secret, a chain without it from the block
before. When the payment has ``confirmations`` blocks (its own counted), the goods are handed over;
from then on the attacker wins if its chain is ever longer than the public one.
"""

from __future__ import annotations

from math import comb
from random import Random

#: Who is so far behind has lost, for all that counts.
_HOPELESS = 60


def reversal(share: float, confirmations: int) -> float:
    """Return the probability that an attacker undoes a payment.

    How many blocks it has found by then is distributed as a negative binomial (Rosenfeld, "Analysis
    of Hashrate-Based Double Spending", 2014, §4; §11 of the paper approximates it by Poisson's); to
    be one block ahead from ``behind`` it needs luck of (share / rest) to the power behind + 1.

    Args:
        share: the attacker's part of all the work, from 0 to 1.
        confirmations: at least 1.
    """
    rest = 1.0 - share
    if share >= rest:
        return 1.0
    safe = sum(
        comb(found + confirmations - 1, found)
        * (rest**confirmations * share**found)
        * (1.0 - (share / rest) ** (confirmations - found + 1))
        for found in range(confirmations + 1)
    )
    return max(1.0 - safe, 0.0)


def needed(share: float, risk: float) -> int:
    """Return how many confirmations make a reversal no more likely than ``risk``.

    Raises:
        ValueError: no number does: the attacker has half of the work, or more.
    """
    if share >= 0.5:  # noqa: PLR2004
        raise ValueError(f"with a share of {share:g} an attacker always wins in the end")
    confirmations = 1
    while reversal(share, confirmations) > risk:
        confirmations += 1
    return confirmations


def reversed_share(
    share: float, confirmations: int, *, races: int = 10_000, seed: int = 1
) -> float:
    """Return in which part of so many played races the attacker wins."""
    random = Random(f"{seed}/race")
    won = 0
    for _ in range(races):
        public = secret = 0
        while public < confirmations:
            if random.random() < share:
                secret += 1
            else:
                public += 1
        while secret <= public and public - secret < _HOPELESS:
            if random.random() < share:
                secret += 1
            else:
                public += 1
        won += secret > public
    return won / races

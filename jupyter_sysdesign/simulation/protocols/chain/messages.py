"""What a customer and a merchant say to each other."""

from __future__ import annotations

from typing import NamedTuple


class Payment(NamedTuple):
    """A customer has paid; when are the goods handed over?

    Attributes:
        share: of all the work, that an attacker may have; below one half.
        risk: the merchant takes, as a probability.
    """

    share: float
    risk: float


class Answer(NamedTuple):
    """After so many confirmations, the block with the payment counted."""

    confirmations: int

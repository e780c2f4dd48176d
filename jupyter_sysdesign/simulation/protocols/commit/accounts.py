"""The accounts of one server, and what of them is promised to a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jupyter_sysdesign.simulation.protocols.commit.messages import Change


class Accounts:
    """Balances in memory. What was promised and committed is found again by doing it again.

    Attributes:
        balances: account → money.
        promised: account → the transaction that has it locked.
    """

    def __init__(self, opening: Mapping[str, int]) -> None:
        self.balances = dict(opening)
        self.promised: dict[str, str] = {}

    def can(self, tx: str, changes: Iterable[Change]) -> bool:
        """Return whether the accounts are free, and none would fall below zero."""
        return all(
            self.promised.get(account, tx) == tx
            and account in self.balances
            and self.balances[account] + amount >= 0
            for _, account, amount in changes
        )

    def promise(self, tx: str, changes: Iterable[Change]) -> None:
        """Lock the accounts: nobody else gets them until it is settled."""
        for each in changes:
            self.promised[each.account] = tx

    def settle(self, tx: str, changes: Iterable[Change], *, commit: bool) -> None:
        """Do the changes, or not, and unlock the accounts."""
        for _, account, amount in changes:
            if commit:
                self.balances[account] += amount
            if self.promised.get(account) == tx:
                del self.promised[account]

"""What clients ask of a coordinator, what it answers, and what a server shows the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_sysdesign.simulation.node import NodeId

#: What a server may know of a transaction. ``YES``: it has promised and does not know the outcome;
#: ``WAITING``: it coordinates and counts votes; ``PRECOMMIT``: only three-phase commit has it.
WAITING, YES, PRECOMMIT, COMMIT, ABORT = "waiting", "yes", "precommit", "commit", "abort"


class Change(NamedTuple):
    """Money that comes to an account, or leaves it (below zero), on one server."""

    server: NodeId
    account: str
    amount: int


class Begin(NamedTuple):
    """A client asks a server to coordinate a transaction; the same again if it hears nothing."""

    tx: str
    changes: tuple[Change, ...]


class Answer(NamedTuple):
    """The answer, once the outcome is decided."""

    tx: str
    committed: bool


class CommitProbe(NamedTuple):
    """What a server shows the rules. A learner's server shows the same.

    Attributes:
        role: ``coordinator`` or ``participant``, for whoever looks at it.
        transactions: what it knows of each transaction: one of the words above.
        balances: account → money, with all changes that were committed here, and no others.
    """

    role: str
    transactions: Mapping[str, str]
    balances: Mapping[str, int]


def participants(changes: tuple[Change, ...]) -> tuple[NodeId, ...]:
    """Return the servers a transaction touches, each once, in order."""
    return tuple(sorted({each.server for each in changes}, key=str))

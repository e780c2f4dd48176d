"""What Paxos servers say to each other, and what they show of themselves.

Every server is a proposer, an acceptor and a learner at once (§2.1 of the paper allows that).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_sysdesign.simulation.node import NodeId


class Ballot(NamedTuple):
    """The number of a proposal: the round counts, the server keeps two of them apart (§2.2)."""

    round: int
    server: NodeId


#: Before every ballot.
NO_BALLOT = Ballot(0, 0)


class Proposal(NamedTuple):
    """A value under a number (§2.2): what an acceptor accepts."""

    ballot: Ballot
    value: Any


class Prepare(NamedTuple):
    """Phase 1a: promise me not to accept anything below; what have you accepted (§2.2)?

    ``first`` is the first slot that is asked about; one value alone is slot 1.
    """

    ballot: Ballot
    first: int = 1


class Promise(NamedTuple):
    """Phase 1b: the promise, and what was accepted: ``(slot, ballot, value)``, one for a slot."""

    ballot: Ballot
    accepted: tuple[tuple[int, Ballot, Any], ...]


class Accept(NamedTuple):
    """Phase 2a: accept this value (§2.2)."""

    ballot: Ballot
    slot: int
    value: Any


class Accepted(NamedTuple):
    """Phase 2b: it is accepted."""

    ballot: Ballot
    slot: int


class Refused(NamedTuple):
    """A higher ballot was promised: ``ballot`` (the courtesy at the end of §2.2)."""

    ballot: Ballot


class Chosen(NamedTuple):
    """What was chosen, for those who did not see it (§2.3): the values from slot ``first`` on."""

    first: int
    values: tuple[Any, ...]


class Heartbeat(NamedTuple):
    """The leader's sign of life; all slots up to ``chosen`` are chosen (§3)."""

    ballot: Ballot
    chosen: int


class Missing(NamedTuple):
    """Whoever has heard of more than it knows asks for it, from slot ``first`` on (§3)."""

    first: int


class PaxosProbe(NamedTuple):
    """What a server shows the rules. A learner's server shows the same.

    Attributes:
        role: ``leader`` once its ballot has a majority's promises, ``proposer`` while it asks for
            them, else ``acceptor``.
        promised: the highest ballot it promised to respect; ``NO_BALLOT`` at first.
        accepted: slot → ``Proposal(ballot, value)``: what it accepted last; itself, not copied.
        chosen: slot → the value it knows to be chosen; itself, not copied.
    """

    role: str
    promised: Ballot
    accepted: Mapping[int, Any]
    chosen: Mapping[int, Any]

    @property
    def term(self) -> int:
        """The round of its promise: who leads in the highest one leads."""
        return self.promised[0]

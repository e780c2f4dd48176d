"""What PBFT replicas say to each other, and what they show of themselves (§4 of the paper).

The network tells truly who sent a message. Where one is passed on as a proof, it is sealed.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.clients import Request
    from jupyter_sysdesign.simulation.node import NodeId


def digest(request: Request | None) -> str:
    """Return a short text that stands for a request; None is the one that does nothing."""
    return hashlib.sha256(repr(request).encode()).hexdigest()[:8]


class Sealed(NamedTuple):
    """A message with a seal that only ``by`` can make, and everybody can check."""

    by: NodeId
    body: Any
    seal: str


class PrePrepare(NamedTuple):
    """The primary of a view gives a request its number (§4.2)."""

    view: int
    number: int
    request: Request


class Prepare(NamedTuple):
    """A replica has accepted a number in a view; always sent sealed (§4.2)."""

    view: int
    number: int
    digest: str


class Commit(NamedTuple):
    """A replica knows that a quorum has prepared it (§4.2)."""

    view: int
    number: int
    digest: str


class Certificate(NamedTuple):
    """The proof that a request was prepared: a quorum's sealed ``Prepare`` (§4.4, the set P)."""

    view: int
    number: int
    request: Request | None
    prepares: tuple[Sealed, ...]


class ViewChange(NamedTuple):
    """A replica gives up on a primary; always sent sealed (§4.4)."""

    view: int
    prepared: tuple[Certificate, ...]


class NewView(NamedTuple):
    """The next primary begins its view, with a quorum's sealed ``ViewChange`` as its right to."""

    view: int
    changes: tuple[Sealed, ...]


class PbftProbe(NamedTuple):
    """What a replica shows the rules.

    Attributes:
        role: ``leader`` is the primary of its view, ``follower`` a backup, ``candidate`` who waits
            for a new view to begin.
        view: which it is in, or waits for.
        executed: the requests it has carried out, in order; itself, not copied.
    """

    role: str
    view: int
    executed: list[Request | None]

    @property
    def term(self) -> int:
        """The view: the primary of the highest one leads."""
        return self.view

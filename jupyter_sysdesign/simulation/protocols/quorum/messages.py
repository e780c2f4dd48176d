"""What clients and servers of the quorum store say to each other, and what a server shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_sysdesign.simulation.node import NodeId


class Version(NamedTuple):
    """Which of two copies is newer: the larger number; of equal ones, the larger name."""

    number: int
    client: str
    call: int


#: Older than every write.
NOTHING = Version(0, "", 0)


class Copy(NamedTuple):
    """What a server has of a key."""

    version: Version
    value: Any


EMPTY = Copy(NOTHING, None)


class Call(NamedTuple):
    """What a client asks: ``read`` or ``write``. It asks once, and may hear nothing."""

    number: int
    kind: str
    key: str
    value: Any = None


class Answer(NamedTuple):
    """What it is told: not ``ok`` if too few servers answered, and then nobody knows of a write."""

    number: int
    ok: bool
    value: Any = None


class Fetch(NamedTuple):
    """What do you have of a key?"""

    work: int
    key: str


class Fetched(NamedTuple):
    """The answer."""

    work: int
    copy: Copy


class Store(NamedTuple):
    """Keep this; for ``owner``, if somebody stands in for it (Dynamo, §4.6)."""

    work: int
    key: str
    copy: Copy
    owner: NodeId | None = None


class Stored(NamedTuple):
    """The answer, once it is on disk."""

    work: int


class Handoff(NamedTuple):
    """What somebody kept for its owner."""

    key: str
    copy: Copy


class HandedOff(NamedTuple):
    """The answer: it need not be kept any more."""

    key: str
    copy: Copy


class Compare(NamedTuple):
    """The digests below one place of the Merkle tree (Dynamo, §4.7)."""

    path: str
    digests: tuple[str, ...]


class Copies(NamedTuple):
    """All copies in a leaf that differs; the other side answers with its own, once."""

    path: str
    copies: tuple[tuple[str, Copy], ...]
    answer: bool


class StoreProbe(NamedTuple):
    """What a server shows the rules.

    Attributes:
        role: ``replica``.
        copies: key → what it has.
        hints: how many copies it keeps for others.
    """

    role: str
    copies: Mapping[str, Copy]
    hints: int

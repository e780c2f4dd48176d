"""A Merkle tree over the keys: two servers find what differs by comparing few digests.

Merkle, "A Digital Signature Based on a Conventional Encryption Function" (1987); Dynamo, §4.7. A
place in the tree is the path to it, ``""`` for the root, then a ``0`` or ``1`` for each level; keys
lie in the leaves by their hash.
"""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_sysdesign.simulation.protocols.quorum.messages import Copy

#: Levels below the root: 2 ** DEPTH leaves.
DEPTH = 3


def leaf(key: str) -> str:
    """Return the path of the leaf that a key lies in."""
    return f"{zlib.crc32(key.encode()) % (1 << DEPTH):0{DEPTH}b}"


def digest(copies: Mapping[str, Copy], path: str) -> str:
    """Return the digest of everything below ``path``: equal if and only if that is."""
    if len(path) < DEPTH:
        below = digest(copies, path + "0") + digest(copies, path + "1")
        return hashlib.sha256(below.encode()).hexdigest()[:16]
    inside = [(key, copies[key]) for key in sorted(copies) if leaf(key) == path]
    return hashlib.sha256(repr(inside).encode()).hexdigest()[:16]


def children(copies: Mapping[str, Copy], path: str) -> tuple[str, ...]:
    """Return the digests of the two places below ``path``."""
    return digest(copies, path + "0"), digest(copies, path + "1")


def differing(copies: Mapping[str, Copy], path: str, theirs: tuple[str, ...]) -> list[str]:
    """Return the places right below ``path`` that differ from what another server has."""
    mine = children(copies, path)
    return [
        path + side for side, one, other in zip("01", mine, theirs, strict=True) if one != other
    ]

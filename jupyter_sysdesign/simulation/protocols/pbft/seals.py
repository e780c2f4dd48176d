"""Seals: what signatures are in a real network, with one key for each server."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.simulation.protocols.pbft.messages import Sealed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyter_sysdesign.simulation.node import NodeId


@dataclass(frozen=True)
class Seal:
    """One server's: it seals in its own name, and checks everybody's seals.

    Args:
        _owner: whose it is.
        _keys: everybody's; a liar that reads them out has broken the cryptography, not the
            protocol.
    """

    _owner: NodeId
    _keys: dict[NodeId, bytes]

    def put(self, body: Any) -> Sealed:
        """Return a message under the owner's seal."""
        return Sealed(self._owner, body, self._made(self._owner, body))

    def holds(self, sealed: Any) -> bool:
        """Return whether it was sealed by the one it names."""
        return (
            isinstance(sealed, Sealed)
            and sealed.by in self._keys
            and hmac.compare_digest(sealed.seal, self._made(sealed.by, sealed.body))
        )

    def _made(self, by: NodeId, body: Any) -> str:
        return hmac.digest(self._keys[by], repr(body).encode(), hashlib.sha256).hex()[:16]


def seals(seed: int, servers: Iterable[NodeId]) -> dict[NodeId, Seal]:
    """Return everybody's seal."""
    # A digest: who is handed a key does not learn the seed from it.
    keys = {name: hashlib.sha256(f"{seed}/seal/{name}".encode()).digest() for name in servers}
    return {name: Seal(name, keys) for name in keys}

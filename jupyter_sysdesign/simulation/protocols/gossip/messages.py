"""What members say to each other, and what they show of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_sysdesign.simulation.node import NodeId

ALIVE, SUSPECT, DEAD = "alive", "suspect", "dead"


class Update(NamedTuple):
    """A rumour: what somebody believes of a member (§4.1, §4.2).

    Attributes:
        status: ``alive``, ``suspect`` or ``dead``.
        member: of whom.
        incarnation: a number that only the member itself raises.
    """

    status: str
    member: NodeId
    incarnation: int


class Ping(NamedTuple):
    """Are you there? ``number`` comes back with the answer; rumours travel along (§3.1, §4.1)."""

    number: int
    updates: tuple[Update, ...] = ()


class PingRequest(NamedTuple):
    """Ask ``target`` for me: I do not hear from it (§3.1)."""

    number: int
    target: NodeId
    updates: tuple[Update, ...] = ()


class Ack(NamedTuple):
    """Here I am; or, from a helper: ``member`` is there (§3.1)."""

    number: int
    member: NodeId
    updates: tuple[Update, ...] = ()


class SwimProbe(NamedTuple):
    """What a member shows the rules. A learner's member shows the same.

    Attributes:
        role: ``member``; there is nothing else to be.
        incarnation: its own.
        members: what it believes of each other one: ``alive``, ``suspect`` or ``dead``; itself, not
            copied.
    """

    role: str
    incarnation: int
    members: Mapping[NodeId, str]

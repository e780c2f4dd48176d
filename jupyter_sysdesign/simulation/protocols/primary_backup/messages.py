"""What servers, the view service and each other say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.clients import Request
    from jupyter_sysdesign.simulation.node import NodeId

#: The name of the view service.
VIEW_SERVICE = "view"


class View(NamedTuple):
    """Who is what, from now on; numbers grow by one."""

    number: int
    primary: NodeId | None
    backup: NodeId | None


NO_VIEW = View(0, None, None)


class Ping(NamedTuple):
    """A server lives, and acts by this view; 0 if it has just started, and knows nothing."""

    number: int


class Forward(NamedTuple):
    """The primary passes on what it is about to do."""

    view: int
    order: int
    request: Request


class Forwarded(NamedTuple):
    """The backup has done it."""

    view: int
    order: int


class Transfer(NamedTuple):
    """Everything, for a backup that is new in this view."""

    view: int
    order: int
    state: tuple[Any, ...]


class Transferred(NamedTuple):
    """The backup has it."""

    view: int


class PrimaryProbe(NamedTuple):
    """What a server shows the rules.

    Attributes:
        role: ``primary``, ``backup`` or ``idle``.
        view: the number of the view it acts by.
        done: (client, serial) of the last operation it did for each client.
        synced: whether, as a primary, its backup has everything; as a backup, whether it has.
    """

    role: str
    view: int
    done: tuple[tuple[NodeId, int], ...]
    synced: bool

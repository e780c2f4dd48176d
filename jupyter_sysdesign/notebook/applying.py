"""``lesson.apply()``: what was saved becomes part of the running system."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.notebook.rendering import message
from jupyter_sysdesign.notebook.starting import ensure_running

if TYPE_CHECKING:
    from jupyter_sysdesign.control.models import Applied
    from jupyter_sysdesign.notebook.connection import Connection


class AppliedResult:
    """What was applied.

    Attributes:
        files: the files applied now, in order.
        replayed: the pristine data was restored first, because an applied file had changed.
        services: what became of each service, by name; empty if none had to change.
        message: what happened, in a sentence.
    """

    def __init__(self, applied: Applied) -> None:
        self.files = applied.applied
        self.replayed = applied.replayed
        self.services = {
            **dict.fromkeys(applied.started, "started"),
            **dict.fromkeys(applied.restarted, "restarted"),
            **dict.fromkeys(applied.stopped, "stopped"),
            **dict.fromkeys(applied.kept, "left running"),
        }
        self.message = applied.message

    def __repr__(self) -> str:
        return "\n".join([self.message, *(f"  applied {name}" for name in self.files)])

    def _repr_html_(self) -> str:
        return message.applied(
            self.message, self.files, replayed=self.replayed, services=self.services
        )


def apply(connection: Connection) -> AppliedResult:
    """Let an edited ``compose.yaml`` take effect, and apply the pending files of ``migrations/``.

    Raises:
        InvalidFileError: a file is wrong; file, line and what PostgreSQL or HAProxy said.
    """
    ensure_running(connection)
    return AppliedResult(connection.client.apply(connection.environment))

"""Start, stop and reset the environment; a cell that needs a running one starts it and says so."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from jupyter_sysdesign.environment.status import State
from jupyter_sysdesign.errors import StartFailedError
from jupyter_sysdesign.notebook.output import Slot, text_and_html
from jupyter_sysdesign.notebook.rendering import panel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_sysdesign.environment.status import EnvironmentStatus
    from jupyter_sysdesign.notebook.connection import Connection

_RUNNING = frozenset({State.READY, State.DEGRADED})
_SETTLED = _RUNNING | {State.FAILED, State.STOPPED}
_FIRST_POLL_S, _SLOWEST_POLL_S = 0.02, 0.3


def start(connection: Connection) -> None:
    """Start the environment and show how far it is until it is ready.

    Raises:
        StartFailedError: a service did not come up; the message has its last words.
        ConflictError: it is running on another runtime.
    """
    status = connection.status()
    elsewhere = status is not None and connection.runtime not in (None, status.runtime)
    if status is not None and status.state in _RUNNING and not elsewhere:
        _show(connection, Slot(), status, "It is running already.")
        return
    _start(connection, "Starting the system …")


def ensure_running(connection: Connection, *, say_degraded: bool = False) -> None:
    """Start the environment unless it runs, and say so; ``say_degraded``: also what is amiss.

    Raises:
        StartFailedError: it does not come up.
    """
    status = connection.status()
    if status is None or status.state not in _RUNNING:
        _start(connection, "The system was not running, so it is started first.")
    elif status.state is State.DEGRADED and say_degraded:
        _show(connection, Slot(), status, "Not everything runs.")


def reset(connection: Connection) -> None:
    """Restore the data as it was at the beginning; files stay as they are."""
    slot = Slot()
    slot.show(text_and_html("Restoring the data …", "<p>Restoring the data …</p>"))
    with _told(slot, "The data was not restored."):
        if connection.status() is None:
            connection.client.create_environment(connection.workspace.folder, start=False)
        status = connection.client.reset(connection.environment)
    if status.state not in {*_RUNNING, State.STOPPED}:
        status = _follow(connection, slot, "Restoring the data …")
    message = "The data is as it was at the beginning. Your files are untouched."
    _show(connection, slot, status, message)


def stop(connection: Connection) -> None:
    """Stop the environment; its data stays."""
    slot = Slot()
    status = connection.status()
    if status is None or status.state is State.STOPPED:
        _show(connection, slot, status, "It is not running.")
        return
    status = connection.client.stop(connection.environment)
    _show(connection, slot, status, "Stopped. The data stays for the next start.")


def _start(connection: Connection, message: str) -> None:
    slot = Slot()
    status = connection.client.create_environment(
        connection.workspace.folder, reuse=True, runtime=connection.runtime
    )
    _show(connection, slot, status, message)
    status = _follow(connection, slot, message)
    _show(connection, slot, status, "")


def _follow(connection: Connection, slot: Slot, message: str) -> EnvironmentStatus:
    """Return the status once the environment runs; show it meanwhile."""
    pause_s = _FIRST_POLL_S
    with _told(slot, "What became of it is not known."):
        while True:
            status = connection.client.environment(connection.environment)
            if status.state in _SETTLED:
                break
            _show(connection, slot, status, message, final=False)
            time.sleep(pause_s)
            pause_s = min(pause_s * 1.5, _SLOWEST_POLL_S)
    if status.state in _RUNNING:
        return status
    _show(connection, slot, status, "")
    raise StartFailedError(
        status.reason or "The system was stopped while it was starting.",
        hint="lesson.logs() shows what the services said. Then try lesson.start() again.",
    )


@contextmanager
def _told(slot: Slot, failed: str) -> Iterator[None]:
    """Let the slot not go on saying that something is under way if the body does not end well."""
    try:
        yield
    except BaseException as error:
        said = "You stopped waiting." if isinstance(error, KeyboardInterrupt) else failed
        slot.update(text_and_html(said, f"<p>{said}</p>"))
        raise


def _show(
    connection: Connection,
    slot: Slot,
    status: EnvironmentStatus | None,
    message: str,
    *,
    final: bool = True,
) -> None:
    heading = connection.lesson.title
    slot.update(
        text_and_html(
            panel.as_text(status, heading, message), panel.as_html(status, heading, message)
        ),
        final=final,
    )

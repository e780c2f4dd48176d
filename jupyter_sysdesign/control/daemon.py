"""The life of the control plane: one per user, started by whoever needs it, gone when idle."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import time
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING

from jupyter_sysdesign import paths, unused
from jupyter_sysdesign.control import presence
from jupyter_sysdesign.control.launch import answers
from jupyter_sysdesign.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import FrameType

    import uvicorn
    from fastapi import FastAPI

    from jupyter_sysdesign.control.plane import ControlPlane

log = logging.getLogger(__name__)

_IDLE_EXIT_S = 60.0
_LOG_BYTES = 1_000_000
# How long a control plane that is going down may take to make room for the next one.
_HANDOVER_S = 20.0


def serve(ready: Callable[[], None]) -> None:
    """Run until idle or told to stop (SIGTERM, SIGINT); ``ready`` is called once it answers.

    Raises:
        ConflictError: another control plane of this user is alive.
    """
    path = paths.control_socket()
    with _only_one_alive(path):
        _log_to_file()
        listener = _listen(path)
        try:
            asyncio.run(_serve(listener, ready))
        finally:
            listener.close()


async def _serve(listener: socket.socket, ready: Callable[[], None]) -> None:
    unused.leave_out(unused.HTTPX_COMMAND)
    # Imported late: a second control plane must be able to say that it is one without all this.
    import uvicorn  # noqa: PLC0415

    from jupyter_sysdesign.control.app import create_app  # noqa: PLC0415

    app = create_app()
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        ws="websockets-sansio",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        ws_per_message_deflate=False,
        # A unix socket says at once when its peer dies; a peer that is merely busy must not lose
        # its lease.
        ws_ping_interval=None,
        ws_max_size=1 << 20,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=1,
    )

    class Server(uvicorn.Server):
        """Lets what is going on end before it waits for the connections."""

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            plane: ControlPlane | None = getattr(app.state, "plane", None)
            if plane is not None:
                plane.stop_work()
            super().handle_exit(sig, frame)
            self._captured_signals.clear()  # a clean end is exit code 0, not death by signal

    server = Server(config)
    watching = asyncio.create_task(_watch(server, app, ready))
    try:
        await server.serve(sockets=[listener])
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching


async def _watch(server: uvicorn.Server, app: FastAPI, ready: Callable[[], None]) -> None:
    while not server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
        await asyncio.sleep(0.005)
    ready()
    plane: ControlPlane = app.state.plane
    plane.activity.last = asyncio.get_running_loop().time()  # before it, nobody could ask anything
    idle_exit_s = float(os.environ.get("SYSDESIGN_IDLE_EXIT_S", _IDLE_EXIT_S))
    while plane.running or plane.activity.idle_s < idle_exit_s:  # noqa: ASYNC110 (looks now and then)
        await asyncio.sleep(max(0.05, min(1.0, idle_exit_s / 4)))
    log.info("nothing to do for %g s: leaving", idle_exit_s)
    for (
        each
    ) in server.servers:  # uvicorn closes them in its own time, and takes requests until then
        each.close()
    server.should_exit = True


@contextlib.contextmanager
def _only_one_alive(path: Path) -> Iterator[None]:
    """Hold the lock of the living; wait for one that is on its way out."""
    until = time.monotonic() + _HANDOVER_S
    while (handle := presence.lock(presence.ALIVE, wait=False)) is None:
        if answers(path) or time.monotonic() > until:
            pid = presence.holder() or "unknown"
            raise ConflictError(f"Another control plane is alive (pid {pid})")
        time.sleep(0.02)
    try:
        os.ftruncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        yield
    finally:
        presence.clear()
        os.close(handle)


def _listen(path: Path) -> socket.socket:
    # We hold the lock, so whatever lies there was left by one that was killed.
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    listener.listen(128)
    return listener


def _log_to_file() -> None:
    handler = RotatingFileHandler(
        paths.home() / "control.log", maxBytes=_LOG_BYTES, backupCount=1, delay=True
    )
    handler.setFormatter(
        logging.Formatter("%(asctime)s %(levelname)s %(process)d %(name)s: %(message)s")
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for noisy in ("uvicorn", "asyncio", "httpx", "watchfiles"):
        logging.getLogger(noisy).setLevel(logging.WARNING)

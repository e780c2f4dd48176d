"""What a runtime runs for one service, and how it is told apart from being ready."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

#: Returns when the service answers; raises ``NotReady`` (try again in a few ms) otherwise.
Probe = "Callable[[], Awaitable[None]]"


class NotReady(Exception):  # noqa: N818 (a state, not an error)
    """The service does not answer yet."""


@dataclass(frozen=True)
class Launch:
    """One process tree, ready to be spawned.

    Attributes:
        argv: program and arguments; never a shell line.
        env: the whole environment, nothing is inherited.
        cwd: working directory.
        user: uid to run as, or None for the caller's.
        listen: 127.0.0.1 TCP port whose listening socket the child inherits; its number replaces
            ``{listen_fd}`` in argv and in values of env. The socket has TCP_NODELAY set (accepted
            connections inherit it; uvicorn takes an inherited fd for a unix socket and would not
            set it, which costs 40 ms per kept-alive request). None: no such socket.
        cpus: CPU quota in cores over the whole tree, or None.
        memory_bytes: address-space or cgroup limit where the OS gives one, or None.
        redact: passwords that must not reach a log.
        file_bytes: largest file the tree may write, or None.
        python: the words of argv after the interpreter, where the program may as well run in a fork
            of a process that has loaded the usual libraries; empty: it may not.
        stop_signal: what asks it to stop; SIGKILL follows after ``stop_timeout_s``.
        image: of a container that runs it; its entry point is the program.
        arguments: the words of argv after the program.
        reads: files and folders it has to see; whoever confines it shows no others.
        writes: folders it may write to.
        scratch: a folder that is its own, lost when it ends; None: it needs none.
        network: it reaches others, or is reached, by ports.
        untrusted: it runs what a learner wrote, or is configured by it.
        probe: see ``Probe``.
    """

    name: str
    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: Path
    probe: Callable[[], Awaitable[None]]
    user: int | None = None
    listen: int | None = None
    cpus: float | None = None
    memory_bytes: int | None = None
    file_bytes: int | None = None
    python: tuple[str, ...] = ()
    image: str = ""
    arguments: tuple[str, ...] = ()
    reads: tuple[Path, ...] = ()
    writes: tuple[Path, ...] = ()
    scratch: Path | None = None
    network: bool = False
    untrusted: bool = False
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout_s: float = 5.0
    redact: tuple[str, ...] = field(default=(), repr=False)

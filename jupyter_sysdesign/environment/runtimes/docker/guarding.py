"""The owner's side of the guard: there is one as long as anything runs, and the ledger names it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from typing import TYPE_CHECKING

from jupyter_sysdesign import paths
from jupyter_sysdesign.environment import ledger
from jupyter_sysdesign.environment.runtimes import forking
from jupyter_sysdesign.environment.runtimes.docker import engine
from jupyter_sysdesign.environment.runtimes.docker.guard import CLOSE
from jupyter_sysdesign.environment.tasks import end
from jupyter_sysdesign.errors import ResourceError, StartFailedError, SysdesignError

if TYPE_CHECKING:
    from jupyter_sysdesign.environment.services import Place

_OPEN_TIMEOUT_S = 30.0
_CLOSE_TIMEOUT_S = 15.0


class Guarding:
    """A guard, and another one when it is killed.

    Args:
        temporary: if the owner dies, the instance's folder goes too.

    Attributes:
        pid: of the guard, once there is one.
    """

    def __init__(self, place: Place, *, temporary: bool) -> None:
        self._place = place
        self._temporary = temporary
        self._ours: tuple[asyncio.StreamWriter, ...] = ()
        self._replacing: asyncio.Task[None] | None = None
        self.pid: int | None = None

    async def begin(self) -> None:
        """Have a guard.

        Raises:
            ResourceError, StartFailedError.
        """
        try:
            gone = await self._fork()
        except OSError as error:
            raise ResourceError(f"A guard cannot be started: {error.strerror}") from error
        self._replacing = asyncio.create_task(self._replace(gone))

    async def close(self, *, removed: bool) -> None:
        """Let it go; what was not ``removed`` it removes as soon as the engine answers."""
        replacing, self._replacing = self._replacing, None
        if replacing is None:
            return
        if removed:
            ledger.remove(self._place.folder)
        if self._ours:
            self._ours[0].write(CLOSE)
        if removed:  # it sees that, and ends; ended by its end, so that we wait for it here
            await asyncio.wait([replacing], timeout=_CLOSE_TIMEOUT_S)
        await end(replacing)
        self._let_go()

    async def _replace(self, gone: asyncio.StreamReader) -> None:
        """Have another guard as often as one is killed."""
        while True:
            with contextlib.suppress(ConnectionError):
                await gone.read()
            if self._replacing is None:  # we let it go
                return
            self._let_go()
            try:
                gone = await self._fork()
            except (OSError, SysdesignError):  # then the next program clears up
                return

    async def _fork(self) -> asyncio.StreamReader:
        """Return what ends with the guard."""
        logs = self._place.folder / "logs"
        logs.mkdir(mode=0o700, exist_ok=True)
        kept = {name: os.environ[name] for name in ("PATH", "TZ") if name in os.environ}
        order = {
            "instance": self._place.instance,
            "folder": str(self._place.folder),
            "sockets": str(self._place.sockets),
            "keep": not self._temporary,
            "engine": engine.url(),
            "env": {**kept, "LC_ALL": "C.UTF-8", "SYSDESIGN_HOME": str(paths.home())},
        }
        self._note(None)  # before anything can run
        orders, stdin = socket.socketpair()
        answers, stdout = socket.socketpair()
        with stdin, stdout, (logs / "guard.log").open("ab") as errors:
            _, to_it = await asyncio.open_unix_connection(sock=orders)
            gone, from_it = await asyncio.open_unix_connection(sock=answers)
            self._ours = (to_it, from_it)
            forking.fork(order, stdin, stdout, errors)
        try:
            hello = await asyncio.wait_for(gone.readline(), _OPEN_TIMEOUT_S)
            self.pid = int(json.loads(hello)["guard"])
        except (asyncio.TimeoutError, ValueError) as error:
            forking.discard()  # it may be frozen: the next start shall have another
            raise StartFailedError(
                "The guard did not come up", hint=f"See {logs / 'guard.log'}."
            ) from error
        self._note(ledger.Entry.of(self.pid))
        return gone

    def _note(self, guard: ledger.Entry | None) -> None:
        ledger.Ledger(
            instance=self._place.instance,
            sockets=str(self._place.sockets),
            boot=ledger.boot_id(),
            keepers=[guard] if guard else [],
            services={},
            engine=engine.url(),
        ).write(self._place.folder)

    def _let_go(self) -> None:
        for each in self._ours:
            each.close()
        self._ours = ()

"""The proxy of an instance's marked links, as the instance sees it: its process and our orders.

It runs like any service, so it is in the ledger and dies with the rest; what it does to the bytes
is told to it over a unix socket, in JSON lines (``faults/proxy/control.py``).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jupyter_sysdesign
from jupyter_sysdesign.environment.compose import image
from jupyter_sysdesign.environment.launch import Launch
from jupyter_sysdesign.environment.services.base import environment
from jupyter_sysdesign.environment.tasks import end, uninterrupted
from jupyter_sysdesign.environment.threads import in_thread
from jupyter_sysdesign.errors import StartFailedError, SysdesignError, UnavailableError

if TYPE_CHECKING:
    from jupyter_sysdesign.environment.addresses import Address
    from jupyter_sysdesign.environment.runtimes import Runtime
    from jupyter_sysdesign.environment.services import Place

#: Its name among what the runtime runs; no service can be called that.
NAME = "~links"

# Without site, like the supervisor: it needs the standard library only.
_BOOT = (
    "import sys; sys.path.append(sys.argv[1]); "
    "from jupyter_sysdesign.faults.proxy.main import main; main()"
)
_ROOT = str(Path(jupyter_sysdesign.__file__).parent.parent)
_OPEN_TIMEOUT_S = 20.0
_LOOK_EVERY_S = 0.003

Ends = tuple[str, str]


class LinkProxy:
    """One proxy process for all marked links of an instance.

    Attributes:
        pid: None while it does not run.
    """

    def __init__(self, place: Place) -> None:
        self.pid: int | None = None
        self._place = place
        self._writer: asyncio.StreamWriter | None = None
        self._reader: asyncio.Task[None] | None = None
        self._replies: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._number = 0

    async def open(self, runtime: Runtime) -> None:
        """Start it; returns when all marked links lead through it.

        Raises:
            StartFailedError: it does not come up.
            ResourceError, UnavailableError: as ``Runtime.spawn``.
        """
        await in_thread(self._control.unlink, missing_ok=True)
        try:
            pid = await runtime.spawn(self._launch())
            reader, self._writer = await asyncio.wait_for(self._connect(runtime), _OPEN_TIMEOUT_S)
            self._reader = asyncio.create_task(self._read(reader), name="link proxy")
            await self._order("listen", routes=self._routes())
        except BaseException as error:
            await uninterrupted(self._give_up(runtime))
            if not isinstance(error, (asyncio.TimeoutError, UnavailableError)):
                raise
            why = error.message if isinstance(error, UnavailableError) else "it does not answer"
            raise StartFailedError(f"The proxy of marked links did not come up: {why}") from error
        self.pid = pid

    async def close(self) -> None:
        """Let go of it; the runtime ends the process."""
        self.pid = None
        reader, self._reader = self._reader, None
        if reader is not None:
            await end(reader)
        self._hang_up()

    async def put(self, link: Ends, fault: str, kind: str, arguments: dict[str, Any]) -> None:
        """Put a fault on a link, from now on.

        Raises:
            UnavailableError: the proxy is gone.
        """
        await self._order("put", link=link, fault=fault, kind=kind, arguments=arguments)

    async def take_back(self, link: Ends, fault: str) -> None:
        """Take a fault off a link; nothing happens when it is not on it."""
        await self._order("take_back", link=link, fault=fault)

    async def clear(self, runtime: Runtime) -> None:
        """Take all faults off all links; start it again if it has ended.

        Raises:
            SysdesignError: as ``open``.
        """
        try:
            await self._order("clear")
        except UnavailableError:
            await self.close()
            await self.open(runtime)

    async def in_force(self, link: Ends) -> list[str]:
        """Return which faults are on a link."""
        return list((await self._order("in_force", link=link))["faults"])

    async def echo_ms(self, link: Ends, count: int, patience_ms: float) -> float | None:
        """Send ``count`` bytes through a link's faults to an echo, and time them.

        None: they did not come back within ``patience_ms``.
        """
        answer = await self._order("echo", link=link, bytes=count, patience_ms=patience_ms)
        took_ms: float | None = answer["took_ms"]
        return took_ms

    async def _give_up(self, runtime: Runtime) -> None:
        await self.close()
        with contextlib.suppress(SysdesignError):  # the runtime is gone as well
            await runtime.kill(NAME)

    @property
    def _control(self) -> Path:
        return self._place.sockets / NAME

    def _launch(self) -> Launch:
        async def probe() -> None:
            return

        return Launch(
            name=NAME,
            argv=proxy_command(self._control),
            arguments=proxy_command(self._control)[1:],
            image=image("python"),
            env=environment(self._place, NAME),
            cwd=Path("/"),
            probe=probe,
            reads=(Path(jupyter_sysdesign.__file__).parent, *self._place.database_sockets()),
            writes=(self._place.sockets, *self._folders()),
            network=self._place.by_port,
        )

    def _folders(self) -> list[Path]:
        """Make the folders of the sockets it listens on, and return them."""
        listening = map(self._place.addresses.through, self._place.spec.routes)
        folders = {each.path.parent for each in listening if each.path is not None}
        for folder in folders:
            folder.mkdir(mode=0o700, exist_ok=True)
        return sorted(folders - {self._place.sockets})

    def _routes(self) -> list[dict[str, Any]]:
        addresses = self._place.addresses
        routes = []
        for route in self._place.spec.routes:
            listen = addresses.through(route)
            to = addresses.of(route.target, route.port)
            link = (route.source, route.target)
            routes.append({"link": link, "listen": _plain(listen), "to": _plain(to)})
        return routes

    async def _connect(self, runtime: Runtime) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        ending = asyncio.ensure_future(runtime.wait(NAME))
        try:
            while not ending.done():
                with contextlib.suppress(OSError):
                    return await asyncio.open_unix_connection(self._control)
                await asyncio.sleep(_LOOK_EVERY_S)
        finally:
            await end(ending)
        raise UnavailableError("it ended")

    async def _read(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError):
            while line := await reader.readline():
                message = json.loads(line)
                reply = self._replies.get(message["reply"])
                if reply is not None and not reply.done():
                    reply.set_result(message)
        self._hang_up()

    def _hang_up(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
        for reply in self._replies.values():
            if not reply.done():
                reply.set_exception(_gone())

    async def _order(self, operation: str, **fields: Any) -> dict[str, Any]:
        if self._writer is None:
            raise _gone()
        self._number += 1
        number = self._number
        reply: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._replies[number] = reply
        self._writer.write(json.dumps({"op": operation, "id": number, **fields}).encode() + b"\n")
        try:
            answer = await reply
        finally:
            del self._replies[number]
        if "error" in answer:
            raise UnavailableError(f"The link proxy refused {operation}: {answer['error']}")
        return answer


def proxy_command(control: Path) -> tuple[str, ...]:
    """Return the argv of a proxy that takes its orders at the unix socket ``control``."""
    return (sys.executable, "-I", "-S", "-c", _BOOT, _ROOT, str(control))


def _plain(address: Address) -> str | int | None:
    return str(address.path) if address.path is not None else address.port


def _gone() -> UnavailableError:
    return UnavailableError("The proxy of the marked links does not run")

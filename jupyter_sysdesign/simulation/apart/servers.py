"""The world's side: nodes that stand for servers in processes of their own."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.interpreter import module_command
from jupyter_sysdesign.simulation import protocols
from jupyter_sysdesign.simulation.apart.probes import Hearer
from jupyter_sysdesign.simulation.apart.served import Served
from jupyter_sysdesign.simulation.apart.wire import (
    CUT,
    Letter,
    Line,
    Wire,
    chance,
    new_line,
    take_chance,
)
from jupyter_sysdesign.simulation.disk import Disk, PowerCut
from jupyter_sysdesign.simulation.node import Node
from jupyter_sysdesign.simulation.server_file import read
from jupyter_sysdesign.simulation.verdict import BudgetSpent, NodeFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable
    from pathlib import Path

    from typing_extensions import Self

    from jupyter_sysdesign.simulation.context import Context
    from jupyter_sysdesign.simulation.node import NodeId
    from jupyter_sysdesign.simulation.world import Simulation

#: Modules outside the protocols whose classes servers are sent.
_COMMON = ("jupyter_sysdesign.simulation.clients", f"{protocols.__name__}.clocks")
_HOST = "jupyter_sysdesign.simulation.apart.host"
_LONGEST_WHY = 2000


class Apart:
    """Makes servers of the class in a file, each in a process of its own.

    Args:
        file: the learner's.
        given: modules of ``simulation.protocols`` that it may import, such as ``raft.messages``.
        boxed: returns the argv that runs an argv in a box; without it there is none.
        run_s: CPU seconds that a server may take between two starts.
        memory_bytes: that it may take.

    Attributes:
        elsewhere: what it makes does not run in this process.
    """

    elsewhere = True

    def __init__(
        self,
        file: Path,
        given: Iterable[str] = (),
        *,
        boxed: Callable[[list[str]], list[str]] = list,
        run_s: float = 10.0,
        memory_bytes: int = 512 << 20,
    ) -> None:
        self.__name__ = file.name
        self._file = file
        self._given = list(given)
        self._boxed = boxed
        self._limits = run_s, memory_bytes
        self._host: _Host | None = None
        self._world: Simulation | None = None
        self._nodes: dict[NodeId, RemoteNode] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End all of them."""
        for node in self._nodes.values():
            node.end()
        if self._host is not None:
            self._host.end()
        self._nodes, self._host = {}, None

    def __call__(self, ctx: Context) -> RemoteNode:
        """Start one server."""
        if self._host is None:
            self._host = self._started()
        if (world := ctx._world) is not self._world:  # noqa: SLF001 (the world's side of it)
            for each in self._nodes.values():
                each.end()
            self._world, self._nodes = world, {}
        if (before := self._nodes.get(ctx.id)) is not None:
            take_chance(ctx.random, before.chance())
            before.end()
        node = self._nodes[ctx.id] = RemoteNode(
            ctx, self._host.new_line(), self._host.wire, self._nodes
        )
        return node

    def _started(self) -> _Host:
        modules = [*_COMMON, *(f"{protocols.__name__}.{name}" for name in self._given)]
        source = read(self._file)
        served = Served(str(self._file), source, modules, self._given, *self._limits)
        return _Host(self._boxed(module_command(_HOST)), served)


class _Host:
    """The process that servers are forked from; it ends with this one."""

    def __init__(self, argv: list[str], served: Served) -> None:
        self.wire = Wire(served.modules)
        self._door, theirs = socket.socketpair()
        with theirs:
            nowhere = subprocess.DEVNULL
            # Sets of text have the same order in every host: a run can be seen again.
            env = {**os.environ, "PYTHONHASHSEED": "0"}
            self._process = subprocess.Popen(
                argv, stdin=theirs.fileno(), stdout=nowhere, stderr=nowhere, env=env
            )
        line = Line(self._door.fileno(), self._door.fileno(), owned=False)
        try:
            line.say(served)
            line.hear()  # what else we sent now would be read with that, and its descriptor lost
        except (OSError, EOFError) as error:
            self.end()
            raise BudgetSpent("no process for servers could be started") from error

    def end(self) -> None:
        """End it."""
        self._door.close()
        self._process.wait()

    def new_line(self) -> Line:
        """Have a server forked; return the line to it."""
        line, theirs = new_line()
        try:
            socket.send_fds(self._door, [b"."], theirs)
        finally:
            for each in theirs:
                os.close(each)
        return line


class RemoteNode(Node):
    """Stands for a server: hands on what happens to it, and does what it says that it did."""

    def __init__(self, ctx: Context, line: Line, wire: Wire, apart: Container[NodeId]) -> None:
        """Begin to start it; ``apart`` are the servers in processes of their own."""
        super().__init__(ctx)
        self._world = ctx._world  # noqa: SLF001 (the world's side of it)
        self._line = line
        self._wire = wire
        self._apart = apart
        self._shown = Hearer(wire)
        told = {
            "id": ctx.id,
            "peers": ctx.peers,
            "options": dict(ctx.options),
            "everyone": tuple(self._world.contexts),
            "files": ctx.disk.state()[1],
            "chance": chance(ctx.random),
            "now": ctx.now(),
            "spared": self._spared(),
        }
        self._say(wire.write(told))

    def on_start(self) -> None:
        """Let it start: it has begun already."""
        self._hear()

    def on_message(self, src: NodeId, message: Any) -> None:
        """Hand it a message."""
        self._happen(src, message)

    def on_timer(self, name: str) -> None:
        """Let its timer run out."""
        self._happen(None, name)

    def probe(self) -> Any:
        """Show what it showed last."""
        return self._shown.probe

    def chance(self) -> Any:
        """Return the state of its chance, which the next start goes on with; it ends with that."""
        self._say(None)
        return self._answer()

    def end(self) -> None:
        """Leave it: it ends by itself."""
        self._line.close()

    def _happen(self, src: NodeId | None, payload: Any) -> None:
        ctx = self.ctx
        self._say([ctx.now(), self._spared(), src, self._wire.pack(payload)])
        self._hear()

    def _hear(self) -> None:
        """Do what the server did, and take in what it shows.

        Raises:
            PowerCut: the power is cut after one of its writes.
            NodeFailed: it raised, or ended.
        """
        while True:
            said = self._answer()
            try:
                self._do(said[1])
            except PowerCut:
                self._say(CUT)
                raise
            if said[0] == "more":
                self._say(self._spared())
                continue
            if said[0] == "raised":
                raise NodeFailed(self.ctx.id, str(said[2])[:_LONGEST_WHY], refused=bool(said[3]))
            self._shown.hear(said[2])
            return

    def _spared(self) -> dict[str, int]:
        tap = self.ctx.disk.tap
        return {} if tap is None else dict(tap.spared())

    def _do(self, deeds: list[Any]) -> None:
        """Do everything that a server says it did, in order."""
        ctx, read = self.ctx, self._wire.read
        for what, *how in deeds:
            if what == "send":
                self._send(*how)
            elif what == "timer":
                ctx.set_timer(read(how[0]), read(how[1]))
            elif what == "cancel":
                ctx.cancel(read(how[0]))
            elif what == "sync":
                ctx.disk.sync()
            elif what == "disk":
                _WRITES[how[0]](ctx.disk, read(how[1]), read(how[2]))
            else:
                ctx.note(read(how[0]), **read(how[1]))

    def _send(self, dst: NodeId, data: bytes) -> None:
        if type(data) is not bytes:
            raise TypeError("a message is written in bytes")
        unread = dst in self._apart and self._world.recorder is None
        self.ctx.send(dst, Letter(data) if unread else self._wire.unpack(data))

    def _say(self, what: Any) -> None:
        # That it is gone is told when it should answer.
        with contextlib.suppress(OSError, ValueError):  # ValueError: it was left
            self._line.say(what)

    def _answer(self) -> Any:
        try:
            return self._line.hear()
        except (EOFError, ValueError, RecursionError) as error:
            why = "the process ended in the middle of a run"
            raise NodeFailed(self.ctx.id, why, refused=True) from error


_WRITES = {
    "write": Disk.write,
    "append": Disk.append,
    "truncate": Disk.truncate,
    "forget": Disk.forget,
}

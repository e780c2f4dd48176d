"""A server's process: it makes one node of the learner's class, and hands it events."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any, NoReturn

from jupyter_sysdesign.simulation import limits
from jupyter_sysdesign.simulation.apart.probes import Teller
from jupyter_sysdesign.simulation.apart.wire import CUT, chance, take_chance
from jupyter_sysdesign.simulation.context import Context
from jupyter_sysdesign.simulation.disk import Disk, PowerCut
from jupyter_sysdesign.simulation.server_file import node_in, run
from jupyter_sysdesign.simulation.world import failure

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.apart.served import Served
    from jupyter_sysdesign.simulation.apart.wire import Line, Wire
    from jupyter_sysdesign.simulation.node import Node, NodeId


class Deeds:
    """What the node did since this was last told.

    Attributes:
        spared: how many writes and syncs to the disk surely have the power left on; after the next
            one it may be cut, so that one is told at once. All of a kind that is not named are.
        cut: it was: nothing that is done now was ever done.
    """

    def __init__(self, line: Line) -> None:
        self._line = line
        self._done: list[Any] = []
        self.spared: dict[str, int] = {}
        self.cut = False

    def add(self, *deed: Any) -> None:
        """Note one.

        Raises:
            PowerCut: it was the last thing already.
        """
        if self.cut:
            raise PowerCut
        self._done.append(deed)

    def taken(self) -> list[Any]:
        """Return all of them, and begin anew."""
        done, self._done = self._done, []
        return done

    def tell(self, kind: str) -> None:
        """Tell what was done up to a write or sync, if the power may be cut with that.

        Raises:
            PowerCut: it is.
        """
        spared = self.spared.get(kind)
        if spared is None:
            return
        if spared:
            self.spared[kind] = spared - 1
            return
        self._line.say(["more", self.taken()])
        answer = self._line.hear()
        if answer == CUT:
            self.cut = True
            raise PowerCut
        self.spared = answer


class ToldDisk(Disk):
    """A disk whose writes are told."""

    __slots__ = ("_deeds", "_wire")

    def __init__(self, files: dict[str, Any], wire: Wire, deeds: Deeds) -> None:
        super().__init__()
        self.restore((files, files, ()))
        self._wire = wire
        self._deeds = deeds

    def sync(self) -> None:
        """Make everything written so far survive a crash."""
        loses = self.unsynced > 0
        super().sync()
        self._deeds.add("sync")
        if loses:
            self._deeds.tell("syncing")
        self._deeds.tell("synced")

    def _write(self, operation: str, name: str, value: Any) -> None:
        super()._write(operation, name, value)
        self._deeds.add("disk", operation, self._wire.write(name), self._wire.write(value))
        self._deeds.tell("wrote")


class ToldContext(Context):
    """A node's way to a world in another process.

    Attributes:
        clock: the time by the node's own clock; it stands still while a handler runs.
    """

    __slots__ = ("_deeds", "_names", "_set", "_wire", "clock")

    def __init__(self, told: dict[str, Any], wire: Wire, deeds: Deeds) -> None:
        """Take what the world told; the base's own would want the world itself."""
        self.id: NodeId = told["id"]
        self.peers = told["peers"]
        self.options = told["options"]
        self.random = Random()
        take_chance(self.random, told["chance"])
        self.disk = ToldDisk(told["files"], wire, deeds)
        self.clock: int = told["now"]
        self._names: frozenset[NodeId] = frozenset(told["everyone"])
        self._set: dict[str, int] = {}
        self._wire = wire
        self._deeds = deeds
        deeds.spared = told["spared"]

    def send(self, dst: NodeId, message: Any) -> None:
        """Send ``message``.

        Raises:
            ValueError: nobody is called ``dst``.
        """
        if dst not in self._names:
            raise ValueError(f"there is no node {dst!r} to send to")
        self._deeds.add("send", dst, self._wire.pack(message))

    def set_timer(self, name: str, delay_us: int) -> None:
        """Call ``on_timer(name)`` in ``delay_us`` by the node's clock."""
        due = self.clock + max(delay_us, 0)
        if type(due) is not int:
            raise TypeError(f"a timer runs for whole microseconds, not {delay_us!r}")
        self._set[name] = due
        self._deeds.add("timer", self._wire.write(name), delay_us)

    def cancel(self, name: str) -> None:
        """Forget a timer."""
        self._set.pop(name, None)
        self._deeds.add("cancel", self._wire.write(name))

    def now(self) -> int:
        """Return the time in µs by the node's own clock."""
        return self.clock

    def note(self, kind: str, **details: Any) -> None:
        """Tell whoever watches that something happened."""
        self._deeds.add("note", self._wire.write(kind), self._wire.write(details))

    def rang(self, name: str) -> None:
        """Know that a timer ran out."""
        self._set.pop(name, None)

    @property
    def timers(self) -> dict[str, int]:
        """The timers that are set, and when each is due by the node's clock."""
        return dict(self._set)


def serve(line: Line, wire: Wire, served: Served, watch: limits.Stopwatch) -> NoReturn:
    """Be one server, from its start until the world ends it."""
    limits.confine()
    watch.start(served.run_s)
    deeds = Deeds(line)
    teller = Teller(wire)
    node: Node | None = None
    event: Any = line.hear()
    while True:
        answer: list[Any] = []
        try:
            if node is None:
                # Before what is on the disk is read: its classes are this file's.
                wire.own = run(served.source, served.file)
                ctx = ToldContext(wire.read(event), wire, deeds)
                node = node_in(wire.own, served.file)(ctx)
                node.on_start()
            else:
                ctx.clock, deeds.spared, src, payload = event
                if src is None:
                    ctx.rang(name := wire.unpack(payload))
                    node.on_timer(name)
                else:
                    node.on_message(src, wire.unpack(payload))
            answer = ["done", deeds.taken(), teller.tell(node.probe())]
        except PowerCut:
            pass
        except BaseException as error:  # noqa: BLE001 (whatever it raises, it is told)
            failed = failure(served.file, error)
            refused = failed.refused or isinstance(error, limits.OutOfTime)
            answer = ["raised", deeds.taken(), failed.what, refused]
        if not deeds.cut:  # else the world does not wait for one
            line.say(answer)
        event = line.hear()
        if event is None:
            line.say(chance(ctx.random))
            line.hear()

"""Which transaction must come before which, and why.

Adya, Liskov and O'Neil, "Generalized isolation level definitions" (2000), and Adya's thesis (1999)
name the three dependencies: ``ww`` (it overwrote what the other wrote), ``wr`` (it read what the
other wrote) and ``rw`` (it overwrote what the other had read). How to find them without asking the
database is the idea of Kingsbury and Alvaro, "Elle: Inferring isolation anomalies from experimental
observations" (2020): let every write be recognised, and let what is read tell the order of writes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from jupyter_sysdesign.simulation.checkers.narration import name

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.checkers.history import Value
    from jupyter_sysdesign.simulation.checkers.transactions import Transaction

#: ``session``: the same client committed it before; ``realtime``: it was over before it began.
Kind: TypeAlias = Literal["ww", "wr", "rw", "session", "realtime"]


@dataclass(frozen=True)
class Dependency:
    """``first`` must come before ``second`` in any order that explains both.

    Attributes:
        kind: of the dependency.
        first: the earlier transaction.
        second: the later one.
        key: on which it rests; None between sessions and in real time.
        why: in words.
    """

    kind: Kind
    first: Transaction
    second: Transaction
    key: Value
    why: str


@dataclass
class Graph:
    """Transactions and their dependencies.

    Attributes:
        edges: for each transaction, the dependencies it is first in.
    """

    edges: dict[Transaction, list[Dependency]] = field(default_factory=dict)

    def add(
        self, kind: Kind, first: Transaction, second: Transaction, key: Value, why: str
    ) -> None:
        """Add a dependency, unless a transaction would depend on itself."""
        if first is not second:
            self.edges.setdefault(second, [])
            self.edges.setdefault(first, []).append(Dependency(kind, first, second, key, why))


def overwrote(graph: Graph, first: Transaction, second: Transaction, key: Value) -> None:
    """Note ``ww``."""
    why = f"{second} wrote {name(key)} over what {first} had written"
    graph.add("ww", first, second, key, why)


def read_from(graph: Graph, writer: Transaction, reader: Transaction, key: Value) -> None:
    """Note ``wr``."""
    graph.add("wr", writer, reader, key, f"{reader} read what {writer} wrote to {name(key)}")


def read_before(graph: Graph, reader: Transaction, writer: Transaction, key: Value) -> None:
    """Note ``rw``."""
    why = f"{reader} read {name(key)} as it was before {writer} wrote it"
    graph.add("rw", reader, writer, key, why)


def add_sessions(graph: Graph, committed: list[Transaction]) -> None:
    """Note that a client's transactions follow each other."""
    last: dict[int | str, Transaction] = {}
    for each in committed:
        client = each.operation.client
        if client in last:
            why = f"client {client} began {each} after it had committed {last[client]}"
            graph.add("session", last[client], each, None, why)
        if each.operation.happened:
            last[client] = each


def add_real_time(graph: Graph, committed: list[Transaction]) -> None:
    """Note which transactions were over before others began; what follows by others is left out."""
    frontier: list[Transaction] = []
    ended = sorted(
        (each for each in committed if each.operation.happened),
        key=lambda each: each.operation.returned or 0,
    )
    position = 0
    for each in sorted(committed, key=lambda each: each.operation.invoked):
        while position < len(ended) and ended[position].operation.precedes(each.operation):
            over = ended[position]
            frontier = [old for old in frontier if not old.operation.precedes(over.operation)]
            frontier.append(over)
            position += 1
        for over in frontier:
            graph.add("realtime", over, each, None, f"{over} had committed before {each} began")

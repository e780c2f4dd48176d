"""Dependencies of transactions that write registers and read them.

A read tells which write it saw, but not which writes came before that one. Known are: the initial
value comes first; who reads a value and then writes another one overwrites the first; and what the
caller says, who may have asked the database.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.simulation.checkers import dependencies
from jupyter_sysdesign.simulation.checkers.anomaly import Anomaly, lost_updates
from jupyter_sysdesign.simulation.checkers.narration import name, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jupyter_sysdesign.simulation.checkers.dependencies import Graph
    from jupyter_sysdesign.simulation.checkers.history import Value
    from jupyter_sysdesign.simulation.checkers.transactions import Transaction


@dataclass(frozen=True)
class _Read:
    reader: Transaction
    key: Value
    value: Value
    own: tuple[Value, ...]


def infer(
    graph: Graph,
    committed: Sequence[Transaction],
    aborted: Sequence[Transaction],
    orders: Mapping[Value, Sequence[Value]],
) -> list[Anomaly]:
    """Add the dependencies to ``graph`` and return what is wrong without any cycle.

    ``orders`` holds, for some keys, the committed values in the order they were written.

    Raises:
        InvalidRequestError: an order names a value that nobody wrote.
    """
    found: list[Anomaly] = []
    writer = {(key, value): each for each in committed for key, value in _writes(each)}
    rolled_back = {(key, value): each for each in aborted for key, value in _writes(each)}
    reads = [read for each in committed for read in _reads(each)]
    after = _known_order(committed, reads, writer, orders)
    first: dict[tuple[Value, Value], list[Transaction]] = {}
    for read in reads:
        found += _wrong(read, writer, rolled_back)
        if read.own:
            continue
        first.setdefault((read.key, read.value), []).append(read.reader)
        if read.value is None:
            newer = [value for key, value in writer if key == read.key]
            newer = list(orders.get(read.key, newer))
        else:
            newer = after.get((read.key, read.value), [])
            if (read.key, read.value) in writer:
                dependencies.read_from(graph, writer[read.key, read.value], read.reader, read.key)
        for value in newer:
            dependencies.read_before(graph, read.reader, writer[read.key, value], read.key)
    # Who read a version and then wrote depends on its writer already; that it overwrote it is sure
    # only where nobody, in a circle, read what was written later.
    for key, order in orders.items():
        for value, following in itertools.pairwise(order):
            dependencies.overwrote(graph, writer[key, value], writer[key, following], key)
    return [*found, *_not_repeated(reads, after), *lost_updates(first)]


def _known_order(
    committed: Sequence[Transaction],
    reads: Sequence[_Read],
    writer: Mapping[tuple[Value, Value], Transaction],
    orders: Mapping[Value, Sequence[Value]],
) -> dict[tuple[Value, Value], list[Value]]:
    """Return, for each version, others that are known to have come later."""
    after: dict[tuple[Value, Value], list[Value]] = {}
    for key, order in orders.items():
        for value in order:
            if (key, value) not in writer:
                raise InvalidRequestError(
                    f"the order of {name(key)} names {shown(value)}, which nobody committed"
                )
        for value, following in itertools.pairwise(order):
            after.setdefault((key, value), []).append(following)
    for read in reads:
        written = read.reader.writes(read.key)
        if written and not read.own and read.value is not None and read.key not in orders:
            after.setdefault((read.key, read.value), []).append(written[-1])
    for each in committed:
        for key in dict.fromkeys(key for key, _ in _writes(each)):
            for value, following in itertools.pairwise(each.writes(key)):
                after.setdefault((key, value), []).append(following)
    return after


def _not_repeated(
    reads: Sequence[_Read], after: Mapping[tuple[Value, Value], Sequence[Value]]
) -> Iterator[Anomaly]:
    """Yield who read a register twice, and two versions of it.

    Whichever of the two was overwritten, it read that one before, and from who came after: a cycle
    of one ``rw``, which is found where it is known which.
    """
    versions: dict[tuple[Transaction, Value], dict[Value, None]] = {}
    for read in reads:
        if not read.own and read.value is not None:
            versions.setdefault((read.reader, read.key), {})[read.value] = None
    for (reader, key), several in versions.items():
        for one, other in itertools.islice(itertools.pairwise(several), 1):
            if other not in after.get((key, one), ()) and one not in after.get((key, other), ()):
                yield Anomaly(
                    "G-single",
                    (reader,),
                    f"{reader} read {name(key)} = {shown(one)} and then {shown(other)}, and had "
                    f"not written it:\n  {reader.tell()}",
                )


def _writes(transaction: Transaction) -> Iterator[tuple[Value, Value]]:
    return ((step.key, step.value) for step in transaction.steps if step.kind == "w")


def _reads(transaction: Transaction) -> Iterator[_Read]:
    own: dict[Value, tuple[Value, ...]] = {}
    for step in transaction.steps:
        if step.kind == "w":
            own[step.key] = (*own.get(step.key, ()), step.value)
        else:
            yield _Read(transaction, step.key, step.value, own.get(step.key, ()))


def _wrong(
    read: _Read,
    writer: Mapping[tuple[Value, Value], Transaction],
    rolled_back: Mapping[tuple[Value, Value], Transaction],
) -> Iterator[Anomaly]:
    """Yield what is wrong with one read by itself."""
    reader, version = read.reader, (read.key, read.value)
    seen = f"{reader} read {name(read.key)} = {shown(read.value)}"
    if read.own:
        if read.value != read.own[-1]:
            yield Anomaly(
                "internal", (reader,), f"{seen}, although it had itself written {read.own[-1]!r}."
            )
    elif version in rolled_back:
        source = rolled_back[version]
        yield Anomaly("G1a", (source, reader), f"{seen}, but {source} was rolled back.")
    elif version in writer:
        source, last = writer[version], writer[version].writes(read.key)[-1]
        if source is reader:
            yield Anomaly("internal", (reader,), f"{seen}, although it wrote that only later.")
        elif last != read.value:
            yield Anomaly(
                "G1b",
                (source, reader),
                f"{seen}, in the middle of {source}, which went on to write {shown(last)}.",
            )
    elif read.value is not None:
        yield Anomaly("garbage read", (reader,), f"{seen}; nobody wrote that.")

"""Dependencies of transactions that append to lists and read them.

A list tells the whole order in which it was written, so one read of it is worth many; what was
committed and stands in no read came after the longest one.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_sysdesign.simulation.checkers import dependencies
from jupyter_sysdesign.simulation.checkers.anomaly import Anomaly, lost_updates
from jupyter_sysdesign.simulation.checkers.narration import name, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jupyter_sysdesign.simulation.checkers.dependencies import Graph
    from jupyter_sysdesign.simulation.checkers.history import Value
    from jupyter_sysdesign.simulation.checkers.transactions import Transaction


@dataclass(frozen=True)
class _Read:
    reader: Transaction
    key: Value
    elements: tuple[Value, ...]
    own: tuple[Value, ...]  # what the reader had appended by then


def infer(
    graph: Graph, committed: Sequence[Transaction], aborted: Sequence[Transaction]
) -> list[Anomaly]:
    """Add the dependencies to ``graph`` and return what is wrong without any cycle."""
    found: list[Anomaly] = []
    writer = {(key, element): each for each in committed for key, element in _appends(each)}
    rolled_back = {(key, element): each for each in aborted for key, element in _appends(each)}
    reads: dict[Value, list[_Read]] = {}
    for read in (read for each in committed for read in _reads(each)):
        found += _wrong(read, writer, rolled_back)
        known = tuple(each for each in read.elements if (read.key, each) in writer)
        reads.setdefault(read.key, []).append(_Read(read.reader, read.key, known, read.own))
    for key in dict.fromkeys([*(key for key, _ in writer), *reads]):
        some = sorted(reads.get(key, []), key=lambda read: len(read.elements))
        order = some[-1].elements if some else ()
        if differing := next((r for r in some if order[: len(r.elements)] != r.elements), None):
            found.append(_incompatible(differing, some[-1]))
            continue
        later = [each for (k, e), each in writer.items() if k == key and e not in order]
        _order(graph, key, [writer[key, element] for element in order], later)
        for read in some:
            _place(graph, read, order, writer, later)
    first: dict[tuple[Value, Value], list[Transaction]] = {}
    for read in itertools.chain.from_iterable(reads.values()):
        if not read.own:
            first.setdefault((read.key, read.elements), []).append(read.reader)
    return [*found, *lost_updates(first)]


def _order(graph: Graph, key: Value, order: list[Transaction], later: list[Transaction]) -> None:
    for first, second in itertools.pairwise(order):
        dependencies.overwrote(graph, first, second, key)
    if order:
        for each in later:
            dependencies.overwrote(graph, order[-1], each, key)


def _place(
    graph: Graph,
    read: _Read,
    order: tuple[Value, ...],
    writer: dict[tuple[Value, Value], Transaction],
    later: list[Transaction],
) -> None:
    """Add what the read depends on, and what depends on it."""
    others = [each for each in read.elements if writer[read.key, each] is not read.reader]
    if others:
        dependencies.read_from(graph, writer[read.key, others[-1]], read.reader, read.key)
    rest = [writer[read.key, each] for each in order[len(read.elements) :]]
    following = next((each for each in rest if each is not read.reader), None)
    for each in [following] if following else later:
        dependencies.read_before(graph, read.reader, each, read.key)


def _appends(transaction: Transaction) -> Iterator[tuple[Value, Value]]:
    return ((step.key, step.value) for step in transaction.steps if step.kind == "append")


def _reads(transaction: Transaction) -> Iterator[_Read]:
    own: dict[Value, tuple[Value, ...]] = {}
    for step in transaction.steps:
        if step.kind == "append":
            own[step.key] = (*own.get(step.key, ()), step.value)
        else:
            yield _Read(transaction, step.key, step.value or (), own.get(step.key, ()))


def _wrong(
    read: _Read,
    writer: dict[tuple[Value, Value], Transaction],
    rolled_back: dict[tuple[Value, Value], Transaction],
) -> Iterator[Anomaly]:
    """Yield what is wrong with one read by itself."""
    reader = read.reader
    seen = f"{reader} read {name(read.key)} as {shown(read.elements)}"
    yield from _not_own(read, seen)
    if len(set(read.elements)) != len(read.elements):
        yield Anomaly("duplicate elements", (reader,), f"{seen}: an element stands there twice.")
    for element in read.elements:
        if source := rolled_back.get((read.key, element)):
            yield Anomaly(
                "G1a",
                (source, reader),
                f"{seen}, but {source}, which appended {shown(element)}, was rolled back.",
            )
        elif (read.key, element) not in writer:
            yield Anomaly("garbage read", (reader,), f"{seen}; nobody appended {shown(element)}.")
    others: dict[Transaction, list[Value]] = {}
    last: Transaction | None = None
    for element in dict.fromkeys(read.elements):
        source = writer.get((read.key, element), reader)
        if source is not reader:
            others.setdefault(source, []).append(element)
            last = source
    for source, elements in others.items():
        appended = source.writes(read.key)
        if elements != appended[: len(elements)]:
            yield Anomaly(
                "incompatible order",
                (source, reader),
                f"{seen}, although {source} appended {shown(appended)} in this order.",
            )
        if source is last and appended[-1] not in elements:
            yield Anomaly(
                "G1b",
                (source, reader),
                f"{seen}, in the middle of {source}, which went on to append "
                f"{shown(appended[-1])}.",
            )


def _not_own(read: _Read, seen: str) -> Iterator[Anomaly]:
    """Yield where it does not see what the reader itself has appended by then, and no more."""
    if tuple(each for each in read.elements if each in read.own) != read.own:
        yield Anomaly(
            "internal",
            (read.reader,),
            f"{seen}, although it had itself appended {shown(read.own)}.",
        )
    for each in read.reader.writes(read.key)[len(read.own) :]:
        if each in read.elements:
            yield Anomaly(
                "internal",
                (read.reader,),
                f"{seen}, although it appended {shown(each)} only later.",
            )


def _incompatible(one: _Read, other: _Read) -> Anomaly:
    return Anomaly(
        "incompatible order",
        (one.reader, other.reader),
        f"{one.reader} read {name(one.key)} as {shown(one.elements)} and {other.reader} as "
        f"{shown(other.elements)}: a list that only grows cannot have been both.",
    )

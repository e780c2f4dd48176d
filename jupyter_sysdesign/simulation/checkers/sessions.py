"""Session guarantees: what one client may rely on while it goes from copy to copy.

Terry et al., "Session guarantees for weakly consistent replicated data" (1994), define them by the
sets of writes that servers hold. A history does not show servers, so here a guarantee is broken
when a read answers a version that happened before one it should have seen; versions are compared
as version vectors compare them. For servers, all four together are causal consistency (Brzezinski,
Sobaniec and Wawrzyniak, "From session causality to causal consistency", 2004). Seen from outside,
each by itself and step by step, they are less: a history can keep all four and not be causal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from jupyter_sysdesign.simulation.checkers.happened_before import INITIAL, HappenedBefore
from jupyter_sysdesign.simulation.checkers.judgement import Judgement
from jupyter_sysdesign.simulation.checkers.narration import listed, tell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jupyter_sysdesign.simulation.checkers.history import History, Value

READ_YOUR_WRITES = "read your writes"
MONOTONIC_READS = "monotonic reads"
MONOTONIC_WRITES = "monotonic writes"
WRITES_FOLLOW_READS = "writes follow reads"

#: A write that a read should have seen, and the operations that make it due.
_Due: TypeAlias = "tuple[int, ...]"


def check(guarantee: str, history: History, initial: Value = None) -> Judgement:
    """Return whether each client's reads keep ``guarantee``, one of the four names above."""
    order = HappenedBefore(history, initial)
    if order.unclear:
        return Judgement(guarantee, "unknown", order.unclear)
    due, why = _GUARANTEES[guarantee]
    for read, source in sorted(order.source.items()):
        if order.overwritten(read) is None:
            continue  # whatever a guarantee asks for happened before the read
        key = order.operations[read].key
        for write, *witnesses in due(order, read):
            if order.operations[write].key == key and order.older(source, write):
                told = {read, *witnesses, *order.chain(source, write)}
                operations = tuple(order.operations[each] for each in sorted(told))
                said = (
                    f"{tell(order.operations[read])}, although {why}: "
                    f"{tell(order.operations[write])}."
                )
                return Judgement(guarantee, "failed", f"{said}\n{listed(operations)}", operations)
    return Judgement(guarantee, "passed", "No read answers a version older than it should have.")


def _own_writes(order: HappenedBefore, read: int) -> Iterator[_Due]:
    """Yield what the client itself wrote before."""
    for each in order.earlier_in_session(read):
        if order.operations[each].kind == "write":
            yield (each,)


def _seen(order: HappenedBefore, read: int) -> Iterator[_Due]:
    """Yield what the client itself read before."""
    for each in order.earlier_in_session(read):
        if order.source.get(each, INITIAL) != INITIAL:
            yield order.source[each], each


def _written_before_seen(order: HappenedBefore, read: int) -> Iterator[_Due]:
    """Yield what the writers of all it has seen had written before."""
    for write, seen in _observed(order, read):
        for each in order.earlier_in_session(write):
            if order.operations[each].kind == "write":
                yield each, write, seen


def _read_before_seen(order: HappenedBefore, read: int) -> Iterator[_Due]:
    """Yield what the writers of all it has seen had read before, and so on back."""
    done: set[int] = set()
    waiting = list(_observed(order, read))
    while waiting:
        write, *seen = waiting.pop()
        if write in done:
            continue
        done.add(write)
        for source, earlier in _seen(order, write):
            waiting.append((source, earlier, write, *seen))
            yield waiting[-1]


def _observed(order: HappenedBefore, read: int) -> Iterator[_Due]:
    yield from _seen(order, read)
    if order.source[read] != INITIAL:
        yield order.source[read], read


#: For each guarantee, which writes a read should have seen; and why, in words.
_GUARANTEES: dict[str, tuple[Callable[[HappenedBefore, int], Iterator[_Due]], str]] = {
    READ_YOUR_WRITES: (_own_writes, "it had itself written a newer version before"),
    MONOTONIC_READS: (_seen, "it had itself read a newer version before"),
    MONOTONIC_WRITES: (
        _written_before_seen,
        "it had seen a write whose client had written a newer version before",
    ),
    WRITES_FOLLOW_READS: (
        _read_before_seen,
        "it had seen a write whose client had read a newer version before",
    ),
}

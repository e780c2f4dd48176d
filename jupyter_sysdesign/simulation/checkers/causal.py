"""Causal consistency, in its three usual strengths.

The definitions, and the patterns by which each is broken, are those of Bouajjani, Enea, Guerraoui
and Hamza, "On verifying causal consistency" (POPL 2017).

- **causal**: a read sees everything that happened before it, and may put what is concurrent in a
  different order each time;
- **causal memory** (Ahamad et al. 1995): a client moreover never changes its mind about that order;
- **causal convergence** (causal+ of COPS, Lloyd et al. 2011): all clients put it in the same order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.simulation.checkers.happened_before import INITIAL, HappenedBefore
from jupyter_sysdesign.simulation.checkers.judgement import Judgement
from jupyter_sysdesign.simulation.checkers.narration import listed, name, tell

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyter_sysdesign.simulation.checkers.history import History, Value

CAUSAL = "causal"
MEMORY = "causal memory"
CONVERGENCE = "causal convergence"


def check_causal(history: History, initial: Value = None) -> Judgement:
    """Return whether every read sees everything that happened before it."""
    order = HappenedBefore(history, initial)
    return _unclear(CAUSAL, order) or _broken(CAUSAL, order) or _holds(CAUSAL)


def check_memory(history: History, initial: Value = None) -> Judgement:
    """Return whether each client, moreover, can keep to one order of all writes."""
    order = HappenedBefore(history, initial)
    return (
        _unclear(MEMORY, order)
        or _broken(MEMORY, order)
        or next(filter(None, (_of_client(order, each) for each in order.sessions)), None)
        or _holds(MEMORY)
    )


def check_convergence(history: History, initial: Value = None) -> Judgement:
    """Return whether all clients, moreover, can agree on one order of all writes."""
    order = HappenedBefore(history, initial)
    return (
        _unclear(CONVERGENCE, order)
        or _broken(CONVERGENCE, order)
        or _in_conflict(order)
        or _holds(CONVERGENCE)
    )


def _unclear(model: str, order: HappenedBefore) -> Judgement | None:
    return Judgement(model, "unknown", order.unclear) if order.unclear else None


def _holds(model: str) -> Judgement:
    return Judgement(model, "passed", "No read contradicts what happened before it.")


def _broken(model: str, order: HappenedBefore) -> Judgement | None:
    """Look for the patterns that break all three."""
    if order.thin_air:
        invented = order.operations[order.thin_air[0]]
        return _failed(model, order, order.thin_air[:1], f"{tell(invented)}, which nobody wrote.")
    if cycle := order.cycle():
        why = "Each of these happened before itself: somebody read what was written only later."
        return _failed(model, order, cycle, why)
    for read in order.source:
        if (write := order.overwritten(read)) is not None:
            return _failed(model, order, _story(order, read, write), _overwritten(order, read))
    return None


def _overwritten(order: HappenedBefore, read: int) -> str:
    operation = order.operations[read]
    return (
        f"{tell(operation)}, but what it was told had been overwritten by a write of "
        f"{name(operation.key)} that happened before the read."
    )


def _of_client(order: HappenedBefore, client: int | str) -> Judgement | None:
    """Return why one client changed its mind, or None.

    Whatever it read must be the last write of that key in its order; so other writes of the key
    that come before the read must come before the one that was read (the relation ``HB`` of the
    paper, for the client's last operation).
    """
    session = [each for each in order.sessions[client] if order.operations[each].happened]
    if not session:
        return None
    past = order.before[session[-1]] | 1 << session[-1]
    before = [each & past for each in order.before]
    reads = [each for each in session if each in order.source]
    added = True
    while added:
        added = False
        for read in reads:
            source = order.source[read]
            for write in order.writes.get(order.operations[read].key, ()):
                if write == source or not before[read] >> write & 1:
                    continue
                if source == INITIAL:
                    return _failed(MEMORY, order, _story(order, read, write), _changed_mind(client))
                if not before[source] >> write & 1:
                    _put_before(before, write, source)
                    added = True
        if any(reached >> each & 1 for each, reached in enumerate(before)):
            around = [each for each, reached in enumerate(before) if reached >> each & 1]
            told = [read for read in reads if order.source[read] in around]
            return _failed(MEMORY, order, [*around, *told], _changed_mind(client))
    return None


def _put_before(before: list[int], earlier: int, later: int) -> None:
    """Add one step to a closed order, and all that follows from it."""
    new = before[earlier] | 1 << earlier
    for index, reached in enumerate(before):
        if index == later or reached >> later & 1:
            before[index] = reached | new


def _changed_mind(client: int | str) -> str:
    return (
        f"No one order of the writes explains all that client {client} read: it saw them in one "
        "order and later in another."
    )


def _in_conflict(order: HappenedBefore) -> Judgement | None:
    """Return why the clients cannot agree on one order, or None.

    A write that a reader knew of, and did not see because of another, comes before the other for
    everybody.
    """
    before = list(order.before)
    for read, source in order.source.items():
        for write in order.writes.get(order.operations[read].key, ()):
            if (
                source not in (write, INITIAL)
                and order.before[read] >> write & 1
                and not before[source] >> write & 1
            ):
                _put_before(before, write, source)
    around = [index for index, reached in enumerate(before) if reached >> index & 1]
    if not around:
        return None
    told = [read for read, source in order.source.items() if source in around]
    why = (
        "No one order of the writes explains what all clients read: some saw them in one order and "
        "some in another."
    )
    return _failed(CONVERGENCE, order, [*around, *told], why)


def _story(order: HappenedBefore, read: int, write: int) -> list[int]:
    """Return how ``write`` came before ``read``: the shortest chain, and what was read instead."""
    chain = order.chain(write, read)
    source = order.source[read]
    return chain if source == INITIAL else [source, *chain]


def _failed(model: str, order: HappenedBefore, indices: Iterable[int], why: str) -> Judgement:
    operations = tuple(order.operations[each] for each in sorted(set(indices)))
    return Judgement(model, "failed", f"{why}\n{listed(operations)}", operations=operations)

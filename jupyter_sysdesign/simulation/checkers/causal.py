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
from jupyter_sysdesign.simulation.checkers.history import History
from jupyter_sysdesign.simulation.checkers.judgement import Judgement
from jupyter_sysdesign.simulation.checkers.narration import listed, name, tell
from jupyter_sysdesign.simulation.checkers.shrinking import fewest
from jupyter_sysdesign.simulation.checkers.specifications import Register

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from jupyter_sysdesign.simulation.checkers.history import Value
    from jupyter_sysdesign.simulation.checkers.shrinking import Known

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
        or _without_order(MEMORY, order, initial, _changed_mind)
        or _holds(MEMORY)
    )


def check_convergence(history: History, initial: Value = None) -> Judgement:
    """Return whether all clients, moreover, can agree on one order of all writes."""
    order = HappenedBefore(history, initial)
    return (
        _unclear(CONVERGENCE, order)
        or _broken(CONVERGENCE, order)
        or _without_order(CONVERGENCE, order, initial, _disagreed)
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


def _without_order(
    model: str,
    order: HappenedBefore,
    initial: Value,
    wrong: Callable[[HappenedBefore], str],
) -> Judgement | None:
    """Return the failed judgement if ``wrong`` says why, with few operations that show it."""
    if not wrong(order):
        return None

    def of(part: list[Known]) -> HappenedBefore:
        return HappenedBefore(History(known for known, _ in part), initial)

    every = [(each, each) for each in order.operations]
    part = of(fewest(every, Register(initial), lambda part: bool(wrong(of(part)))))
    return _failed(model, part, range(len(part.operations)), wrong(part))


def _changed_mind(order: HappenedBefore) -> str:
    """Return which client changed its mind, in words, or nothing."""
    for client in order.sessions:
        if not _has_order(order, client):
            return (
                f"No one order of the writes explains all that client {client} read: it saw them "
                "in one order and later in another."
            )
    return ""


def _has_order(order: HappenedBefore, client: int | str) -> bool:
    """Return whether one order of the writes explains all that a client read.

    Whatever it read must be the last write of that key in its order; so other writes of the key
    that come before the read must come before the one that was read (the relation ``HB`` of the
    paper, for the client's last operation).
    """
    session = [each for each in order.sessions[client] if order.operations[each].happened]
    if not session:
        return True
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
                    return False
                if not before[source] >> write & 1:
                    _put_before(before, write, source)
                    added = True
        if _in_circle(before):
            return False
    return True


def _put_before(before: list[int], earlier: int, later: int) -> None:
    """Add one step to a closed order, and all that follows from it."""
    new = before[earlier] | 1 << earlier
    for index, reached in enumerate(before):
        if index == later or reached >> later & 1:
            before[index] = reached | new


def _in_circle(before: list[int]) -> bool:
    return any(reached >> index & 1 for index, reached in enumerate(before))


def _disagreed(order: HappenedBefore) -> str:
    """Return that the clients cannot agree on one order, in words, or nothing.

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
    if not _in_circle(before):
        return ""
    return (
        "No one order of the writes explains what all clients read: some saw them in one order and "
        "some in another."
    )


def _story(order: HappenedBefore, read: int, write: int) -> list[int]:
    """Return why ``write`` is newer than what was read, and how it came before ``read``."""
    return [*order.chain(order.source[read], write), *order.chain(write, read)]


def _failed(model: str, order: HappenedBefore, indices: Iterable[int], why: str) -> Judgement:
    operations = tuple(order.operations[each] for each in sorted(set(indices)))
    return Judgement(model, "failed", f"{why}\n{listed(operations)}", operations=operations)

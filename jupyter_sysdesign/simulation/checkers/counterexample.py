"""From a history that is not linearizable to the few operations that show it.

First the smallest prefix: nothing after the first answer that no order explains. Then operations
are left out as long as what remains still cannot be explained, larger parts first (Zeller and
Hildebrandt, "Simplifying and isolating failure-inducing input", 2002). Only what cannot create a
contradiction is left out: reads, a register's value with all its writes and reads, and writes of
values that nobody read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from jupyter_sysdesign.simulation.checkers.history import Operation
from jupyter_sysdesign.simulation.checkers.judgement import Budget, Judgement, Meter
from jupyter_sysdesign.simulation.checkers.narration import either, listed, name, tell
from jupyter_sysdesign.simulation.checkers.placing import search
from jupyter_sysdesign.simulation.checkers.specifications import Register

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.checkers.history import History, Value
    from jupyter_sysdesign.simulation.checkers.placing import Found
    from jupyter_sysdesign.simulation.checkers.specifications import Specification

#: For all attempts at one history together; what is reached by then is shown.
_BUDGET = Budget(states=100_000, seconds=2.0)
_OPERATIONS = 100_000
#: How many operations are told of.
_LINES = 12

#: An operation, and what was known of it when the prefix ends.
_Cut: TypeAlias = tuple[Operation, Operation]


def explain(model: str, history: History, specification: Specification, meter: Meter) -> Judgement:
    """Return the failed judgement of ``history``, all of one object, that no order explains."""
    kept = _shortest(_smallest_prefix(history, specification), specification)
    found = search(
        [cut for _, cut in kept], specification, Meter(Budget(seconds=2.0)), look_ahead=False
    )
    shown = tuple(operation for operation, _ in kept)
    why = _words(shown, specification, found)
    return Judgement(model, "failed", why, operations=shown, states=meter.states)


def _words(kept: tuple[Operation, ...], specification: Specification, found: Found) -> str:
    key = name(kept[-1].key)
    first = specification.shows(specification.start())
    lines = listed(kept[-_LINES:])
    if len(kept) > _LINES:
        lines = f"  ({len(kept) - _LINES} operations before)\n{lines}"
    why = (
        f"No order of these operations explains every answer ({key} was {first} at first):\n{lines}"
    )
    if found.stuck is not None:
        possible = either(specification.shows(each) for each in found.possible)
        why += (
            f"\nThere is no moment for this one: {tell(found.stuck)}. However the others are "
            f"ordered, {key} can only have been {possible} by then."
        )
    return why


def _smallest_prefix(history: History, specification: Specification) -> list[_Cut]:
    """Return what was asked before the first answer that no order explains."""
    ends = sorted(
        {each.returned for each in history if each.happened and each.returned is not None}
    )
    low, high = 0, len(ends) - 1
    while low < high:
        middle = (low + high) // 2
        operations = [cut for _, cut in _until(history, ends[middle])]
        if search(operations, specification, Meter(_BUDGET)).status == "failed":
            high = middle
        else:
            low = middle + 1
    return _until(history, ends[low])


def _until(history: History, end: int) -> list[_Cut]:
    """Return what was asked by ``end``; what was answered later had no answer yet."""
    prefix = []
    for each in history:
        if not each.possible or each.invoked > end:
            continue
        cut = each
        if each.returned is not None and each.returned > end:
            cut = Operation(
                each.client, each.kind, each.key, each.value, None, each.invoked, None, "info"
            )
        prefix.append((each, cut))
    return prefix


def _shortest(prefix: list[_Cut], specification: Specification) -> list[_Cut]:
    """Leave out as much as the budget allows."""
    # Reads without an answer say nothing.
    kept = [pair for pair in prefix if pair[1].happened or not specification.is_read(pair[1])]
    attempts = _Attempts(specification)
    kept = _nearest(kept, _by_value(kept, specification), attempts)
    kept = _fewest(kept, _by_value(kept, specification), attempts)
    kept = _fewest(kept, [[pair] for pair in kept if specification.is_read(pair[0])], attempts)
    alone = [group for group in _by_value(kept, specification) if not _is_observed(group)]
    return _fewest(kept, [[pair] for group in alone for pair in group], attempts)


class _Attempts:
    """Asks of parts of a history whether they fail, as long as the budget lasts."""

    def __init__(self, specification: Specification) -> None:
        self._specification = specification
        self._meter = Meter(_BUDGET)
        self._operations = _OPERATIONS

    def fails(self, part: list[_Cut]) -> bool:
        self._operations -= len(part)
        if self._operations < 0:
            return False
        found = search([cut for _, cut in part], self._specification, self._meter)
        return found.status == "failed"


def _nearest(kept: list[_Cut], groups: list[list[_Cut]], attempts: _Attempts) -> list[_Cut]:
    """Keep the groups of the last few operations only, if that is enough."""
    group_of = {id(pair): group for group in groups for pair in group}
    near = 2
    while group_of and near < len(kept):
        wanted = {id(pair) for last in kept[-near:] for pair in group_of[id(last)]}
        part = [pair for pair in kept if id(pair) in wanted]
        if attempts.fails(part):
            return part
        near *= 2
    return kept


def _fewest(kept: list[_Cut], groups: list[list[_Cut]], attempts: _Attempts) -> list[_Cut]:
    """Leave out groups, many at once to begin with."""
    size = max(len(groups) // 2, 1)
    while groups:
        start = 0
        while start < len(groups):
            out = {id(pair) for group in groups[start : start + size] for pair in group}
            fewer = [pair for pair in kept if id(pair) not in out]
            if attempts.fails(fewer):
                kept = fewer
                del groups[start : start + size]
            else:
                start += size
        if size == 1:
            break
        size = max(size // 2, 1)
    return kept


def _by_value(kept: list[_Cut], specification: Specification) -> list[list[_Cut]]:
    """Return, of a register, each value's writes and reads."""
    if not isinstance(specification, Register) or any(
        operation.kind not in ("read", "write") for operation, _ in kept
    ):
        return []
    groups: dict[Value, list[_Cut]] = {}
    for pair in kept:
        operation = pair[0]
        value = operation.value if operation.kind == "write" else operation.result
        groups.setdefault(value, []).append(pair)
    return list(groups.values())


def _is_observed(group: list[_Cut]) -> bool:
    """Return whether any of a value's operations is a read."""
    return any(operation.kind == "read" for operation, _ in group)

"""Leaving operations out of a history for as long as it still breaks its model.

After Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input" (2002): larger
parts first. Only what cannot create a contradiction is left out: reads, a register's value with
all its writes and reads, and writes of values that nobody read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from jupyter_sysdesign.simulation.checkers.history import Operation
from jupyter_sysdesign.simulation.checkers.specifications import Register

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.simulation.checkers.history import Value
    from jupyter_sysdesign.simulation.checkers.specifications import Specification

#: An operation as it is shown, and what was known of it at the moment looked at.
Known: TypeAlias = tuple[Operation, Operation]
_Group: TypeAlias = "list[Known]"

#: Operations judged in all attempts at one history together; what is reached by then is shown.
_OPERATIONS = 100_000


def fewest(
    kept: list[Known], specification: Specification, fails: Callable[[list[Known]], bool]
) -> list[Known]:
    """Return a part of ``kept`` that ``fails`` as well, of which little more can be left out."""
    attempts = _Attempts(fails)
    kept = _nearest(kept, _by_value(kept, specification), attempts)
    kept = _without(kept, _by_value(kept, specification), attempts)
    kept = _without(kept, [[each] for each in kept if specification.is_read(each[0])], attempts)
    unread = [group for group in _by_value(kept, specification) if not _is_read(group)]
    return _without(kept, [[each] for group in unread for each in group], attempts)


def fewest_values(
    kept: list[Known], specification: Specification, fails: Callable[[list[Known]], bool]
) -> list[Known]:
    """Return a part of ``kept`` that ``fails`` as well, with as few values as can be."""
    return _without(kept, _by_value(kept, specification), _Attempts(fails))


class _Attempts:
    """Asks whether parts fail, as long as the budget lasts."""

    def __init__(self, fails: Callable[[list[Known]], bool]) -> None:
        self._fails = fails
        self._operations = _OPERATIONS

    def fails(self, part: list[Known]) -> bool:
        self._operations -= len(part)
        return self._operations >= 0 and self._fails(part)


def _nearest(kept: list[Known], groups: list[_Group], attempts: _Attempts) -> list[Known]:
    """Keep the groups of the last few operations only, if that is enough."""
    group_of = {id(each): group for group in groups for each in group}
    near = 2
    while group_of and near < len(kept):
        wanted = {id(each) for last in kept[-near:] for each in group_of[id(last)]}
        part = [each for each in kept if id(each) in wanted]
        if attempts.fails(part):
            return part
        near *= 2
    return kept


def _without(kept: list[Known], groups: list[_Group], attempts: _Attempts) -> list[Known]:
    """Leave out groups, many at once to begin with."""
    size = max(len(groups) // 2, 1)
    while groups:
        start = 0
        while start < len(groups):
            out = {id(each) for group in groups[start : start + size] for each in group}
            fewer = [each for each in kept if id(each) not in out]
            if attempts.fails(fewer):
                kept = fewer
                del groups[start : start + size]
            else:
                start += size
        if size == 1:
            break
        size = max(size // 2, 1)
    return kept


def _by_value(kept: list[Known], specification: Specification) -> list[_Group]:
    """Return, of registers, the writes and reads of each value."""
    if not isinstance(specification, Register) or any(
        operation.kind not in ("read", "write") for operation, _ in kept
    ):
        return []
    groups: dict[tuple[Value, Value], _Group] = {}
    for each in kept:
        operation = each[0]
        value = operation.value if operation.kind == "write" else operation.result
        groups.setdefault((operation.key, value), []).append(each)
    return list(groups.values())


def _is_read(group: _Group) -> bool:
    return any(operation.kind == "read" for operation, _ in group)

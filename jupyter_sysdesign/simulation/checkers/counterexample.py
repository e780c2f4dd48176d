"""From a history that is not linearizable to the few operations that show it.

Operations are left out as long as what remains still cannot be explained; see ``shrinking.py``. In
between comes the smallest prefix: nothing after the first answer that no order explains.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.simulation.checkers.history import History, Operation
from jupyter_sysdesign.simulation.checkers.judgement import Budget, Judgement, Meter
from jupyter_sysdesign.simulation.checkers.narration import either, listed, name, tell
from jupyter_sysdesign.simulation.checkers.placing import search
from jupyter_sysdesign.simulation.checkers.shrinking import fewest, fewest_values

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.simulation.checkers.placing import Found
    from jupyter_sysdesign.simulation.checkers.shrinking import Known
    from jupyter_sysdesign.simulation.checkers.specifications import Specification

#: For each step of the way; what is reached by then is shown. No clock: the same history is
#: always explained by the same operations.
_BUDGET = Budget(states=50_000, seconds=None)
#: How many operations are told of.
_LINES = 12


def explain(model: str, history: History, specification: Specification, meter: Meter) -> Judgement:
    """Return the failed judgement of ``history``, all of one object, that no order explains."""
    # Values first: with few of them, every search after this one is a short one.
    fewer = fewest_values([(each, each) for each in history], specification, _fails(specification))
    prefix = _smallest_prefix(History(each for each, _ in fewer), specification)
    # Reads without an answer say nothing.
    kept = [each for each in prefix if each[1].happened or not specification.is_read(each[1])]
    kept = fewest(kept, specification, _fails(specification))
    found = search([cut for _, cut in kept], specification, Meter(_BUDGET), look_ahead=False)
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


def _smallest_prefix(history: History, specification: Specification) -> list[Known]:
    """Return what was asked before the first answer that no order explains."""
    ends = sorted(
        {each.returned for each in history if each.happened and each.returned is not None}
    )
    meter = Meter(_BUDGET)
    low, high = 0, len(ends) - 1
    while low < high:
        middle = (low + high) // 2
        operations = [cut for _, cut in _until(history, ends[middle])]
        status = search(operations, specification, meter).status
        if status == "unknown":
            break
        low, high = (low, middle) if status == "failed" else (middle + 1, high)
    return _until(history, ends[high])


def _until(history: History, end: int) -> list[Known]:
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


def _fails(specification: Specification) -> Callable[[list[Known]], bool]:
    """Return what tells whether a part certainly fails, as long as the budget lasts."""
    meter = Meter(_BUDGET)

    def fails(part: list[Known]) -> bool:
        found = search([known for _, known in part], specification, meter)
        return found.status == "failed"

    return fails

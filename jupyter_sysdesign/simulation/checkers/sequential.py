"""Sequential consistency: is there one order of everything that keeps each client's own order?

Lamport, "How to Make a Multiprocessor Computer That Correctly Executes Multiprocess Programs"
(1979). Unlike linearizability it does not look at the clock, and it is no local property: each key
may be fine and all of them together not, so the search is over whole histories.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any, TypeAlias

from jupyter_sysdesign.simulation.checkers.history import History, Operation
from jupyter_sysdesign.simulation.checkers.judgement import Budget, Judgement, Meter
from jupyter_sysdesign.simulation.checkers.narration import listed
from jupyter_sysdesign.simulation.checkers.shrinking import fewest
from jupyter_sysdesign.simulation.checkers.specifications import UNCHECKED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jupyter_sysdesign.simulation.checkers.judgement import Status
    from jupyter_sysdesign.simulation.checkers.shrinking import Known
    from jupyter_sysdesign.simulation.checkers.specifications import Specification, State

MODEL = "sequential"

_LINES = 12
#: How far each client has come, which of the unknown have happened, the state of each object.
_Place: TypeAlias = "tuple[tuple[int, ...], int, tuple[State, ...]]"
#: The operations placed, the last one first.
_Path: TypeAlias = "tuple[Operation, Any] | None"


def check(
    history: History, specification: Specification, budget: Budget | None = None
) -> Judgement:
    """Return whether ``history`` is sequentially consistent.

    What nobody knows may have happened at any time after what its client asked before, or never.

    Raises:
        InvalidRequestError: the specification does not know an operation.
    """
    meter = Meter(budget or Budget())
    status, order = _Search(history, specification).run(meter)
    if status == "unknown":
        return Judgement(MODEL, "unknown", meter.exhausted(), states=meter.states)
    if status == "passed":
        why = "One order of all operations explains every answer and keeps each client's own order."
        return Judgement(MODEL, "passed", why, order=order, states=meter.states)
    attempts = Meter(Budget(states=30_000, seconds=None))

    def fails(part: list[Known]) -> bool:
        search = _Search(History(known for _, known in part), specification)
        return search.run(attempts)[0] == "failed"

    kept = fewest([(each, each) for each in history if each.possible], specification, fails)
    shown = tuple(operation for operation, _ in kept)
    lines = listed(shown[:_LINES])
    if len(shown) > _LINES:
        lines += f"\n  (and {len(shown) - _LINES} more)"
    why = (
        "No order of these operations explains every answer, even if each client's clock is "
        f"ignored and only its own order is kept:\n{lines}"
    )
    return Judgement(MODEL, "failed", why, operations=shown, states=meter.states)


class _Search:
    """Depth first over how far each client has come, never twice from the same place."""

    def __init__(self, history: History, specification: Specification) -> None:
        self._specification = specification
        #: Each client's operations that happened; and those that may have, with how many of them
        #: come before.
        self._lanes: list[list[Operation]] = []
        self._unknown: list[tuple[int, int, Operation]] = []
        for lane, sequence in enumerate(history.by_client().values()):
            self._lanes.append([each for each in sequence if each.happened])
            before = 0
            for each in sequence:
                before += each.happened
                if each.status == "info" and not specification.is_read(each):
                    self._unknown.append((lane, before, each))
        objects = {each.key if specification.per_key else None: None for each in history}
        self._object = {key: number for number, key in enumerate(objects)}
        self._needs = [self._counted(lane, specification.needs) for lane in self._lanes]
        self._makes = [self._counted(lane, specification.makes) for lane in self._lanes]

    def run(self, meter: Meter) -> tuple[Status, tuple[Operation, ...]]:
        """Return the answer and, when there is one, the order."""
        start = tuple(self._specification.start() for _ in self._object)
        stack: list[tuple[_Place, _Path]] = [((tuple(0 for _ in self._lanes), 0, start), None)]
        seen: set[_Place] = set()
        while stack:
            place, path = stack.pop()
            place, path = self._read(place, path)
            if place in seen:
                continue
            seen.add(place)
            if meter.spent():
                return "unknown", ()
            if all(at == len(lane) for at, lane in zip(place[0], self._lanes, strict=True)):
                return "passed", _order(path)
            steps = sorted(self._steps(place), key=lambda step: -step[0].invoked)
            # What was asked first is tried first: it stands last.
            stack.extend((after, (operation, path)) for operation, after in steps)
        return "failed", ()

    def _steps(self, place: _Place) -> Iterator[tuple[Operation, _Place]]:
        positions, happened, states = place
        for number, (lane, at) in enumerate(zip(self._lanes, positions, strict=True)):
            if at < len(lane):
                operation = lane[at]
                after = self._apply(states, operation)
                moved = (*positions[:number], at + 1, *positions[number + 1 :])
                if after is not None and not self._in_vain(moved, happened, states, after):
                    yield operation, (moved, happened, after)
        for bit, (number, before, operation) in enumerate(self._unknown):
            if positions[number] >= before and not happened >> bit & 1:
                after = self._apply(states, operation)
                if after is not None and after != states:
                    happening = happened | 1 << bit
                    if not self._in_vain(positions, happening, states, after):
                        yield operation, (positions, happening, after)

    def _read(self, place: _Place, path: _Path) -> tuple[_Place, _Path]:
        """Take every read that fits now: one that may wait may as well go at once."""
        positions, happened, states = list(place[0]), place[1], place[2]
        for number, lane in enumerate(self._lanes):
            while positions[number] < len(lane):
                operation = lane[positions[number]]
                if not self._specification.is_read(operation):
                    break
                if self._apply(states, operation) is None:
                    break
                positions[number] += 1
                path = (operation, path)
        return (tuple(positions), happened, states), path

    def _apply(self, states: tuple[State, ...], operation: Operation) -> tuple[State, ...] | None:
        number = self._object_of(operation)
        state, answer = self._specification.apply(states[number], operation.kind, operation.value)
        if (
            answer is not UNCHECKED
            and operation.happened
            and not self._specification.agrees(answer, operation.result)
        ):
            return None
        return (*states[:number], state, *states[number + 1 :])

    def _object_of(self, operation: Operation) -> int:
        return self._object[operation.key if self._specification.per_key else None]

    def _in_vain(
        self,
        positions: tuple[int, ...],
        happened: int,
        before: tuple[State, ...],
        after: tuple[State, ...],
    ) -> bool:
        """Return whether a state is given up that is needed and cannot come again."""
        for number, (old, new) in enumerate(zip(before, after, strict=True)):
            wanted = (number, (old,))
            if old != new and _left(self._needs, wanted, positions):
                again = any(
                    not happened >> bit & 1
                    and (self._object_of(each), self._specification.makes(each)) == wanted
                    for bit, (_, _, each) in enumerate(self._unknown)
                )
                return not again and not _left(self._makes, wanted, positions)
        return False

    def _counted(self, lane: Sequence[Operation], what: Any) -> dict[Any, list[int]]:
        """Return where in a lane each state is needed (or made)."""
        found: dict[Any, list[int]] = {}
        for at, operation in enumerate(lane):
            state = what(operation)
            if state is not None:
                found.setdefault((self._object_of(operation), state), []).append(at)
        return found


def _left(lanes: list[dict[Any, list[int]]], wanted: Any, positions: tuple[int, ...]) -> bool:
    """Return whether any lane has ``wanted`` at its position or later."""
    return any(
        wanted in lane and bisect_left(lane[wanted], at) < len(lane[wanted])
        for lane, at in zip(lanes, positions, strict=True)
    )


def _order(path: _Path) -> tuple[Operation, ...]:
    found = []
    while path is not None:
        operation, path = path
        found.append(operation)
    return tuple(reversed(found))

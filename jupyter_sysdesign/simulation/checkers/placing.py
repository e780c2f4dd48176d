"""Putting the operations of a history in an order that real time and every answer allow.

Wing and Gong (1993): place one operation after another, and step back when an answer does not fit.
Lowe ("Testing for linearizability", 2017): never search on twice from the same set of placed
operations and the same state.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_sysdesign.simulation.checkers.specifications import UNCHECKED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_sysdesign.simulation.checkers.history import Operation
    from jupyter_sysdesign.simulation.checkers.judgement import Meter, Status
    from jupyter_sysdesign.simulation.checkers.specifications import Specification, State


@dataclass(frozen=True)
class Found:
    """What a search came to.

    Attributes:
        status: as in ``Judgement``.
        order: the operations in an order that explains them, when there is one.
        stuck: the first operation, by when it returned, before whose answer no order works.
        possible: the states the object could have been in when ``stuck`` was answered.
    """

    status: Status
    order: tuple[Operation, ...] = ()
    stuck: Operation | None = None
    possible: tuple[State, ...] = ()


def search(
    operations: Sequence[Operation],
    specification: Specification,
    meter: Meter,
    *,
    look_ahead: bool = True,
) -> Found:
    """Look for an order of ``operations``, which stand in the order they were invoked.

    With ``look_ahead`` an order is given up as soon as a later answer cannot fit any more. That is
    much faster, but where it fails, only without it is what ``Found`` says of the state complete.
    """
    asked = [
        each
        for each in operations
        if each.happened or (each.possible and not specification.is_read(each))
    ]
    return _Search(asked, specification, look_ahead=look_ahead).run(meter)


class _Search:
    """Wing and Gong's search over a linked list of the questions and answers not yet placed.

    Question and answer of operation ``i`` are the list's entries ``2 * i`` and ``2 * i + 1``. From
    the front, the questions up to the first answer are those that can come next.

    What is placed is written as two bitsets: operations that must be placed, as those before
    ``_base``, which all are, and a mask of the few after it; and operations that nobody knows.
    """

    def __init__(
        self,
        operations: Sequence[Operation],
        specification: Specification,
        *,
        look_ahead: bool,
    ) -> None:
        self._look_ahead = look_ahead
        self._operations = operations
        self._specification = specification
        self._head = 2 * len(operations)
        events = _events(operations)
        self._rank = dict(zip(events, range(len(events)), strict=True))
        self._next = [self._head] * (self._head + 1)
        self._previous = [self._head] * (self._head + 1)
        for before, after in zip([self._head, *events], [*events, self._head], strict=True):
            self._next[before] = after
            self._previous[after] = before
        self._left = sum(each.happened for each in operations)
        self._own = _own(operations)
        self._read = [specification.is_read(each) for each in operations]
        self._bit: list[int] = []  # places among those that must, or among those that need not
        counts = [0, 0]
        for each in operations:
            self._bit.append(counts[each.happened])
            counts[each.happened] += 1
        #: The state each operation needs, and makes; and how many are not placed, for each state.
        self._needs = [specification.needs(each) for each in operations]
        self._makes = [specification.makes(each) for each in operations]
        self._needed, self._made = Counter(self._needs), Counter(self._makes)
        self._base, self._mask, self._unknown = 0, 0, 0
        self._state = specification.start()
        #: Operations in their order, each with what to restore; reads were no choice.
        self._placed: list[tuple[int, State, int, int, int]] = []

    def run(self, meter: Meter) -> Found:
        """Search until all that must be is placed, nothing is left to try, or the budget ends."""
        seen: set[tuple[int, int, int, State]] = set()
        possible: dict[State, None] = {}
        furthest, stuck = -1, -1
        self._place_reads()
        entry = self._next[self._head]
        while self._left:
            if entry & 1:  # an answer whose operation is not placed: nothing after it may come next
                rank = self._rank[entry]
                if rank > furthest:
                    furthest, possible = rank, {}
                    stuck = entry >> 1
                if rank == furthest:
                    possible[self._state] = None
                chosen = self._step_back()
                if chosen is None:
                    return Found("failed", (), self._operations[stuck], tuple(possible))
                entry = self._next[2 * chosen]
                continue
            index = entry >> 1
            fits, state = self._try(index)
            if fits and not self._in_vain(index, state):
                self._place(index, state)
                key = (self._base, self._mask, self._unknown, self._state)
                if key not in seen:
                    seen.add(key)
                    if meter.spent():
                        return Found("unknown")
                    self._place_reads()
                    entry = self._next[self._head]
                    continue
                self._step_back()
            entry = self._next[entry]
        return Found("passed", tuple(self._operations[index] for index, *_ in self._placed))

    def _try(self, index: int) -> tuple[bool, State]:
        own = self._own[index]
        if own is not None and not self._is_placed(own):
            return False, self._state
        operation = self._operations[index]
        state, answer = self._specification.apply(self._state, operation.kind, operation.value)
        fits = (
            answer is UNCHECKED
            or not operation.happened
            or self._specification.agrees(answer, operation.result)
        )
        return fits, state

    def _is_placed(self, index: int) -> bool:
        """Return whether an operation that must be placed is."""
        bit = self._bit[index] - self._base
        return bit < 0 or bool(self._mask >> bit & 1)

    def _in_vain(self, index: int, state: State) -> bool:
        """Return whether placing ``index`` next helps nothing.

        An operation that nobody knows of and that changes nothing here may as well wait. And a
        state that is given up must not be needed any more, or must come again.
        """
        if state == self._state:
            return not self._operations[index].happened
        old = (self._state,)
        if not self._look_ahead or not self._needed[old]:
            return False
        own = self._needs[index] == old
        return self._needed[old] > own and not self._made[old]

    def _place_reads(self) -> None:
        """Place every read that fits the state now: one that may wait may as well go at once."""
        entry = self._next[self._head]
        while not entry & 1 and entry != self._head:
            index = entry >> 1
            if self._read[index] and self._try(index)[0]:
                before = self._previous[entry]
                self._place(index, self._state)
                entry = self._next[before]
            else:
                entry = self._next[entry]

    def _place(self, index: int, state: State) -> None:
        self._placed.append((index, self._state, self._base, self._mask, self._unknown))
        self._state = state
        self._needed[self._needs[index]] -= 1
        self._made[self._makes[index]] -= 1
        question = 2 * index
        before, after = self._previous[question], self._next[question]
        self._next[before], self._previous[after] = after, before
        if not self._operations[index].happened:
            self._unknown |= 1 << self._bit[index]
            return
        self._left -= 1
        answer = question + 1
        before, after = self._previous[answer], self._next[answer]
        self._next[before], self._previous[after] = after, before
        mask = self._mask | 1 << (self._bit[index] - self._base)
        if mask & 1:
            ones = (~mask & (mask + 1)).bit_length() - 1
            self._base += ones
            mask >>= ones
        self._mask = mask

    def _step_back(self) -> int | None:
        """Take back the last choice and the reads after it; return it, or None if none is left."""
        while self._placed:
            index, self._state, self._base, self._mask, self._unknown = self._placed.pop()
            question = 2 * index
            self._needed[self._needs[index]] += 1
            self._made[self._makes[index]] += 1
            if self._operations[index].happened:
                self._left += 1
                self._put_back(question + 1)
            self._put_back(question)
            if not self._read[index]:
                return index
        return None

    def _put_back(self, entry: int) -> None:
        self._next[self._previous[entry]] = entry
        self._previous[self._next[entry]] = entry


def _events(operations: Sequence[Operation]) -> list[int]:
    """Return the list's entries in the order of time.

    At the same moment questions come first, so that these operations overlap.
    """
    timed = [(each.invoked, 0, 2 * index) for index, each in enumerate(operations)]
    timed += [
        (each.returned, 1, 2 * index + 1)
        for index, each in enumerate(operations)
        if each.happened and each.returned is not None
    ]
    return [entry for *_, entry in sorted(timed)]


def _own(operations: Sequence[Operation]) -> list[int | None]:
    """Return, for what a client asked at the moment of an answer, the operation answered then.

    The list's order does not tell that this one comes first.
    """
    found: list[int | None] = []
    last: dict[int | str, int] = {}
    for index, each in enumerate(operations):
        before = last.get(each.client)
        tied = before is not None and operations[before].returned == each.invoked
        found.append(before if tied else None)
        if each.happened:
            last[each.client] = index
    return found

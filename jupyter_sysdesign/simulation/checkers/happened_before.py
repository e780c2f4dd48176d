"""Who knew what: the causal order of a history of registers.

An operation comes before another if the same client did it earlier, or if the other read what it
wrote, or by several such steps (Lamport 1978; Ahamad et al., "Causal memory", 1995). That is what
version vectors keep track of. To see who read what, each value is written once to each key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.simulation.checkers.narration import name, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jupyter_sysdesign.simulation.checkers.history import History, Operation, Value

#: The source of a read that answered what was there before any write.
INITIAL = -1


class HappenedBefore:
    """The causal order of a history of reads and writes.

    Sets of operations are bitsets: bit ``i`` stands for ``operations[i]``.

    Attributes:
        operations: those that happened, reads without an answer left out.
        sessions: for each client, its operations in its order.
        source: for each read that has one, the write it read from, or ``INITIAL``.
        writes: for each key, its writes.
        before: for each operation, those that happened before it.
        thin_air: reads of what nobody wrote.
        unclear: why the order cannot be told, or nothing.
    """

    def __init__(self, history: History, initial: Value = None) -> None:
        self.unclear = _unclear(history, initial)
        self.operations: list[Operation] = []
        self.sessions: dict[int | str, list[int]] = {}
        self.source: dict[int, int] = {}
        self.writes: dict[Value, list[int]] = {}
        self.before: list[int] = []
        self.thin_air: list[int] = []
        if not self.unclear:
            self._choose(history)
            self._find_sources(initial)
            self.before = closed([set(each) for each in self._direct()])

    def _choose(self, history: History) -> None:
        was_read = {(each.key, each.result) for each in history if _is_read(each)}
        for each in history:
            known = each.happened or (
                each.status == "info"
                and each.kind == "write"
                and (each.key, each.value) in was_read
            )
            if not known:
                continue
            index = len(self.operations)
            self.operations.append(each)
            self.sessions.setdefault(each.client, []).append(index)
            if each.kind == "write":
                self.writes.setdefault(each.key, []).append(index)

    def _find_sources(self, initial: Value) -> None:
        wrote = {
            (each.key, each.value): index
            for index, each in enumerate(self.operations)
            if each.kind == "write"
        }
        for index, each in enumerate(self.operations):
            if each.kind == "write":
                continue
            if (each.key, each.result) in wrote:
                self.source[index] = wrote[each.key, each.result]
            elif each.result == initial:
                self.source[index] = INITIAL
            else:
                self.thin_air.append(index)

    def _direct(self) -> list[list[int]]:
        """Return, for each operation, those one step before it."""
        direct: list[list[int]] = [[] for _ in self.operations]
        for session in self.sessions.values():
            last: int | None = None
            for index in session:
                if last is not None:
                    direct[index].append(last)
                if self.operations[index].happened:  # else it may take effect long after
                    last = index
        for read, write in self.source.items():
            if write != INITIAL:
                direct[read].append(write)
        return direct

    def earlier_in_session(self, index: int) -> Iterator[int]:
        """Yield what the same client certainly did before."""
        for each in self.sessions[self.operations[index].client]:
            if each == index:
                return
            if self.operations[each].happened:
                yield each

    def older(self, version: int, than: int) -> bool:
        """Return whether a version (a write or ``INITIAL``) happened before a write."""
        return version != than and (version == INITIAL or bool(self.before[than] >> version & 1))

    def overwritten(self, read: int) -> int | None:
        """Return a write before ``read``, newer than what it answered; None if there is none."""
        source, before = self.source[read], self.before[read]
        for write in self.writes.get(self.operations[read].key, ()):
            if before >> write & 1 and self.older(source, write):
                return write
        return None

    def chain(self, first: int, last: int) -> list[int]:
        """Return the fewest steps by which ``first`` happened before ``last``, both among them.

        Nothing among them if ``first`` is ``INITIAL``, which is before everything. Each read in
        between has its source before it, so that the steps tell by themselves.
        """
        if first == INITIAL:
            return [last]
        via: dict[int, int] = {}
        layer = [last]
        while layer and first not in via:
            reached = []
            for after in layer:
                source = self.source.get(after, INITIAL)
                for each in (*self.earlier_in_session(after), source):
                    if each != INITIAL and each not in via:
                        via[each] = after
                        reached.append(each)
            layer = reached
        chain = [first]
        while chain[-1] != last:
            chain.append(via[chain[-1]])
        return chain

    def cycle(self) -> list[int]:
        """Return a few operations that happened before themselves, if any."""
        for read, write in self.source.items():
            if write != INITIAL and self.before[write] >> read & 1:
                return self.chain(read, write)
        return []


def closed(direct: Sequence[set[int]]) -> list[int]:
    """Return, for each vertex, the bitset of all from which it can be reached.

    ``direct`` holds, for each vertex, those one step before it.
    """
    before = [sum(1 << each for each in some) for some in direct]
    changed = True
    while changed:  # twice where the vertices stand in a good order
        changed = False
        for index, steps in enumerate(direct):
            reached = before[index]
            for each in steps:
                reached |= before[each]
            if reached != before[index]:
                before[index], changed = reached, True
    return before


def _is_read(operation: Operation) -> bool:
    return operation.kind == "read" and operation.happened


def _unclear(history: History, initial: Value) -> str:
    written: set[tuple[Value, Value]] = set()
    for each in history:
        if each.kind not in ("read", "write"):
            return f"Only reads and writes say who knew what; here is a {each.kind}."
        if each.kind != "write":
            continue
        if each.value == initial:
            return (
                f"Client {each.client} wrote {name(each.key)} = {shown(each.value)}, which is also "
                "what was there at first, so a read of it does not tell which one it saw."
            )
        if (each.key, each.value) in written:
            return (
                f"{name(each.key)} = {shown(each.value)} was written more than once, so a read of "
                "it does not tell which write it saw. Give each write a value of its own."
            )
        written.add((each.key, each.value))
    return ""

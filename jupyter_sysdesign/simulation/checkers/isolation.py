"""Isolation of transactions: which anomalies a history shows, and which level still holds.

Elle's idea (Kingsbury and Alvaro 2020): find who must come before whom (``dependencies.py``), and
look for cycles. Each anomaly found is real. That none is found proves less: of registers, and of
elements that nobody read, many orders of writes stay unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_sysdesign.simulation.checkers import cycles, list_append, read_write
from jupyter_sysdesign.simulation.checkers.anomaly import FORBIDDEN, LEVELS, Anomaly
from jupyter_sysdesign.simulation.checkers.dependencies import Graph, add_real_time, add_sessions
from jupyter_sysdesign.simulation.checkers.judgement import Judgement
from jupyter_sysdesign.simulation.checkers.narration import name, shown
from jupyter_sysdesign.simulation.checkers.transactions import of_lists, transactions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jupyter_sysdesign.simulation.checkers.dependencies import Dependency, Kind
    from jupyter_sysdesign.simulation.checkers.history import History, Value
    from jupyter_sysdesign.simulation.checkers.transactions import Transaction

_WW: frozenset[Kind] = frozenset({"ww"})
_INFORMATION: frozenset[Kind] = frozenset({"ww", "wr"})
_ALL: frozenset[Kind] = frozenset({"ww", "wr", "rw"})
_SESSION: frozenset[Kind] = _ALL | {"session"}
_REAL_TIME: frozenset[Kind] = _SESSION | {"realtime"}
#: The shortest cycle is looked for among those of this many dependencies.
_TRIES = 200


@dataclass(frozen=True)
class Report:
    """What a history shows of isolation.

    Attributes:
        anomalies: the worst first; of each kind the shortest that was found, once for each set of
            transactions that depend on each other.
        unclear: why nothing can be said, or nothing.
    """

    anomalies: tuple[Anomaly, ...]
    unclear: str = ""

    @property
    def holds(self) -> tuple[str, ...]:
        """The strongest levels that forbid none of the anomalies."""
        if self.unclear:
            return ()
        broken = {level for each in self.anomalies for level in each.forbidden_by}
        kept = [level for level in LEVELS if level not in broken]
        implied = {weaker for level in kept for weaker in LEVELS[level]}
        return tuple(level for level in kept if level not in implied)

    def judge(self, level: str) -> Judgement:
        """Return whether one level, of ``LEVELS``, holds."""
        if self.unclear:
            return Judgement(level, "unknown", self.unclear)
        for each in self.anomalies:
            if level in each.forbidden_by:
                operations = tuple(transaction.operation for transaction in each.transactions)
                why = f"{each.name} ({each.also}). {each.why}"
                return Judgement(level, "failed", why, operations)
        return Judgement(level, "passed", f"No anomaly that {level} forbids was found.")


def check(history: History, orders: Mapping[Value, Sequence[Value]] | None = None) -> Report:
    """Look for anomalies in a history of transactions (``transactions.py`` says how they look).

    ``orders`` may hold the order in which the committed values of some registers were written.

    Raises:
        InvalidRequestError: something in the history is no transaction.
    """
    every = transactions(history)
    if unclear := _written_twice(every):
        return Report((), unclear)
    seen = _seen(every)
    committed = [
        each
        for each in every
        if each.operation.happened
        or (
            not each.aborted
            and any((step.key, step.value) in seen for step in each.steps if step.writes)
        )
    ]
    aborted = [each for each in every if each.aborted]
    graph = Graph()
    if of_lists(every):
        found = list_append.infer(graph, committed, aborted)
    else:
        found = read_write.infer(graph, committed, aborted, orders or {})
    found += _in_cycles(graph)
    if not any(each.cycle or each.name == "lost update" for each in found):
        add_sessions(graph, committed)
        add_real_time(graph, committed)
        found += _against_time(graph)
    rank = {kind: place for place, kind in enumerate(FORBIDDEN)}
    return Report(tuple(sorted(found, key=lambda each: rank[each.name])))


def _written_twice(every: Sequence[Transaction]) -> str:
    written: set[tuple[Value, Value]] = set()
    for each in every:
        for step in each.steps:
            if step.writes and (step.key, step.value) in written:
                return (
                    f"{shown(step.value)} was written to {name(step.key)} twice, so a read does "
                    "not tell which write it saw. Give each write a value of its own."
                )
            if step.writes:
                written.add((step.key, step.value))
    return ""


def _seen(every: Sequence[Transaction]) -> set[tuple[Value, Value]]:
    """Return what was read."""
    lists = of_lists(every)
    return {
        (step.key, value)
        for each in every
        for step in each.steps
        if step.kind == "r"
        for value in (step.value or () if lists else (step.value,))
    }


def _in_cycles(graph: Graph) -> Iterator[Anomaly]:
    for component in cycles.components(graph, _ALL):
        look = _Look(graph, component, _ALL)
        yield from look.shortest("G0", "ww", _WW)
        yield from look.shortest("G1c", "wr", _INFORMATION)
        single = list(look.shortest("G-single", "rw", _INFORMATION))
        yield from single or look.shortest("G-nonadjacent", "rw", _ALL, apart=True)
        yield from look.skew()


def _against_time(graph: Graph) -> Iterator[Anomaly]:
    """Yield what only contradicts what a client did before; or if nothing does, the clock."""
    found = [
        each
        for component in cycles.components(graph, _SESSION)
        for each in _Look(graph, component, _SESSION).shortest("session", "session", _SESSION)
    ]
    yield from found or (
        each
        for component in cycles.components(graph, _REAL_TIME)
        for each in _Look(graph, component, _REAL_TIME).shortest("realtime", "realtime", _REAL_TIME)
    )


class _Look:
    """Looks for cycles among transactions that all depend on each other."""

    def __init__(self, graph: Graph, component: set[Transaction], kinds: frozenset[Kind]) -> None:
        self._graph = graph
        self._component = component
        self._edges = [
            edge
            for each in sorted(component, key=lambda each: each.number)
            for edge in graph.edges[each]
            if edge.second in component and edge.kind in kinds
        ]

    def shortest(
        self, called: str, first: Kind, kinds: frozenset[Kind], *, apart: bool = False
    ) -> Iterator[Anomaly]:
        """Yield the shortest cycle of one ``first`` and then ``kinds`` only, if there is one."""
        found = self._through(first, kinds, apart=apart)
        if found:
            yield _told(called, min(found, key=len))

    def skew(self) -> Iterator[Anomaly]:
        """Yield the shortest cycle of at least two ``rw``, if there is one."""
        found = [
            cycle
            for cycle in self._through("rw", _ALL)
            if sum(edge.kind == "rw" for edge in cycle) > 1
            and len({edge.key for edge in cycle}) > 1  # else a lost update, which is told already
        ]
        if found:
            cycle = min(found, key=len)
            yield _told("write skew" if len(cycle) == 2 else "G2-item", cycle)  # noqa: PLR2004

    def _through(
        self, first: Kind, kinds: frozenset[Kind], *, apart: bool = False
    ) -> list[list[Dependency]]:
        graph, component = self._graph, self._component
        edges = [edge for edge in self._edges if edge.kind == first]
        edges = cycles.closing(graph, component, edges, kinds, apart=apart)[:_TRIES]
        found = (cycles.through(graph, component, edge, kinds, apart=apart) for edge in edges)
        return [cycle for cycle in found if cycle]


def _told(called: str, cycle: list[Dependency]) -> Anomaly:
    members = tuple(edge.first for edge in cycle)
    lines = [f"  {each.tell()}" for each in members]
    steps = [f"  {edge.first} before {edge.second}, because {edge.why}" for edge in cycle]
    why = "\n".join(
        [
            f"No order of {_and([str(each) for each in members])} explains what they did:",
            *lines,
            "Each must come before the next, and the last before the first:",
            *steps,
        ]
    )
    return Anomaly(called, members, why, tuple(cycle))


def _and(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"

"""Cycles in a graph of dependencies: transactions of which each must come before the next.

Strongly connected components by two walks (Kosaraju; Sharir 1981); within one, the shortest cycles
are looked for breadth first.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from jupyter_sysdesign.simulation.checkers.happened_before import closed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jupyter_sysdesign.simulation.checkers.dependencies import Dependency, Graph, Kind
    from jupyter_sysdesign.simulation.checkers.transactions import Transaction


def components(graph: Graph, kinds: frozenset[Kind]) -> Iterator[set[Transaction]]:
    """Yield the sets of transactions that all depend on each other by dependencies of ``kinds``."""
    forth: dict[Transaction, list[Transaction]] = {each: [] for each in graph.edges}
    back: dict[Transaction, list[Transaction]] = {each: [] for each in graph.edges}
    for each, edges in graph.edges.items():
        for edge in edges:
            if edge.kind in kinds:
                forth[each].append(edge.second)
                back[edge.second].append(each)
    seen: set[Transaction] = set()
    order = [each for root in forth for each in _left_behind(root, forth, seen)]
    seen.clear()
    for root in reversed(order):
        found = set(_left_behind(root, back, seen))
        if len(found) > 1:
            yield found


def _left_behind(
    root: Transaction, edges: dict[Transaction, list[Transaction]], seen: set[Transaction]
) -> Iterator[Transaction]:
    """Walk depth first from ``root``; yield each as it is left, and nothing ``seen`` before."""
    if root in seen:
        return
    seen.add(root)
    path = [(root, iter(edges[root]))]
    while path:
        each, followers = path[-1]
        follower = next((one for one in followers if one not in seen), None)
        if follower is None:
            path.pop()
            yield each
        else:
            seen.add(follower)
            path.append((follower, iter(edges[follower])))


def closing(
    graph: Graph,
    within: set[Transaction],
    edges: Iterable[Dependency],
    kinds: frozenset[Kind],
    *,
    apart: bool = False,
) -> list[Dependency]:
    """Return those of ``edges`` that ``through`` finds a cycle for, without looking for each."""
    ways = (False, True) if apart else (False,)  # whether an ``rw`` leads to the transaction
    number = {place: at for at, place in enumerate((each, way) for each in within for way in ways)}
    direct: list[set[int]] = [set() for _ in number]
    for (each, after_rw), at in number.items():
        for step in graph.edges[each]:
            is_rw = apart and step.kind == "rw"
            if step.kind in kinds and step.second in within and not (is_rw and after_rw):
                direct[number[step.second, is_rw]].add(at)
    before = closed(direct)
    found = []
    for edge in edges:
        is_rw = apart and edge.kind == "rw"
        ends = [number[edge.first, way] for way in ways if not (way and is_rw)]
        if any(before[end] >> number[edge.second, is_rw] & 1 for end in ends):
            found.append(edge)
    return found


def through(
    graph: Graph,
    within: set[Transaction],
    edge: Dependency,
    kinds: frozenset[Kind],
    *,
    apart: bool = False,
) -> list[Dependency] | None:
    """Return the shortest cycle that begins with ``edge`` and goes on by ``kinds``, if any.

    With ``apart``, no ``rw`` may follow another one.
    """
    start = (edge.second, edge.kind == "rw")
    came: dict[tuple[Transaction, bool], tuple[tuple[Transaction, bool], Dependency]] = {}
    waiting, seen = deque([start]), {start}
    while waiting:
        place = waiting.popleft()
        for step in graph.edges[place[0]]:
            if step.kind not in kinds or step.second not in within:
                continue
            if apart and step.kind == "rw" and place[1]:
                continue
            after = (step.second, step.kind == "rw")
            if step.second is edge.first and not (apart and edge.kind == "rw" and after[1]):
                back = [step]
                while place != start:
                    place, before = came[place]
                    back.append(before)
                return [edge, *reversed(back)]
            if after not in seen:
                seen.add(after)
                came[after] = (place, step)
                waiting.append(after)
    return None

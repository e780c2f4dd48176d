"""Build the tree of ``PlanNode`` from PostgreSQL's JSON: who spent what, and who was cut short."""

from __future__ import annotations

from typing import Any

from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.notebook.plan.node import PlanNode

#: Steps that must have all rows of the step below before they give their first one.
_BLOCKING = frozenset({"Sort", "Hash", "Aggregate", "WindowAgg", "SetOp", "ModifyTable"})


def build(document: object) -> PlanNode:
    """Return the root of the plan.

    Args:
        document: what ``EXPLAIN (FORMAT JSON)`` returned, with or without the list around it.

    Raises:
        InvalidRequestError: it is no plan.
    """
    plan = unwrap(document).get("Plan")
    if not isinstance(plan, dict) or "Node Type" not in plan:
        raise InvalidRequestError("This is not the result of EXPLAIN (FORMAT JSON).")
    root = _node(plan, processes=1.0, cut_short=False)
    _share(root)
    return root


def unwrap(document: object) -> dict[str, Any]:
    """Return the one statement's document out of the list PostgreSQL puts around it."""
    while isinstance(document, list) and document:
        document = document[0]
    return document if isinstance(document, dict) else {}


def _node(raw: dict[str, Any], *, processes: float, cut_short: bool) -> PlanNode:
    own = {key: value for key, value in raw.items() if key != "Plans"}
    node = PlanNode(
        raw=own,
        measured="Actual Loops" in own,
        loops=float(own.get("Actual Loops", 1)),
        processes=processes,
        cut_short=cut_short,
    )
    below: list[dict[str, Any]] = raw.get("Plans", [])
    for position, child in enumerate(below):
        node.children.append(
            _node(
                child,
                processes=_processes(node, child, processes),
                cut_short=_stops_early(node, child, position, below),
            )
        )
    return node


def _processes(node: PlanNode, child: dict[str, Any], above: float) -> float:
    """Return how many processes ran the child: each runs a ``Gather``'s child once per loop."""
    if node.type in {"Gather", "Gather Merge"} and child.get("Parent Relationship") == "Outer":
        return max(1.0, float(child.get("Actual Loops", 1)) / max(1.0, node.loops))
    return above


def _stops_early(
    node: PlanNode, child: dict[str, Any], position: int, siblings: list[dict[str, Any]]
) -> bool:
    """Tell whether the child may have been left before it gave all its rows."""
    relation = child.get("Parent Relationship")
    if relation in {"InitPlan", "SubPlan"}:
        # A scalar or EXISTS subquery asks for one row; a CTE is read as far as its reader goes.
        return True
    if node.type == "Limit":  # with fewer rows than asked for, the step below ran to its end
        return node.rows_per_loop >= node.estimated or node.cut_short
    if node.type == "Merge Join" or (node.type == "Nested Loop" and relation == "Inner"):
        # One side ends with the other; the inner side may stop at its first match.
        return node.type == "Merge Join" or _first_match_is_enough(node) or node.cut_short
    if node.type == "Hash Join" and relation == "Outer":
        # An empty hash table ends the join before the other side is read at all.
        others = [other for at, other in enumerate(siblings) if at != position]
        return node.cut_short or any(not float(other.get("Actual Rows", 1)) for other in others)
    blocking = node.type in _BLOCKING and node.raw.get("Strategy") != "Sorted"
    return node.cut_short and not blocking


def _first_match_is_enough(node: PlanNode) -> bool:
    return bool(node.raw.get("Inner Unique")) or node.raw.get("Join Type") in {"Semi", "Anti"}


def _share(root: PlanNode) -> None:
    """Fill in what each step spent itself: its total less what the steps below it spent.

    An InitPlan or CTE hangs under the top of its query, but runs inside the step that first asks
    for its value, and is counted there.
    """
    payers: dict[int, PlanNode] = {}  # id of a step that runs elsewhere → the step that ran it
    for node in root.walk():
        for child in node.children:
            if child.raw.get("Parent Relationship") == "InitPlan":
                payers[id(child)] = _reader(node, child) or node
    spent_below: dict[int, list[PlanNode]] = {id(node): [] for node in root.walk()}
    for node in root.walk():
        for child in node.children:
            spent_below[id(payers.get(id(child), node))].append(child)
    for node in root.walk():
        below = spent_below[id(node)]
        node.self_ms = max(0.0, node.total_ms - sum(child.total_ms for child in below))
        node.self_pages = max(0, node.pages - sum(child.pages for child in below))
        node.self_temp_pages = max(0, node.temp_pages - sum(child.temp_pages for child in below))


def _reader(parent: PlanNode, init: PlanNode) -> PlanNode | None:
    """Return the step under ``parent`` that made the InitPlan run: the deepest that asks for it.

    Of several readers of one CTE, the slowest: the first to read is the one that waits for it.
    """
    inside = {id(node) for node in init.walk()}
    readers = [
        node
        for node in parent.walk()
        if id(node) not in inside and node.loops and _asks(node, init.role)
    ]
    if init.role.startswith("CTE "):
        return max(readers, key=lambda node: node.total_ms, default=None)
    return readers[-1] if readers else None


def _asks(node: PlanNode, role: str) -> bool:
    if role.startswith("CTE "):
        return node.type == "CTE Scan" and node.raw.get("CTE Name") == role.removeprefix("CTE ")
    name = role.split(" (returns", maxsplit=1)[0]
    return any(
        f"({name})" in str(value) for key, value in node.raw.items() if key != "Subplan Name"
    )

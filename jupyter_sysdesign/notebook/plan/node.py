"""One node of a query plan with totals instead of PostgreSQL's averages per loop.

PostgreSQL prints rows, removed rows and times as the mean of all loops; buffers, index searches
and heap fetches as totals; all of time and buffers including the children. Source:
https://www.postgresql.org/docs/18/using-explain.html and ``src/backend/commands/explain.c``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

#: PostgreSQL's page: what one buffer holds, in bytes.
PAGE_BYTES = 8192


@dataclass
class PlanNode:
    """One step of the plan.

    Attributes:
        raw: PostgreSQL's own description of this node, without the children.
        children: the steps that feed this one, in PostgreSQL's order.
        measured: False for a plain ``EXPLAIN``: then only estimates are known.
        loops: how often it ran, over all parallel processes; 0 means never.
        processes: how many parallel processes shared the work (1 outside of a ``Gather``).
        cut_short: something above stops asking before this step is through, so that fewer rows
            than estimated are no mistake of the planner.
        self_ms: wall-clock time spent here and not in the steps below.
        self_pages: 8 KiB pages touched here and not in the steps below.
    """

    raw: dict[str, Any]
    children: list[PlanNode] = field(default_factory=list)
    measured: bool = True
    loops: float = 1
    processes: float = 1
    cut_short: bool = False
    self_ms: float = 0.0
    self_pages: int = 0
    self_temp_pages: int = 0

    @property
    def type(self) -> str:
        """Return PostgreSQL's name of the step, e.g. ``Index Scan``."""
        return str(self.raw["Node Type"])

    @property
    def never(self) -> bool:
        """Tell whether the step was planned and then not needed."""
        return self.measured and self.loops == 0

    @property
    def rows(self) -> float:
        """Return all rows this step produced, over all loops."""
        return round(float(self.raw.get("Actual Rows", 0)) * self.loops)

    @property
    def counted(self) -> bool:
        """Tell whether PostgreSQL counts the rows of this step at all."""
        writes = self.type == "ModifyTable" and not self.rows
        return not writes and self.type not in {"BitmapAnd", "BitmapOr"}

    @property
    def rows_per_loop(self) -> float:
        """Return the mean number of rows per loop: what ``estimated`` is to be compared with."""
        return float(self.raw.get("Actual Rows", 0))

    @property
    def estimated(self) -> float:
        """Return the rows the planner expected per loop."""
        return float(self.raw.get("Plan Rows", 0))

    @property
    def total_ms(self) -> float:
        """Return the wall-clock time of this step and everything below it."""
        return float(self.raw.get("Actual Total Time", 0.0)) * self.loops / self.processes

    @property
    def pages(self) -> int:
        """Return the pages touched by this step and everything below it, in memory or not."""
        return sum(int(self.raw.get(key, 0)) for key in _PAGES)

    @property
    def temp_pages(self) -> int:
        """Return the pages of temporary files written by this step and everything below it."""
        return int(self.raw.get("Temp Written Blocks", 0))

    def removed(self, by: str = "Filter") -> float:
        """Return the rows read and thrown away, over all loops (``Filter``, ``Join Filter`` …)."""
        return round(float(self.raw.get(f"Rows Removed by {by}", 0)) * self.loops)

    @property
    def table(self) -> str:
        """Return the table (or CTE, function) it reads, else an empty string."""
        for key in ("Relation Name", "CTE Name", "Function Name"):
            if self.raw.get(key):
                return str(self.raw[key])
        return ""

    @property
    def index(self) -> str:
        """Return the index it uses, else an empty string."""
        return str(self.raw.get("Index Name", ""))

    @property
    def label(self) -> str:
        """Return the step as one short line: ``Index Scan using products_pkey on products``."""
        parts = [_kind(self.raw)]
        if self.index:
            preposition = "on" if self.type == "Bitmap Index Scan" else "using"
            parts.append(f"{preposition} {self.index}")
        if self.table:
            parts.append(f"on {self.table}")
        alias = self.raw.get("Alias")
        if alias and alias != self.table:
            parts.append(str(alias))
        return " ".join(parts)

    @property
    def role(self) -> str:
        """Return how it hangs in the tree where that matters: ``CTE x``, ``SubPlan 1``."""
        return str(self.raw.get("Subplan Name", ""))

    def walk(self) -> Iterator[PlanNode]:
        """Yield this step and all below it, top down."""
        yield self
        for child in self.children:
            yield from child.walk()

    def conditions(self) -> list[tuple[str, str]]:
        """Return (name, text) of what it looks for, keeps, joins or sorts by."""
        found = []
        for key in _CONDITIONS:
            value = self.raw.get(key)
            if value:
                text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
                found.append((key, text))
        return found


_PAGES = ("Shared Hit Blocks", "Shared Read Blocks", "Local Hit Blocks", "Local Read Blocks")

_CONDITIONS = (
    "Index Cond",
    "Recheck Cond",
    "Filter",
    "Hash Cond",
    "Merge Cond",
    "Join Filter",
    "One-Time Filter",
    "Sort Key",
    "Presorted Key",
    "Group Key",
    "Cache Key",
    "TID Cond",
    "Order By",
)


def _kind(raw: dict[str, Any]) -> str:
    """Return the node type as ``EXPLAIN`` in text form would name it."""
    name = str(raw["Node Type"])
    if name == "Aggregate":
        name = {
            "Sorted": "GroupAggregate",
            "Hashed": "HashAggregate",
            "Mixed": "MixedAggregate",
        }.get(str(raw.get("Strategy")), "Aggregate")
        if raw.get("Partial Mode") in {"Partial", "Finalize"}:
            name = f"{raw['Partial Mode']} {name}"
    elif name == "ModifyTable":
        name = str(raw.get("Operation", name))
    elif name in {"Nested Loop", "Hash Join", "Merge Join"}:
        join = str(raw.get("Join Type", "Inner"))
        if join != "Inner":
            stem = name.removesuffix(" Join")
            name = f"{stem} {join} Join"
    elif name in {"Index Scan", "Index Only Scan"} and raw.get("Scan Direction") == "Backward":
        name = f"{name} Backward"
    elif name == "SetOp":
        name = f"{name} {raw.get('Command', '')}".strip()
    return f"Parallel {name}" if raw.get("Parallel Aware") else name

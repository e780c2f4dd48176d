"""``lesson.explain(statement)``: how PostgreSQL answered it, step by step, in plain words."""

from __future__ import annotations

from functools import cached_property
from inspect import cleandoc
from typing import TYPE_CHECKING

from jupyter_sysdesign.notebook.plan.findings import Finding, find
from jupyter_sysdesign.notebook.plan.node import PAGE_BYTES, PlanNode
from jupyter_sysdesign.notebook.plan.tree import build, unwrap
from jupyter_sysdesign.notebook.rendering import plan as rendering
from jupyter_sysdesign.notebook.rendering.figures import count, milliseconds, size

if TYPE_CHECKING:
    from collections.abc import Iterator


class Plan:
    """A query plan that PostgreSQL chose, with what it measured while running it.

    Attributes:
        statement: the statement that was explained.
        root: the last step: it gives the result.
        document: PostgreSQL's own JSON.
        measured: False for a plain ``EXPLAIN`` without ``ANALYZE``.
    """

    def __init__(self, document: object, statement: str = "") -> None:
        self.statement = cleandoc(statement)
        self.document = unwrap(document)
        self.root: PlanNode = build(document)
        self.measured = self.root.measured

    @property
    def nodes(self) -> Iterator[PlanNode]:
        """Return all steps, top down."""
        return self.root.walk()

    @property
    def execution_ms(self) -> float:
        """Return how long the statement took on the server, without planning."""
        return float(self.document.get("Execution Time", self.root.total_ms))

    @property
    def planning_ms(self) -> float:
        """Return how long it took to choose the plan."""
        return float(self.document.get("Planning Time", 0.0))

    @property
    def rows(self) -> float:
        """Return the rows of the result, or for INSERT, UPDATE and DELETE the rows written."""
        if self.root.type == "ModifyTable" and not self.root.rows:
            for child in self.root.children:
                if child.raw.get("Parent Relationship") not in {"InitPlan", "SubPlan"}:
                    return child.rows
        return self.root.rows

    @property
    def pages(self) -> int:
        """Return the 8 KiB pages touched, in memory or not."""
        return self.root.pages

    @property
    def pages_per_row(self) -> float | None:
        """Return the pages touched for each row of the result; None when there is no row."""
        return self.pages / self.rows if self.rows else None

    @cached_property
    def slowest(self) -> PlanNode:
        """Return the step that took most time itself."""
        return max(self.root.walk(), key=lambda node: node.self_ms)

    @cached_property
    def findings(self) -> list[tuple[PlanNode, Finding]]:
        """Return what is worth a second look, step by step."""
        return [(node, finding) for node in self.root.walk() for finding in find(node)]

    def share(self, node: PlanNode) -> float:
        """Return the share (0 to 1) of the plan's time that one step spent itself."""
        total = self.root.total_ms
        return min(1.0, node.self_ms / total) if total > 0 else 0.0

    @property
    def headline(self) -> str:
        """Return the plan in one sentence."""
        if not self.measured:
            return f"The planner expects {count(self.root.estimated, 'row')}. Nothing was run."
        text = (
            f"{milliseconds(self.execution_ms)} to produce {count(self.rows, 'row')}, touching "
            f"{count(self.pages, 'page')} ({size(self.pages * PAGE_BYTES)})"
        )
        if self.pages_per_row is not None:
            text += f": {rendering.per_row(self.pages_per_row)} per row"
        return f"{text}."

    def __repr__(self) -> str:
        return rendering.as_text(self)

    def _repr_html_(self) -> str:
        return rendering.as_html(self)

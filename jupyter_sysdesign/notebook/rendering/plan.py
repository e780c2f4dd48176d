"""A query plan as a tree: what each step did, what it cost, and what is odd about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.notebook.plan.findings import Finding, Level, find
from jupyter_sysdesign.notebook.plan.words import what
from jupyter_sysdesign.notebook.rendering.figures import count, milliseconds, number, percent
from jupyter_sysdesign.notebook.rendering.html import (
    AMBER,
    RED,
    Html,
    badge,
    bar,
    card,
    code,
    footnote,
    join,
    muted,
    paragraph,
    preformatted,
    strong,
    table,
    tag,
    title,
)

if TYPE_CHECKING:
    from jupyter_sysdesign.notebook.explain import Plan
    from jupyter_sysdesign.notebook.plan.node import PlanNode

_COLOURS = {Level.PROBLEM: RED, Level.NOTICE: AMBER, Level.NOTE: ""}
_MARKS = {Level.PROBLEM: "!!", Level.NOTICE: "!", Level.NOTE: "·"}
_INDENT_PX = 18


def as_html(plan: Plan) -> Html:
    """Return the plan as a table whose first column is the tree."""
    header = ["Step", "Rows", "Time", "Pages"] if plan.measured else ["Step", "Rows expected"]
    rows = [_row(plan, node, depth) for node, depth in _depths(plan.root)]
    return card(
        title("Query plan"),
        preformatted(plan.statement) if plan.statement else "",
        paragraph(*_headline(plan)),
        table(header, rows, top=True, wide=True),
        footnote(
            "Read it from the inside out: the deepest steps run first and feed the step above. "
            "Time and pages are what a step spent itself, without the steps below it. "
            "A page is 8 kB; every page read or found in memory counts."
        )
        if plan.measured
        else footnote("These are the planner's guesses: the statement did not run."),
        kind="plan",
    )


def as_text(plan: Plan) -> str:
    """Return the plan as an indented tree for a terminal."""
    lines = [plan.headline, ""]
    for node, depth in _depths(plan.root):
        indent = "   " * depth
        arrow = "" if depth == 0 else "└─ "
        lines.append(f"{indent}{arrow}{_label(node)}")
        inner = f"{indent}{'   ' if depth else ''}   "
        lines.append(inner + _facts(plan, node))
        lines += [f"{inner}{name}: {text}" for name, text in node.conditions()]
        lines += [
            f"{inner}{_MARKS[finding.level]} {finding.badge}: {finding.sentence}"
            for finding in find(node)
        ]
    return "\n".join(lines)


def _depths(node: PlanNode, depth: int = 0) -> list[tuple[PlanNode, int]]:
    below = [pair for child in node.children for pair in _depths(child, depth + 1)]
    return [(node, depth), *below]


def _headline(plan: Plan) -> list[str]:
    if not plan.measured:
        return [plan.headline]
    parts = [
        strong(milliseconds(plan.execution_ms)),
        " to produce ",
        strong(count(plan.rows, "row")),
        ", touching ",
        strong(count(plan.pages, "page")),
    ]
    if plan.pages_per_row is not None:
        parts += [": ", strong(per_row(plan.pages_per_row)), " per row"]
    parts.append(". ")
    slowest = plan.slowest
    share = plan.share(slowest)
    if len(list(plan.root.walk())) > 1 and share > 0:
        parts += ["Most of the time goes into ", code(slowest.label), f" ({percent(share)})."]
    return parts


def per_row(pages: float) -> str:
    """Return a mean number of pages in words."""
    few = 0.1
    return "less than 0.1 pages" if pages < few else f"{number(pages, 1)} pages"


def _row(plan: Plan, node: PlanNode, depth: int) -> list[str]:
    step = tag(
        "div",
        _step(node, depth),
        style=f"padding: 0 0 0 {depth * _INDENT_PX}px",
    )
    if not plan.measured:
        return [step, number(node.estimated)]
    if node.never:
        return [step, muted("never ran"), "", ""]
    time = bar(plan.share(node), f"{milliseconds(node.self_ms)} · {percent(plan.share(node))}")
    share = node.self_pages / plan.pages if plan.pages else 0.0
    pages = bar(share, f"{number(node.self_pages)} · {percent(share)}")
    return [step, _rows(node), time, pages]


def _step(node: PlanNode, depth: int) -> Html:
    findings = find(node)
    branch = muted("└ ") if depth else ""
    badges = [badge(finding.badge, _COLOURS[finding.level]) for finding in findings]
    role = [badge(node.role)] if node.role else []
    lines = [tag("div", branch, strong(node.label), " ", *role, *badges)]
    lines.append(tag("div", muted(what(node.type))))
    lines += [
        tag("div", muted(f"{name}: "), code(text), style="word-break: break-all")
        for name, text in node.conditions()
    ]
    lines += [_sentence(finding) for finding in findings]
    return join(*lines)


def _sentence(finding: Finding) -> Html:
    colour = _COLOURS[finding.level]
    if not colour:
        return tag("div", finding.sentence)
    return tag(
        "div",
        finding.sentence,
        style=f"border-left: 3px solid {colour}; padding: 0 0 0 8px; margin: 2px 0",
    )


def _rows(node: PlanNode) -> Html:
    if not node.counted:
        return muted("not counted")
    got = tag("div", strong(number(node.rows)), style="white-space: nowrap")
    if node.loops > 1:
        expected = f"{number(node.estimated)} expected × {number(node.loops)}"
    else:
        expected = f"{number(node.estimated)} expected"
    return join(got, tag("div", muted(expected), style="white-space: nowrap"))


def _label(node: PlanNode) -> str:
    return f"{node.label}  [{node.role}]" if node.role else node.label


def _facts(plan: Plan, node: PlanNode) -> str:
    if not plan.measured:
        return f"{number(node.estimated)} rows expected"
    if node.never:
        return "never ran"
    loops = f" × {number(node.loops)} loops" if node.loops > 1 else ""
    expected = f"(expected {number(node.estimated)}{loops})"
    rows = f"{count(node.rows, 'row')} {expected}" if node.counted else "rows not counted"
    return (
        f"{rows}, "
        f"{milliseconds(node.self_ms)} ({percent(plan.share(node))}), "
        f"{count(node.self_pages, 'page')}"
    )

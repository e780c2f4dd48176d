"""What is worth a second look in a plan, each with one sentence that a beginner understands.

The sentences say what happens and why it costs; they never say which fix to make.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from jupyter_sysdesign.notebook.plan.node import PAGE_BYTES, PlanNode
from jupyter_sysdesign.notebook.rendering.figures import count, number, percent, size, times

#: Rows read in one scan from which on a scan of the whole table counts as work.
_MANY_ROWS = 1_000
#: Rows that are simply a lot, whatever is done with them.
_VERY_MANY_ROWS = 10_000
#: Share of the rows read that a filter throws away from which on the reading was wasted.
_WASTED = 0.5
#: An estimate this many times off leads the planner astray …
_MISESTIMATE = 10.0
#: … when it is about this many rows at least; below, no plan is much worse than another.
_ESTIMATED_ROWS = 100
#: Steps that pass on the rows of the step below, and its misestimate with them.
_PASS_ON = frozenset(
    {
        "Gather",
        "Gather Merge",
        "Hash",
        "Incremental Sort",
        "Limit",
        "LockRows",
        "Materialize",
        "Sort",
    }
)
#: An index that leads straight to a row needs a few pages to get there, and one or two per row …
_PAGES_PER_LOOKUP, _PAGES_PER_ROW = 4, 2
#: … so this many times more, and this many pages in all, were walked through in vain.
_WALKED, _WALKED_PAGES = 5, 100
#: A loop that runs its inner side this often is worth a word.
_MANY_LOOPS = 100


class Level(Enum):
    """How much a finding matters."""

    PROBLEM = "problem"
    NOTICE = "notice"
    NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """One thing to know about a step.

    Attributes:
        code: stable name, e.g. ``seq-scan``.
        level: how much it matters.
        badge: two or three words.
        sentence: what it means here, with the numbers.
    """

    code: str
    level: Level
    badge: str
    sentence: str


_Rule: TypeAlias = Callable[[PlanNode], Iterator[Finding]]


def find(node: PlanNode) -> list[Finding]:
    """Return the findings of one step, the worst first."""
    if not node.measured:
        return list(_planned_seq_scan(node))
    if node.never:
        return [
            Finding(
                "never", Level.NOTE, "never ran", "Was planned, but turned out not to be needed."
            )
        ]
    found = [finding for rule in _RULES for finding in rule(node)]
    return sorted(found, key=lambda finding: list(Level).index(finding.level))


def _planned_seq_scan(node: PlanNode) -> Iterator[Finding]:
    if node.type == "Seq Scan":
        yield Finding(
            "seq-scan",
            Level.NOTICE,
            "sequential scan",
            f"Would read all of {node.table}. Run it with ANALYZE to see what that costs.",
        )


def _seq_scan(node: PlanNode) -> Iterator[Finding]:
    if node.type != "Seq Scan":
        return
    kept, thrown = node.rows, node.removed()
    read = kept + thrown
    again = f", {number(node.loops / node.processes)} times over" if _repeats(node) else ""
    if node.cut_short and not node.removed():
        yield Finding(
            "seq-scan",
            Level.NOTE,
            "sequential scan",
            f"Reads {node.table} from its first page on{again}, but may stop early: "
            f"{count(read, 'row')} were enough.",
        )
    elif read >= _MANY_ROWS and (thrown / read >= _WASTED or (_repeats(node) and thrown)):
        yield Finding(
            "seq-scan",
            Level.PROBLEM,
            "sequential scan",
            f"Reads every row of {node.table}{again} ({number(read)}) and throws "
            f"{number(thrown)} away ({percent(thrown / read)}): nothing tells it where the "
            f"{number(kept)} it keeps are.",
        )
    elif read >= _VERY_MANY_ROWS:
        yield Finding(
            "seq-scan",
            Level.NOTICE,
            "sequential scan",
            f"Reads all {count(read, 'row')} of {node.table}{again}. That is right when the answer "
            "needs most of them.",
        )
    else:
        yield Finding(
            "seq-scan",
            Level.NOTE,
            "sequential scan",
            f"Reads all of {node.table}{again}: {count(read, 'row')}, which is little.",
        )


def _repeats(node: PlanNode) -> bool:
    return node.loops / node.processes > 1.5  # noqa: PLR2004 (a share of a loop is a parallel one)


def _filter(node: PlanNode) -> Iterator[Finding]:
    if node.type == "Seq Scan":
        return
    thrown, kept = node.removed(), node.rows
    read = thrown + kept
    if thrown < 1:
        return
    wasted = read >= _MANY_ROWS and thrown / read >= _WASTED
    yield Finding(
        "filter",
        Level.PROBLEM if wasted else Level.NOTE,
        "rows removed by filter",
        f"{_source(node)} {count(read, 'row')}; {number(thrown)} of them "
        f"({percent(thrown / read)}) were then thrown away by the filter.",
    )


def _source(node: PlanNode) -> str:
    """Say where the rows came from that a filter looked at."""
    if node.type == "Bitmap Heap Scan" or node.index:
        return "The index led to"
    if "Join Type" in node.raw:
        return "It joined"
    return "It computed" if node.type in {"Aggregate", "WindowAgg"} else "It was given"


def _join_filter(node: PlanNode) -> Iterator[Finding]:
    thrown = node.removed("Join Filter")
    if thrown >= _MANY_ROWS:
        yield Finding(
            "join-filter",
            Level.PROBLEM,
            "pairs removed by join",
            f"Compared {count(thrown + node.rows, 'pair')} of rows and threw {number(thrown)} "
            "away.",
        )


def _recheck(node: PlanNode) -> Iterator[Finding]:
    lossy = int(node.raw.get("Lossy Heap Blocks", 0))
    if lossy:
        yield Finding(
            "lossy",
            Level.NOTICE,
            "lossy bitmap",
            f"The bitmap did not fit in work_mem: of {count(lossy, 'page')} it knew no rows, "
            f"so every row there was checked again ({number(node.removed('Index Recheck'))} did "
            "not match).",
        )


def _sort(node: PlanNode) -> Iterator[Finding]:
    if node.type != "Sort":
        return
    below = node.children[0].rows if node.children else node.rows
    key = ", ".join(map(str, node.raw.get("Sort Key", [])))
    reports = [node.raw, *node.raw.get("Workers", [])]  # in parallel, each process sorts its part
    space = sum(int(report.get("Sort Space Used", 0)) for report in reports) * 1024
    if any(report.get("Sort Space Type") == "Disk" for report in reports):
        yield Finding(
            "sort-disk",
            Level.PROBLEM,
            "sort on disk",
            f"Sorts {count(below, 'row')} by {key}; they did not fit in work_mem, so {size(space)} "
            "went through temporary files on disk.",
        )
    elif node.raw.get("Sort Method") == "top-N heapsort":
        yield Finding(
            "sort",
            Level.NOTICE if below >= _MANY_ROWS else Level.NOTE,
            "sort",
            f"Looks at all {count(below, 'row')} to find the first {number(node.rows_per_loop)} by "
            f"{key}: the rows did not come in that order.",
        )
    else:
        yield Finding(
            "sort",
            Level.NOTICE if below >= _MANY_ROWS else Level.NOTE,
            "sort",
            f"Sorts {count(below, 'row')} by {key} in memory ({size(space)}): the rows did not "
            "come in that order.",
        )


def _spill(node: PlanNode) -> Iterator[Finding]:
    batches = int(node.raw.get("Hash Batches", node.raw.get("HashAgg Batches", 1)) or 1)
    if batches > 1:
        written = node.temp_pages * PAGE_BYTES
        through = f" ({size(written)} of temporary files)" if written else ""
        yield Finding(
            "spill",
            Level.PROBLEM,
            "hash table on disk",
            f"The hash table did not fit in work_mem and was worked through in {batches} "
            f"parts on disk{through}.",
        )


def _misestimate(node: PlanNode) -> Iterator[Finding]:
    if not node.counted or node.type in _PASS_ON:
        return
    actual, estimated = max(node.rows_per_loop, 1.0), max(node.estimated, 1.0)
    ratio = max(actual / estimated, estimated / actual)
    if ratio < _MISESTIMATE or max(actual, estimated) < _ESTIMATED_ROWS:
        return
    if actual < estimated and node.cut_short:
        return
    each = " each time it ran" if node.loops > 1 else ""
    direction = "more" if actual > estimated else "fewer"
    yield Finding(
        "misestimate",
        Level.PROBLEM,
        "misestimate",
        f"The planner expected {count(node.estimated, 'row')}{each} and got "
        f"{_mean(node.rows_per_loop)}, {times(ratio)} {direction}. It chose this plan on a wrong "
        "picture of the data.",
    )


def _mean(rows: float) -> str:
    few = 10
    return number(rows) if rows >= few or float(rows).is_integer() else number(rows, 1)


def _index_walk(node: PlanNode) -> Iterator[Finding]:
    if not node.type.startswith(("Index", "Bitmap Index")) or not node.raw.get("Index Cond"):
        return
    searches = max(float(node.raw.get("Index Searches", 0)), node.loops)
    found = node.rows + node.removed() + node.removed("Index Recheck")
    straight = _PAGES_PER_LOOKUP * searches + _PAGES_PER_ROW * found
    if node.self_pages < max(_WALKED * straight, _WALKED_PAGES):
        return
    per_row = f" ({number(node.self_pages / node.rows)} for each)" if node.rows else ""
    yield Finding(
        "index-walk",
        Level.PROBLEM,
        "index read in vain",
        f"Touched {count(node.self_pages, 'page')} to find {count(node.rows, 'row')}{per_row}: the "
        "condition did not lead it to one place in the index, so it walked past many entries that "
        "did not match.",
    )


def _index_searches(node: PlanNode) -> Iterator[Finding]:
    searches = float(node.raw.get("Index Searches", 0))
    if searches <= node.loops or not node.loops:
        return
    per_loop = searches / node.loops
    condition = str(node.raw.get("Index Cond", ""))
    if " ANY " in condition or " ANY(" in condition:
        yield Finding(
            "index-searches",
            Level.NOTE,
            "many searches",
            f"Searched the index {number(per_loop)} times in one run: once for each value of the "
            "list.",
        )
        return
    yield Finding(
        "skip-scan",
        Level.NOTICE,
        "skip scan",
        f"Searched the index {number(per_loop)} times in one run: the condition leaves an earlier "
        "column of the index open, so it jumps through the values which that column has.",
    )


def _heap_fetches(node: PlanNode) -> Iterator[Finding]:
    fetches = float(node.raw.get("Heap Fetches", 0))
    if node.type == "Index Only Scan" and fetches:
        yield Finding(
            "heap-fetches",
            Level.NOTICE if fetches >= _MANY_ROWS else Level.NOTE,
            "table visited",
            f"Had to look into the table for {count(fetches, 'row')} all the same: those pages "
            "were changed since the last VACUUM.",
        )


def _loops(node: PlanNode) -> Iterator[Finding]:
    runs = node.loops / node.processes
    if node.role.startswith("SubPlan") and runs > 1:
        yield Finding(
            "subplan",
            Level.PROBLEM if runs >= _MANY_LOOPS else Level.NOTICE,
            f"ran {number(runs)} times",
            f"A subquery that depends on the outer row: it ran {number(runs)} times, once for "
            "each.",
        )
    elif runs >= _MANY_LOOPS:
        yield Finding(
            "loops",
            Level.NOTE,
            f"ran {number(runs)} times",
            f"Ran {number(runs)} times; rows, time and pages here are the sum of all of them.",
        )


def _workers(node: PlanNode) -> Iterator[Finding]:
    planned, launched = node.raw.get("Workers Planned"), node.raw.get("Workers Launched")
    if planned is None or launched is None:
        return
    if launched < planned:
        yield Finding(
            "workers",
            Level.NOTICE,
            "workers missing",
            f"Wanted {count(planned, 'worker process', 'worker processes')}, got {launched}: the "
            "others were busy or not allowed.",
        )
    else:
        yield Finding(
            "workers",
            Level.NOTE,
            f"{count(launched, 'worker')}",
            "The steps below were shared by the server process and "
            f"{count(launched, 'worker process', 'worker processes')}.",
        )


def _memoize(node: PlanNode) -> Iterator[Finding]:
    if node.type != "Memoize":
        return
    hits, misses = float(node.raw.get("Cache Hits", 0)), float(node.raw.get("Cache Misses", 0))
    if hits + misses:
        yield Finding(
            "memoize",
            Level.NOTE,
            f"{percent(hits / (hits + misses))} remembered",
            f"{count(hits, 'look-up')} answered from memory, {number(misses)} passed on.",
        )


_RULES: tuple[_Rule, ...] = (
    _seq_scan,
    _filter,
    _join_filter,
    _recheck,
    _sort,
    _spill,
    _misestimate,
    _index_walk,
    _index_searches,
    _heap_fetches,
    _loops,
    _workers,
    _memoize,
)

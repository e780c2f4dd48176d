"""What each kind of step does, in one sentence for somebody who sees a plan for the first time."""

from __future__ import annotations

_WHAT: dict[str, str] = {
    "Seq Scan": "Reads the whole table, page after page.",
    "Sample Scan": "Reads a random sample of the table.",
    "Index Scan": "Walks the index to the matching entries and fetches each row from the table.",
    "Index Only Scan": "Answers from the index alone; the table is not needed.",
    "Bitmap Heap Scan": (
        "Fetches the table pages that the bitmap below names, each page once and in order."
    ),
    "Bitmap Index Scan": "Collects from the index which table pages hold matching rows.",
    "BitmapAnd": "Keeps only the pages that all bitmaps below name.",
    "BitmapOr": "Joins the bitmaps below into one.",
    "Tid Scan": "Fetches rows by their physical address.",
    "Tid Range Scan": "Fetches a range of physical addresses.",
    "Subquery Scan": "Passes on the rows of a subquery.",
    "Function Scan": "Reads the rows that a function returns.",
    "Values Scan": "Reads rows written in the statement itself.",
    "CTE Scan": "Reads the rows of a WITH query.",
    "WorkTable Scan": "Reads the rows of the last round of a recursive query.",
    "Result": "Computes values without reading a table.",
    "ProjectSet": "Expands functions that return many rows.",
    "Nested Loop": "For each row of the first input, runs the second input once.",
    "Hash Join": "Looks each row of the first input up in a hash table of the second.",
    "Merge Join": "Walks two inputs that are sorted the same way in step.",
    "Hash": "Puts the rows below into a hash table in memory.",
    "Memoize": "Remembers results of the step below, so that the same key is not looked up twice.",
    "Materialize": "Keeps the rows below in memory, to read them again cheaply.",
    "Sort": "Sorts all its rows before it can give the first one.",
    "Incremental Sort": "Sorts group by group, because its input is already partly in order.",
    "Limit": "Stops as soon as it has enough rows.",
    "Aggregate": "Computes counts, sums and the like over its input.",
    "WindowAgg": "Computes window functions.",
    "Unique": "Drops repeated rows from sorted input.",
    "SetOp": "Compares two inputs (EXCEPT, INTERSECT).",
    "Append": "Gives the rows of its inputs one after the other.",
    "Merge Append": "Mixes sorted inputs into one sorted stream.",
    "Recursive Union": "Repeats the second input until it finds nothing new.",
    "Gather": "Collects the rows of parallel worker processes.",
    "Gather Merge": "Collects the sorted rows of parallel worker processes, keeping the order.",
    "LockRows": "Locks each row it passes on (SELECT … FOR UPDATE).",
    "ModifyTable": "Writes to the table.",
    "Foreign Scan": "Reads from another server.",
}


def what(node_type: str) -> str:
    """Return the sentence for a node type; an unknown type has none."""
    return _WHAT.get(node_type, "")

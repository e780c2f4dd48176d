"""Eventual convergence: when the writes stop, do all copies come to say the same?

Vogels, "Eventually consistent" (2009). It is a promise about the end, so only the last read of each
client counts, and only where it began after the last write had ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.simulation.checkers.judgement import Judgement
from jupyter_sysdesign.simulation.checkers.narration import listed, name, shown

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.checkers.history import History, Operation, Value

MODEL = "eventual convergence"
_READS = frozenset({"read", "get"})


def check(history: History, initial: Value = None) -> Judgement:
    """Return whether the last reads of each key agree; unknown where a write has an open end."""
    unsure: Judgement | None = None
    told = False
    for key, part in history.by_key().items():
        last = _last_reads(part)
        results = {each.result for each in last}
        lost = bool(last) and results == {initial} and _was_written(part, initial)
        told = told or bool(last)
        if len(results) < 2 and not lost:  # noqa: PLR2004 (two answers are a disagreement)
            continue
        if any(each.status == "info" and each.kind not in _READS for each in part):
            unsure = unsure or Judgement(
                MODEL,
                "unknown",
                f"The last reads of {name(key)} do not agree, but a write of unknown outcome may "
                "have taken effect between them.",
            )
            continue
        why = (
            f"All last reads of {name(key)} answer {shown(initial)}, as if nothing had ever been "
            "written."
            if lost
            else f"After the last write of {name(key)} had ended, its last reads still disagree."
        )
        return Judgement(MODEL, "failed", f"{why}\n{listed(last)}", operations=tuple(last))
    if unsure:
        return unsure
    if not told:
        return Judgement(MODEL, "unknown", "Nobody read anything after the last write had ended.")
    return Judgement(MODEL, "passed", "The last reads of each key agree.")


def _last_reads(part: History) -> list[Operation]:
    """Return each client's last read, if it began after every write had ended."""
    end = max(
        (
            each.invoked if each.returned is None else each.returned
            for each in part
            if each.kind not in _READS
        ),
        default=-1,
    )
    return [
        last
        for sequence in part.by_client().values()
        if (last := next((each for each in reversed(sequence) if _answered(each)), None))
        and last.invoked > end
    ]


def _answered(operation: Operation) -> bool:
    return operation.kind in _READS and operation.happened


def _was_written(part: History, initial: Value) -> bool:
    """Return whether it is a register that certainly got a value other than the initial one."""
    if any(each.kind not in ("read", "write") for each in part):
        return False
    writes = [each for each in part if each.kind == "write"]
    return any(each.happened for each in writes) and all(each.value != initial for each in writes)

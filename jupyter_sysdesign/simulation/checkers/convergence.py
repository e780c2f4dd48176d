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
        lost = _written(part, initial) if results == {initial} else None
        told = told or bool(last)
        if len(results) < 2 and lost is None:  # noqa: PLR2004 (two answers are a disagreement)
            continue
        if lost is None and any(each.status == "info" and each.kind not in _READS for each in part):
            unsure = unsure or Judgement(
                MODEL,
                "unknown",
                f"The last reads of {name(key)} do not agree, but a write of unknown outcome may "
                "have taken effect between them.",
            )
            continue
        why = (
            f"After the last write of {name(key)} had ended, its last reads still disagree."
            if lost is None
            else f"All last reads of {name(key)} answer {shown(initial)}, as if nothing had ever "
            "been written."
        )
        operations = tuple(last if lost is None else [lost, *last])
        return Judgement(MODEL, "failed", f"{why}\n{listed(operations)}", operations)
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


def _written(part: History, initial: Value) -> Operation | None:
    """Return a write to a register that certainly has had another value than ``initial`` since."""
    if any(each.kind not in ("read", "write") for each in part):
        return None
    writes = [each for each in part if each.kind == "write"]
    if any(each.value == initial for each in writes):
        return None
    return next((each for each in writes if each.happened), None)

"""Linearizability: is there one moment for each operation, between question and answer?

Herlihy and Wing (1990) define it. The search is Wing and Gong's (1993) with Lowe's cache ("Testing
for linearizability", 2017); see ``placing.py``. Of registers, much that is wrong shows before any
search; see ``zones.py``. Each key is checked alone where the specification
allows (Horn and Kroening's P-compositionality, 2015).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.simulation.checkers import counterexample, zones
from jupyter_sysdesign.simulation.checkers.history import History
from jupyter_sysdesign.simulation.checkers.judgement import Budget, Judgement, Meter
from jupyter_sysdesign.simulation.checkers.placing import search
from jupyter_sysdesign.simulation.checkers.specifications import Register

if TYPE_CHECKING:
    from jupyter_sysdesign.simulation.checkers.history import Operation
    from jupyter_sysdesign.simulation.checkers.specifications import Specification

MODEL = "linearizable"


def check(
    history: History, specification: Specification, budget: Budget | None = None
) -> Judgement:
    """Return whether ``history`` is linearizable.

    What failed counts as if it was never asked; what nobody knows may have happened at any moment
    after it was asked, or never.

    Raises:
        InvalidRequestError: the specification does not know an operation.
    """
    meter = Meter(budget or Budget())
    unsure: Judgement | None = None
    order: list[Operation] = []
    parts = list(history.by_key().values()) if specification.per_key else [history]
    for part in parts:
        if isinstance(specification, Register) and (clash := _clash(part, specification)):
            return counterexample.explain(MODEL, History(clash), specification, meter)
        found = search(part.operations, specification, meter)
        if found.status == "failed":
            return counterexample.explain(MODEL, part, specification, meter)
        if found.status == "unknown":
            unsure = unsure or Judgement(MODEL, "unknown", meter.exhausted(), states=meter.states)
        order += found.order
    if unsure:
        return unsure
    why = "Each operation can be given a moment between question and answer that explains it."
    # Orders of single keys are not one order of all; that there is one, locality guarantees.
    return Judgement(
        MODEL, "passed", why, order=tuple(order) if len(parts) == 1 else (), states=meter.states
    )


def _clash(part: History, register: Register) -> tuple[Operation, ...]:
    """Return operations of a register that contradict each other, where that shows at once."""
    if any(each.kind not in ("read", "write") for each in part):
        return ()
    return zones.conflict(part.operations, register)

"""Claims: what prose rests on, stated in fields and checked by formula."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_sysdesign.control.models import FactMark, Marking
from jupyter_sysdesign.curriculum.formula import Formula

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_sysdesign.curriculum.question import Reflect


def check(question: Reflect, stated: Mapping[str, float | str]) -> Marking:
    """Return which facts hold of what was stated; nothing is said of the prose."""
    facts = []
    for fact in question.facts:
        holds = Formula(fact.holds).holds(stated)
        facts.append(FactMark(holds=holds, why="" if holds else fact.why))
    return Marking(by="", facts=facts, max_points=sum(each.points for each in question.rubric))

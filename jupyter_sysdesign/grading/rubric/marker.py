"""Who looks at prose: one protocol; and what becomes of two opinions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from jupyter_sysdesign.control.models import CriterionMark, Marking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_sysdesign.curriculum.question import Criterion, Reflect


class Marker(Protocol):
    """Looks in an answer for what each criterion asks for; decides nothing."""

    def mark(self, question: Reflect, prose: str) -> Marking:
        """Return what was found, criterion by criterion, in the order of the rubric.

        Raises:
            UnavailableError: it cannot look at all.
        """
        ...


def not_looked(criterion: Criterion, why: str) -> CriterionMark:
    """Return the mark of a criterion nobody could look for."""
    return CriterionMark(
        id=criterion.id,
        text=criterion.text,
        found="not_looked",
        max_points=criterion.points,
        why=why,
    )


def reconcile(model: Marking, sentences: Marking | None) -> Marking:
    """Return what the language model says; wherever the sentences say otherwise, a person decides.

    Neither is to be believed alone: a model is talked into things, and sentences of like meaning
    are not understood.
    """
    if sentences is None:
        said = "Nothing but a language model has looked at it."
        return model.model_copy(update={"for_a_person": [*model.for_a_person, said]})
    doubts = list(dict.fromkeys([*model.for_a_person, *sentences.for_a_person]))
    for one, other in zip(model.criteria, sentences.criteria, strict=True):
        if {one.found, other.found} == {"yes", "no"}:
            verb = "finds" if one.found == "yes" else "does not find"
            doubts.append(f"Only one of the two {verb} this: {one.text}"[:500])
    return model.model_copy(update={"for_a_person": doubts})


def total(criteria: Sequence[CriterionMark]) -> float | None:
    """Return the sum of the suggested points; None when one of them is missing."""
    given = [each.points for each in criteria]
    return None if None in given or not given else sum(each for each in given if each is not None)

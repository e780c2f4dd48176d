"""Evidence without a language model: sentences of the answer that mean what a criterion asks for.

It tells good answers from piles of the right words, and says which sentence it goes by. It does
not notice that something is false: whoever writes well about a wrong idea has "evidence" all the
same. So a rubric asks for what must be right as a claim (``claims.py``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from jupyter_sysdesign.control.models import CriterionMark, Marking
from jupyter_sysdesign.grading.rubric import prose as reading
from jupyter_sysdesign.grading.rubric.marker import not_looked

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from jupyter_sysdesign.curriculum.question import Criterion, Reflect
    from jupyter_sysdesign.grading.rubric.embedding import Encoder

#: Cosines, chosen on the labelled answers of the lessons (``tests/grading/rubric``).
FOUND = 0.54
PERHAPS = 0.44

BY = "sentences"
_NO_EXAMPLES = "The lesson gives no examples of what would say it."


class Sentences:
    """Looks for sentences that lie close to a criterion's examples."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._examples: dict[tuple[str, ...], NDArray[Any]] = {}

    def mark(self, question: Reflect, prose: str) -> Marking:
        """Return what was found, criterion by criterion; it suggests no points."""
        said = reading.read(question, prose)
        passages = said.passages
        vectors = self._encoder.encode(passages)
        return Marking(
            by=BY,
            criteria=[self._look(each, passages, vectors) for each in question.rubric],
            max_points=sum(each.points for each in question.rubric),
            for_a_person=list(said.doubts),
        )

    def _look(
        self, criterion: Criterion, passages: list[str], vectors: NDArray[Any]
    ) -> CriterionMark:
        if not criterion.examples:
            return not_looked(criterion, _NO_EXAMPLES)
        near, quote = 0.0, ""
        if passages:
            cosines = (vectors @ self._vectors(criterion.examples).T).max(axis=1)
            best = int(cosines.argmax())
            near, quote = float(cosines[best]), passages[best]
        found: Literal["yes", "perhaps", "no"] = (
            "yes" if near >= FOUND else "perhaps" if near >= PERHAPS else "no"
        )
        return CriterionMark(
            id=criterion.id,
            text=criterion.text,
            found=found,
            quote="" if found == "no" else quote,
            max_points=criterion.points,
        )

    def _vectors(self, examples: tuple[str, ...]) -> NDArray[Any]:
        if examples not in self._examples:
            self._examples[examples] = self._encoder.encode(examples)
        return self._examples[examples]

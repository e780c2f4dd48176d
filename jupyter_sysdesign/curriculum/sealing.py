"""``lesson.yaml`` without its answers, for a cohort: it asks the same and decides nothing.

What only the learner's own runs decide stays; there is no answer in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.curriculum.question import Observe, Predict, Sealed
from jupyter_sysdesign.curriculum.recording import Fixed, OfRatio

if TYPE_CHECKING:
    from jupyter_sysdesign.curriculum.lesson import LessonFile
    from jupyter_sysdesign.curriculum.question import Question


def sealed(file: LessonFile) -> dict[str, Any]:
    """Return the document of a ``lesson.yaml`` that gives no answer away."""
    document = file.model_dump(mode="json", exclude_defaults=True)
    document["questions"] = [_seal(each) for each in file.questions]
    document["hints"] = [{**each, "solution": ""} for each in document.get("hints", [])]
    return document


def _seal(question: Question) -> dict[str, Any]:
    if isinstance(question, (Predict, Observe)) and not _is_known(question.actual):
        return question.model_dump(mode="json", exclude_defaults=True, exclude={"model_answer"})
    common = question.model_dump(mode="json", include={"id", "step", "prompt", "title", "points"})
    shown = Sealed.model_validate({**common, "kind": "sealed", "asked": question.public()})
    return shown.model_dump(mode="json", exclude_defaults=True)


def _is_known(figure: Any) -> bool:
    """Tell whether the lesson itself says the number."""
    if isinstance(figure, OfRatio):
        return _is_known(figure.ratio.of) or _is_known(figure.ratio.to)
    return isinstance(figure, Fixed)

"""Deciding answers by rule, and keeping them.

``decide`` is a function of question, value and recordings; ``answer`` and ``settle`` are what the
control plane calls. A prediction is never right or wrong: it is scored on how close it came. Prose
is neither, as long as the claims it rests on hold; a wrong claim makes it wrong.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.control.models import Answer
from jupyter_sysdesign.curriculum.progress import open_steps, shown
from jupyter_sysdesign.curriculum.question import (
    Comprehend,
    Evidence,
    Observe,
    Predict,
    Question,
    Reflect,
    Sealed,
    Tradeoff,
)
from jupyter_sysdesign.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
)
from jupyter_sysdesign.grading import reading
from jupyter_sysdesign.grading.measuring import NotRecorded, Recorded, measure
from jupyter_sysdesign.grading.rubric import claims
from jupyter_sysdesign.grading.rubric.feedback import feedback

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.control.models import Marking
    from jupyter_sysdesign.curriculum.answers import AnswersFile
    from jupyter_sysdesign.curriculum.catalogue import Lesson

#: (largest factor, score): a latency guessed within a factor of two is a good guess.
_BY_FACTOR = ((1.25, 1.0), (2.0, 0.75), (5.0, 0.5), (10.0, 0.25))
#: (largest share of the actual value, score).
_BY_SHARE = ((0.10, 1.0), (0.25, 0.75), (0.50, 0.5), (1.0, 0.25))
#: (largest high/low, score) of an interval that holds the actual value.
_BY_WIDTH = ((2.0, 1.0), (5.0, 0.75), (10.0, 0.5), (math.inf, 0.25))
_NEAR_MISS = 1.25
_EDGE = 1e-9  # 2.0 is "within a factor of two", whatever floating point makes of it


@dataclass(frozen=True)
class Decision:
    """What a rule made of an answer.

    Attributes:
        correct: None for predictions, prose, and while pending.
        score: 0 to 1; None while pending and for prose.
        pending: decided later, when something is recorded.
        marking: of a reflection.
    """

    correct: bool | None
    score: float | None
    feedback: str
    pending: bool = False
    marking: Marking | None = None


def decide(  # noqa: PLR0911 (one for each kind)
    question: Question, value: Any, recorded: Recorded, *, since: float = 0.0
) -> Decision:
    """Decide one answer; ``since`` is when a prediction was made (only later runs count).

    Raises:
        InvalidRequestError: the value has not the form the question asks for.
    """
    said = reading.said(question.public(), value)
    if isinstance(question, Predict):
        return _predict(question, said, recorded, since)
    if isinstance(question, Observe):
        return _observe(question, said, recorded)
    if isinstance(question, Comprehend):
        return _comprehend(question, said)
    if isinstance(question, Tradeoff):
        return _tradeoff(question, *said)
    if isinstance(question, Evidence):
        return _evidence(question, said)
    if isinstance(question, Sealed):
        return Decision(None, None, "Kept. It is decided where the answers are.")
    return _reflect(question, *said)


def answer(
    lesson: Lesson,
    file: AnswersFile,
    question_id: str,
    value: Any = None,
    *,
    skip: bool = False,
    recorded: Recorded | None = None,
    now: float | None = None,
    mark: Callable[[Reflect, str], Marking] | None = None,
) -> Answer:
    """Decide and store one answer (or an open skip), and return it with the model answer.

    ``mark`` looks for evidence in prose; without it only what can be decided is.

    Raises:
        NotFoundError: no such question.
        ConflictError: its step is not open yet, or the outcome of a prediction is known already.
        InvalidRequestError: the value has not the form the question asks for.
    """
    question = lesson.file.question(question_id)
    if question is None:
        known = ", ".join(each.id for each in lesson.file.questions)
        raise NotFoundError(f"{lesson.id} has no question {question_id!r}", hint=f"It has {known}.")
    _refuse_closed(lesson, file, question)
    at = time.time() if now is None else now
    decision = None if skip else decide(question, value, recorded or Recorded(), since=at)
    if decision is not None and isinstance(question, Reflect) and mark is not None:
        decision = _with_evidence(question, value, decision, mark)

    def change(previous: Answer | None) -> Answer:
        answered = previous is not None and not previous.skipped
        if decision is None:
            return previous if previous is not None and answered else _skipped(at)
        if previous is not None and answered:
            predicted = isinstance(question, Predict)
            seen = isinstance(question, Observe) and previous.correct
            if (predicted or seen) and value == previous.value:
                return previous  # the cell was run again, maybe after another run
            if predicted and previous.score is not None:
                raise ConflictError(
                    "You have seen how this came out; a prediction counts only before.",
                    hint="Your first prediction and its score are kept.",
                )
        return _kept(previous if answered else None, value, decision, at)

    return shown(lesson, question_id, file.update(question_id, change))


def settle(lesson: Lesson, file: AnswersFile, recorded: Recorded) -> dict[str, Answer]:
    """Decide what was waiting for a recording; return those (call it when a run is done)."""
    settled: dict[str, Answer] = {}
    for question_id, kept in file.answers().items():
        question = lesson.file.question(question_id)
        waiting = kept.score is None and not kept.skipped
        if not waiting or not isinstance(question, (Predict, Observe)):
            continue
        try:
            decision = decide(question, kept.value, recorded, since=kept.answered_at)
        except InvalidRequestError:
            continue  # written into the file by hand, or the lesson asks for something else now
        if decision.pending:
            continue

        def change(
            previous: Answer | None, kept: Answer = kept, now: Decision = decision
        ) -> Answer:
            if previous is None or previous != kept:  # answered anew in the meantime
                return previous or kept
            return kept.model_copy(
                update={
                    "correct": now.correct,
                    "score": now.score,
                    "feedback": now.feedback,
                    "first_score": now.score if kept.first_score is None else kept.first_score,
                }
            )

        settled[question_id] = shown(lesson, question_id, file.update(question_id, change))
    return settled


def _refuse_closed(lesson: Lesson, file: AnswersFile, question: Question) -> None:
    answers = file.answers()
    opened = open_steps(lesson, answers)
    if question.step in opened:
        return
    missing = [
        each.id
        for each in lesson.file.questions
        if each.step == opened[-1] and each.id not in answers
    ]
    raise ConflictError(
        f"The step {question.step!r} is not open yet",
        hint=f"First answer (or skip) in {opened[-1]!r}: {', '.join(missing)}.",
    )


def _skipped(at: float) -> Answer:
    return Answer(
        value=None,
        answered_at=at,
        skipped=True,
        attempts=0,
        feedback="Skipped. You can still answer it at any time.",
    )


def _kept(previous: Answer | None, value: Any, decision: Decision, at: float) -> Answer:
    first = previous.first_score if previous is not None else None
    return Answer(
        value=value,
        answered_at=at,
        correct=decision.correct,
        score=decision.score,
        feedback=decision.feedback,
        marking=decision.marking,
        attempts=1 if previous is None else previous.attempts + 1,
        first_score=decision.score if first is None else first,
    )


def _predict(question: Predict, said: Any, recorded: Recorded, since: float) -> Decision:
    interval = question.scale == "interval"
    low, high = said if interval else (said, said)
    try:
        actual = measure(question.actual, recorded, since=since)
    except NotRecorded as missing:
        return Decision(None, None, f"Your prediction is kept. {missing}", pending=True)
    measured = f"It was {reading.figure(actual, question.unit)}."
    if interval:
        return _calibrated(*_interval_score(question, low, high, actual), measured)
    if question.scale == "relative":
        share = abs(low - actual) / abs(actual) if actual else (0.0 if low == actual else math.inf)
        return _calibrated(_band(_BY_SHARE, share), f"You were {share:.0%} off.", measured)
    factor = _factor(question, low, actual)
    side = "high" if low > actual else "low"
    off = f"You were {factor:.1f} times too {side}." if factor > _NEAR_MISS else "Very close."
    return _calibrated(_band(_BY_FACTOR, factor), off, measured)


def _calibrated(score: float, said: str, measured: str) -> Decision:
    return Decision(None, score, f"{measured} {said}")


def _interval_score(question: Predict, low: float, high: float, actual: float) -> tuple[float, str]:
    if low <= actual <= high:
        width = _factor(question, high, low)
        narrow = "" if width <= _BY_WIDTH[0][0] else " A narrower range would have said more."
        return _band(_BY_WIDTH, width), f"Your range holds it.{narrow}"
    nearest = low if actual < low else high
    near = _factor(question, nearest, actual) <= _NEAR_MISS
    return (0.25 if near else 0.0), "Your range does not hold it" + (
        ", by little." if near else "."
    )


def _factor(question: Predict, one: float, other: float) -> float:
    """Return how many times larger the larger one is; below ``floor`` all values are alike."""
    floor = question.floor or 1e-12
    ratio = max(one, floor) / max(other, floor)
    return max(ratio, 1 / ratio)


def _band(bands: tuple[tuple[float, float], ...], error: float) -> float:
    return next((score for bound, score in bands if error <= bound * (1 + _EDGE)), 0.0)


def _observe(question: Observe, seen: float, recorded: Recorded) -> Decision:
    try:
        actual = measure(question.actual, recorded)
    except NotRecorded as missing:
        return Decision(None, None, f"Your answer is kept. {missing}", pending=True)
    if abs(seen - actual) <= max(question.tolerance * abs(actual), question.tolerance_abs):
        shown_value = reading.figure(actual, question.unit)
        return _right(f"Yes: {shown_value} was recorded.")
    side = "more" if seen > actual else "less"
    return _wrong(f"Your run recorded another value; this is {side} than it was.")


def _comprehend(question: Comprehend, said: Any) -> Decision:
    if question.form == "choice":
        option = next(each for each in question.options if each.id == said)
        return _right(option.feedback) if option.correct else _wrong(option.feedback)
    if question.form == "choices":
        right = {each.id for each in question.options if each.correct}
        comments = [each.feedback for each in question.options if each.id in said]
        return _picked(said, right, [each for each in comments if each])
    if question.form == "number":
        return _comprehend_number(question, said)
    said = reading.normalised(said)
    if said in {reading.normalised(each) for each in question.accepted}:
        return _right()
    for mistake in question.mistakes:
        if said == reading.normalised(str(mistake.answer)):
            return _wrong(mistake.feedback)
    return _wrong()


def _comprehend_number(question: Comprehend, said: float) -> Decision:
    def near(target: float) -> bool:
        return math.isclose(said, target, rel_tol=1e-9, abs_tol=question.tolerance * abs(target))

    if question.answer is not None and near(question.answer):
        return _right()
    for mistake in question.mistakes:
        if not isinstance(mistake.answer, str) and near(mistake.answer):
            return _wrong(mistake.feedback)
    return _wrong()


def _tradeoff(question: Tradeoff, chosen: str, _because: str) -> Decision:
    way = next(each for each in question.options if each.id == chosen)
    return Decision(way.score == 1, way.score, way.comment)


def _evidence(question: Evidence, said: str | set[str]) -> Decision:
    chosen = {said} if isinstance(said, str) else said
    right = {each.id for each in question.exhibits if each.proves}
    comments = [each.comment for each in question.exhibits if each.id in chosen and each.comment]
    return _picked(chosen, right, comments)


def _reflect(question: Reflect, _prose: str, stated: dict[str, float | str]) -> Decision:
    marking = claims.check(question, stated)
    said = feedback(question, marking)
    if all(fact.holds for fact in marking.facts):
        return Decision(None, None, said, marking=marking)
    return Decision(correct=False, score=0.0, feedback=said, marking=marking)


def _with_evidence(
    question: Reflect, value: Any, decision: Decision, mark: Callable[[Reflect, str], Marking]
) -> Decision:
    """Add what was found in the prose; it changes nothing about right and wrong."""
    prose, _ = reading.said(question.public(), value)
    try:
        found = mark(question, prose)
    except UnavailableError as error:
        said = f"{decision.feedback}\n\nNothing has looked for them. {error.message}. {error.hint}"
        return replace(decision, feedback=said.strip())
    facts = decision.marking.facts if decision.marking is not None else []
    marking = found.model_copy(update={"facts": facts})
    return replace(decision, marking=marking, feedback=feedback(question, marking))


def _picked(chosen: set[str], right: set[str], comments: list[str]) -> Decision:
    """Score a set of picks: each wrong one takes away what a right one gives."""
    score = max(0.0, (len(chosen & right) - len(chosen - right)) / len(right))
    if chosen == right:
        return _right(" ".join(comments))
    missed = len(right - chosen)
    said = f"{missed} more would belong to it." if missed and not chosen - right else ""
    return _wrong(" ".join([*comments, said]).strip(), score)


def _right(said: str = "") -> Decision:
    return Decision(correct=True, score=1.0, feedback=said or "Right.")


def _wrong(said: str = "", score: float = 0.0) -> Decision:
    return Decision(correct=False, score=score, feedback=said or "Not quite.")

"""What a student's answers are worth, and what a learner is told of a verdict.

Answers come from the learner's side, so only what was *said* counts; rules decide again here. What
was compared with the learner's own recording cannot be decided again, because that stays with the
learner: such a mark is taken from there, and the instructor is told so.
"""

from __future__ import annotations

import builtins
import json
import re
from typing import TYPE_CHECKING, NamedTuple

from jupyter_sysdesign.control.models import CheckResult, Status
from jupyter_sysdesign.curriculum.answers import AnswersFile
from jupyter_sysdesign.curriculum.question import Reflect
from jupyter_sysdesign.errors import SysdesignError
from jupyter_sysdesign.grading.measuring import Recorded
from jupyter_sysdesign.grading.questions import decide

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_sysdesign.control.models import Answer
    from jupyter_sysdesign.curriculum.catalogue import Lesson
    from jupyter_sysdesign.curriculum.question import Question

_SHOWN = 4000
_PATH = re.compile(r"(?P<method>\b[A-Z]{3,7}) (?P<path>/\S*)")
_LOG = re.compile(r"\s*The log says: .*", re.DOTALL)
_ANSWER = re.compile(r"(?P<ours>\bgot no answer): .*", re.DOTALL)
_SHAPE = re.compile(r"(?P<ours>\bthe system it began as \(\w+): .*", re.DOTALL)
_SQL = re.compile(r"(?P<ours>\bPostgreSQL): .*", re.DOTALL)
_MIGRATION = re.compile(r"\A(?P<ours>migrations/.*?\.sql(?::\d+)?): .*", re.DOTALL)
_RAISED = re.compile(
    r"\braised (?P<name>\w+): .*?(?P<place> \(line \d{1,4} of \w+\.py\))?\.?\Z", re.DOTALL
)


class Mark(NamedTuple):
    """What one cell is worth.

    Attributes:
        points: None: nobody knows yet.
        comment: what the learner reads.
        confirm: the instructor shall look at it.
    """

    points: float | None
    comment: str
    confirm: bool


def of_check(result: CheckResult) -> Mark:
    """Return the mark of a check, without what was hidden: no evidence, no held-out requests.

    Nor what the learner's own program says: it has seen what the learner has not.
    """
    why = _SHAPE.sub(r"\g<ours>).", _ANSWER.sub(r"\g<ours>.", _LOG.sub("", result.why)))
    why = _SQL.sub(r"\g<ours> refused a statement.", why)
    why = _MIGRATION.sub(r"\g<ours> is refused.", _RAISED.sub(_without_words, why))
    why = _text(_PATH.sub(_without_values, why))
    measured = _text(f"measured: {result.measured}; required: {result.required}")
    if result.status is Status.UNKNOWN:
        return Mark(None, f"Not decided: {why} It will be graded again.", confirm=True)
    points = min(max(result.points, 0.0), result.max_points)
    if result.status is Status.PASSED:
        return Mark(points, f"Passed ({measured}).", confirm=False)
    return Mark(points, f"Failed ({measured}). {why}", confirm=False)


def of_answers(lesson: Lesson, submitted: Path) -> dict[str, Mark]:
    """Return the marks of all questions of a lesson, by question id; each waits for a person."""
    answers = AnswersFile(submitted).answers()
    return {each.id: _of_answer(each, answers.get(each.id)) for each in lesson.file.questions}


def _of_answer(question: Question, answer: Answer | None) -> Mark:
    if answer is None or answer.skipped:
        said = "Not answered." if answer is None else "Skipped."
        return Mark(0.0, said, confirm=True)
    value = f"Answer: {_shown(answer.value)}"
    try:
        decision = decide(question, answer.value, Recorded())
    except SysdesignError as error:
        said = f"No answer to this question: {_shown(error.message)}"  # which quotes the value
        return Mark(0.0, f"{value}\n{said}", confirm=True)
    score, feedback = decision.score, decision.feedback
    if decision.pending:
        score = answer.score  # the words beside it are the learner's side's, so they stay there
        feedback = (
            "Not yet compared with the learner's own recording."
            if score is None
            else "As compared with the learner's own recording."
        )
    elif isinstance(question, Reflect) and decision.correct is None:
        feedback = "Proposed mark: none; prose is read by a person."
    if score is None:
        return Mark(None, f"{value}\n{feedback}", confirm=True)
    points = min(max(score, 0.0), 1.0) * question.points
    return Mark(points, f"{value}\n{feedback}", confirm=True)


def _without_values(found: re.Match[str]) -> str:
    """Keep the fixed words of a path: a number in it tells of a request that stays hidden."""
    path = found["path"].partition("?")[0]
    words = ["…" if any(map(str.isdigit, word)) else word for word in path.split("/")]
    return f"{found['method']} {'/'.join(words)}"


def _without_words(found: re.Match[str]) -> str:
    """Keep what kind of exception it was, unless the learner made the kind up, and where."""
    known = isinstance(getattr(builtins, found["name"], None), type)
    return f"raised {found['name'] if known else 'an exception'}{found['place'] or ''}."


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _text(text if len(text) <= _SHOWN else f"{text[:_SHOWN]} …")


def _text(text: str) -> str:
    """Keep what a learner wrote from being taken for HTML, which nbgrader makes of comments."""
    return text.replace("&", "&amp;").replace("<", "&lt;")

"""A lesson without its answers asks the same and gives none away."""

from __future__ import annotations

import json

import pytest

from jupyter_sysdesign.curriculum.catalogue import Catalogue, Lesson, shipped
from jupyter_sysdesign.curriculum.lesson import LessonFile
from jupyter_sysdesign.curriculum.question import Comprehend, Evidence, Reflect, Tradeoff
from jupyter_sysdesign.curriculum.sealing import sealed
from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.grading.measuring import Recorded
from jupyter_sysdesign.grading.questions import decide

LESSONS = Catalogue([shipped()]).lessons()


def answers(lesson: Lesson) -> list[str]:
    """Return every text that gives an answer away, and that a learner does not see before."""
    found = [hint.solution for hint in lesson.file.hints]
    for each in lesson.file.questions:
        found.append(each.model_answer)
        if isinstance(each, Comprehend):
            found += [option.feedback for option in each.options]
            found += [mistake.feedback for mistake in each.mistakes]
        if isinstance(each, Tradeoff):
            found += [way.comment for way in each.options]
        if isinstance(each, Evidence):
            found += [exhibit.comment for exhibit in each.exhibits]
        if isinstance(each, Reflect):
            found += [fact.holds for fact in each.facts] + [fact.why for fact in each.facts]
            found += [example for criterion in each.rubric for example in criterion.examples]
    return [each for each in found if each.strip()]


@pytest.mark.parametrize("lesson", LESSONS, ids=[each.id for each in LESSONS])
def test_it_asks_the_same_and_knows_nothing(lesson: Lesson):
    document = sealed(lesson.file)
    text = json.dumps(document, ensure_ascii=False)
    assert answers(lesson)
    kept = [each for each in answers(lesson) if json.dumps(each, ensure_ascii=False)[1:-1] in text]
    assert not kept
    for key in (
        "correct",
        "accepted",
        "answer",
        "proves",
        "score",
        "facts",
        "mistakes",
        "model_answer",
    ):
        assert f'"{key}":' not in text.replace('"proves": null', "")
    file = LessonFile.model_validate(json.loads(text))
    assert [each.public() for each in file.questions] == json.loads(
        json.dumps([each.public() for each in lesson.file.questions])
    )
    assert [hint.rungs for hint in file.hints] == [hint.rungs for hint in lesson.file.hints]
    assert file.untouched == lesson.file.untouched


def test_an_answer_is_kept_undecided():
    question = LessonFile.model_validate(sealed(LESSONS[0].file)).question("busiest")
    for one in ("db", "app", ["app"]):
        found = decide(question, one, Recorded())
        assert (found.correct, found.score, found.pending) == (None, None, False)
    for other in (None, "", [], {}, 1, "dbb", ["db", "app"]):
        with pytest.raises(InvalidRequestError):
            decide(question, other, Recorded())

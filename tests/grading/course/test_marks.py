"""What a student's answers are worth: what a rule can decide, it decides again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from jupyter_sysdesign.curriculum.catalogue import Catalogue, shipped
from jupyter_sysdesign.grading.course import marks

if TYPE_CHECKING:
    from pathlib import Path

LESSON = Catalogue([shipped()]).lesson("t1-02-indexes")
#: Asks for a number that the lesson itself knows, 2,662; and for one of the learner's own run.
KNOWN, OWN = "pages-guess", "speedup-guess"


def marked(folder: Path, question: str, **answer: Any) -> marks.Mark:
    document = {"answers": {question: {"answered_at": 1, **answer}}}
    (folder / "answers.json").write_text(json.dumps(document))
    return marks.of_answers(LESSON, folder)[question]


def test_what_the_lesson_knows_is_decided_where_the_answers_are(tmp_path: Path) -> None:
    question = LESSON.file.question(KNOWN)
    assert question is not None
    right = question.actual.value  # type: ignore[union-attr]
    kept = marked(tmp_path, KNOWN, value=right, score=None, feedback="Kept.")
    assert kept.points == question.points
    claimed = marked(tmp_path, KNOWN, value=right * 1000, score=1.0, feedback="Very close.")
    assert claimed.points == 0
    assert "own recording" not in claimed.comment


def test_what_only_a_recording_decides_is_taken_from_the_learner(tmp_path: Path) -> None:
    found = marked(tmp_path, OWN, value=40, score=0.5, feedback="Well.")
    assert found.points == pytest.approx(LESSON.file.question(OWN).points / 2)  # type: ignore[union-attr]
    assert "own recording" in found.comment
    assert marked(tmp_path, OWN, value=40, score=None, feedback="Kept.").points is None
    assert marked(tmp_path, OWN, value="many", score=1.0).points == 0


HTML = "<script>alert(1)</script>"


def test_what_stands_in_the_answers_is_no_remark_of_ours(tmp_path: Path) -> None:
    for score in (0.5, None):
        found = marked(tmp_path, OWN, value=40, score=score, feedback=f"{HTML} Full marks. " * 9999)
        assert "own recording" in found.comment
        assert "Full marks" not in found.comment
        assert "script" not in found.comment


@pytest.mark.parametrize("value", [HTML, HTML * 9999, [HTML], {"<b>": HTML}])
def test_an_answer_is_shown_as_text_and_not_without_end(tmp_path: Path, value: Any) -> None:
    for question in LESSON.file.questions:
        comment = marked(tmp_path, question.id, value=value, score=0.5, feedback=HTML).comment
        assert "<" not in comment
        assert len(comment) < 40_000

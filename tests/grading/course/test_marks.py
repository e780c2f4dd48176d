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

from __future__ import annotations

import pytest

from jupyter_sysdesign.curriculum.lesson import STEPS, LessonFile
from jupyter_sysdesign.errors import InvalidFileError
from jupyter_sysdesign.yaml_file import Document

LESSON = """\
title: T
track: 1
tier: crawling
domains: [databases]
concepts: [index]
minutes: 10
summary: s
objectives: [o]
recap: r
bridge: b
editable: [app/server.py, "migrations/*.sql"]
questions:
  - id: guess
    kind: predict
    step: symptoms
    prompt: How slow?
    model_answer: Secret.
    actual: {run: {profile: browse, field: endpoints.category.p95_ms}}
  - id: seen
    kind: observe
    step: symptoms
    prompt: How many?
    actual: {metric: db.seq_scans_per_s, window: last_run}
  - id: pick
    kind: comprehend
    step: understand
    prompt: Which?
    options:
      - {id: a, text: A, correct: true, feedback: Secret.}
      - {id: b, text: B}
  - id: weigh
    kind: tradeoff
    step: options
    prompt: Which way?
    options:
      - {id: a, text: A, score: 1, comment: Secret.}
      - {id: b, text: B, score: 0.5, comment: Secret.}
  - id: proof
    kind: evidence
    step: diagnose
    prompt: Prove it.
    claim: It scans.
    exhibits:
      - {id: a, source: plan, text: Seq Scan, proves: true, comment: Secret.}
      - {id: b, source: log, text: "GET / 200"}
  - id: back
    kind: reflect
    step: reflect
    prompt: p
    model_answer: Secret.
    rubric: [{id: x, text: Secret.}]
hints:
  - {id: start, step: fix, title: Where?, rungs: [here], solution: Secret.}
untouched: {fails: [{check: fast, because: reads the whole table}]}
"""


def parse(text: str) -> LessonFile:
    return Document("lesson.yaml", text).validate(LessonFile)


def test_a_whole_lesson_is_understood():
    file = parse(LESSON)
    assert [question.kind for question in file.questions] == [
        "predict", "observe", "comprehend", "tradeoff", "evidence", "reflect",
    ]  # fmt: skip
    assert [step.id for step in file.steps] == list(STEPS)


def test_nothing_that_gives_an_answer_away_is_public():
    file = parse(LESSON)
    public = repr([each.public() for each in (*file.questions, *file.hints)])
    for secret in ("Secret", "correct", "proves", "score", "actual'", "model_answer", "tolerance"):
        assert secret not in public


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("minutes: 10", "minutes: -1", 6),
        ("minutes: 10", "minutes: 10\nunknown: 1", 7),
        ("title: T", "title: T\ntitle: U", 2),
        ("[databases]", "[databases", 5),
        ("app/server.py,", "../app.py,", 11),
        ("app/server.py,", "compose.yaml,", 11),
        ("app/server.py,", "db/01-schema.sql,", 11),
        ("app/server.py,", '"*",', 11),
        ("kind: predict", "kind: guess", 13),
        ("field: endpoints.category.p95_ms", "field: endpoints.category.nothing", 18),
        ("metric: db.seq_scans_per_s", "metrics: db.seq_scans_per_s", 23),
        ("correct: true", "correct: false", 24),
        ("score: 1,", "score: 0.9,", 31),
        (", proves: true", "", 38),
        ("id: seen", "id: guess", 1),
    ],
)
def test_a_mistake_is_named_with_its_line(old: str, new: str, line: int):
    assert old in LESSON
    with pytest.raises(InvalidFileError) as caught:
        parse(LESSON.replace(old, new, 1))
    assert (caught.value.file, caught.value.line) == ("lesson.yaml", line)


def test_all_mistakes_are_told_at_once():
    with pytest.raises(InvalidFileError) as caught:
        parse(LESSON.replace("minutes: 10", "minutes: -1").replace("track: 1", "track: x"))
    assert "line 6" in caught.value.hint


def test_the_steps_keep_their_order():
    wrong = LESSON + "steps: [{id: fix, title: Fix}, {id: symptoms, title: See}]\n"
    with pytest.raises(InvalidFileError, match="in this order"):
        parse(wrong)


def test_answers_and_bulk_data_are_never_readable():
    file = parse(LESSON.replace("editable:", 'files: ["*"]\neditable:'))
    hidden = [
        "checks.py", "solution/migrations/001.sql", "alternatives/a/app/server.py",
        "cheats/c/cheat.yaml", "db/02-seed.sql", "app/__pycache__/server.pyc",
    ]  # fmt: skip
    assert not [each for each in hidden if file.is_readable(each)]
    assert file.is_readable("app/server.py")
    assert file.is_readable("db/01-schema.sql")

"""A wrong claim is wrong, however well it is written."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from grading.rubric.conftest import ANSWERS, Labelled
from pydantic import ValidationError

from jupyter_sysdesign.control.models import CriterionMark, Marking
from jupyter_sysdesign.curriculum import workspace as workspaces
from jupyter_sysdesign.curriculum.answers import AnswersFile
from jupyter_sysdesign.curriculum.catalogue import Catalogue
from jupyter_sysdesign.curriculum.formula import Formula
from jupyter_sysdesign.curriculum.question import Reflect
from jupyter_sysdesign.errors import InvalidRequestError, UnavailableError
from jupyter_sysdesign.grading.measuring import Recorded
from jupyter_sysdesign.grading.questions import answer, decide

if TYPE_CHECKING:
    from pathlib import Path

CLAIMING = [each for each in ANSWERS if each.question.claims]


@pytest.mark.parametrize("given", CLAIMING, ids=str)
def test_only_wrong_claims_fail(given: Labelled):
    found = decide(given.question, given.value, Recorded())
    wrong = given.label == "wrong-claim"
    assert (found.correct, found.score) == ((False, 0.0) if wrong else (None, None))


def test_raft_does_not_stand_liars_and_the_feedback_says_why():
    fluent = next(
        each
        for each in ANSWERS
        if each.question.id == "nine-sites" and each.claims["behaviour"] == "lies"
    )
    found = decide(fluent.question, fluent.value, Recorded())
    assert found.correct is False
    assert "Raft does not survive **Byzantine** failures" in found.feedback
    assert "2 of 9" in found.feedback
    assert "10 sites" in found.feedback


@pytest.mark.parametrize(
    ("algorithm", "behaviour", "failures", "holds"),
    [
        ("raft", "stops", 3, True),
        ("raft", "stops", 4, True),
        ("raft", "stops", 5, False),
        ("raft", "stops", 2, False),
        ("raft", "lies", 2, False),
        ("bft", "stops", 3, True),
        ("bft", "stops", 4, False),
        ("bft", "lies", 3, False),
        ("bft", "lies", 2, False),
    ],
)
def test_every_combination_of_claims(algorithm: str, behaviour: str, failures: int, holds: bool):
    good = next(each for each in ANSWERS if each.question.id == "nine-sites")
    claims = {"algorithm": algorithm, "behaviour": behaviour, "failures": failures}
    found = decide(good.question, {"text": good.text, "claims": claims}, Recorded())
    assert (found.correct is None) is holds


def test_room_for_lies_costs_sites_also_where_nobody_lies():
    good = next(each for each in ANSWERS if each.question.id == "nine-sites")
    claims = {"algorithm": "bft", "behaviour": "stops", "failures": 4}
    found = decide(good.question, {"text": good.text, "claims": claims}, Recorded())
    assert "each has 6 of 9" in found.feedback


@pytest.mark.parametrize(
    "value",
    [
        "only words " * 20,
        {"text": "only words of some length, one after the other, " * 5},
        {"text": "w" * 30_000, "claims": {"held": 45}},
        {"text": "different words that would be enough if only all of the fields were there now"},
        {"text": "as above", "claims": {"held": 45}, "more": 1},
        *(
            {"text": "ten words of text that are long enough to be read by us", "claims": claims}
            for claims in (None, [], {}, {"held": None}, {"held": "many"}, {"held": float("nan")},
                           {"held": 45, "other": 1}, {"other": 1})
        ),
    ],
)  # fmt: skip
def test_what_has_not_the_right_form_is_refused(value: object):
    asked = next(each for each in ANSWERS if each.question.id == "next-limit").question
    with pytest.raises(InvalidRequestError):
        decide(asked, value, Recorded())


def test_a_learner_sees_what_is_asked_and_no_more():
    asked = next(each for each in ANSWERS if each.question.id == "nine-sites").question
    public = asked.public()
    assert [each["id"] for each in public["claims"]] == ["algorithm", "behaviour", "failures"]
    assert [each["id"] for each in public["claims"][1]["options"]] == ["stops", "lies"]
    shown = str(public)
    hidden = [fact.holds for fact in asked.facts] + [asked.model_answer]
    hidden += [example for criterion in asked.rubric for example in criterion.examples]
    assert not [each for each in hidden if each in shown]


@pytest.mark.parametrize(
    ("text", "values", "holds"),
    [
        ("n >= 3 * f + 1", {"n": 10, "f": 3}, True),
        ("n >= 3 * f + 1", {"n": 9, "f": 3}, False),
        ("f <= (n - 1) // 2", {"n": 9, "f": 4.5}, False),
        ("kind == 'stops' and not f > 4", {"kind": "stops", "f": 4}, True),
        ("1 / f > 0", {"f": 0}, False),
        ("kind > 3", {"kind": "stops"}, False),
        ("2 if a < b else 0", {"a": 1, "b": 2}, True),
    ],
)
def test_formulas(text: str, values: dict[str, float | str], holds: bool):
    assert Formula(text).holds(values) is holds


@pytest.mark.parametrize(
    "text",
    ["", "f(1)", "n.real", "n[0]", "a = 1", "lambda: 1", "[1]", "2 ** 9 ** 9", "f'{n}'", "n; n",
     "__import__('os')", "(", "1 +", "b'x' == n", "None", "(n := 1)", "(" * 500],
)  # fmt: skip
def test_a_formula_does_nothing_but_compute(text: str):
    with pytest.raises(ValueError, match=r"formula|more in it"):
        Formula(text)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"claims": []}, "not claimed"),
        ({"facts": []}, "no fact is about"),
        ({"facts": [{"holds": "x == 'red'", "why": "?"}]}, "no option"),
        ({"claims": [{"id": "x", "text": "?", "options": [{"id": "a", "text": "A"}]}]}, "none"),
        ({"claims": [{"id": "x", "text": "?"}] * 2}, "share the id"),
    ],
)
def test_a_claim_without_a_fact_is_a_mistake_of_the_author(changes: dict[str, object], said: str):
    whole = {
        "kind": "reflect", "id": "q", "step": "reflect", "prompt": "?", "model_answer": "!",
        "rubric": [{"id": "r", "text": "It says so."}], "claims": [{"id": "x", "text": "?"}],
        "facts": [{"holds": "x > 1", "why": "?"}],
    }  # fmt: skip
    Reflect.model_validate(whole)
    with pytest.raises(ValidationError, match=said):
        Reflect.model_validate({**whole, **changes})


def test_prose_alone_never_passes_nor_fails(curriculum: Path, tmp_path: Path):
    tiny = Catalogue([curriculum]).lesson("tiny")
    for at, given in enumerate(ANSWERS):
        file = AnswersFile(workspaces.create(tiny, tmp_path / str(at)).folder)
        asked = given.question.model_copy(update={"step": "symptoms"})
        lesson = replace(tiny, file=tiny.file.model_copy(update={"questions": (asked,)}))
        for points, found in ((0.0, "no"), (1.0, "yes")):
            mark = CriterionMark(id="x", text="X", found=found, max_points=1, points=points)
            marking = Marking(by="somebody", points=points, max_points=1, criteria=[mark])
            kept = answer(lesson, file, asked.id, given.value, mark=lambda *_, m=marking: m)
            wrong = given.label == "wrong-claim"
            assert (kept.correct, kept.score) == ((False, 0.0) if wrong else (None, None))
            assert file.answers()[asked.id].marking == kept.marking
            assert kept.marking is not None
            assert kept.marking.criteria == [mark]
            assert len(kept.marking.facts) == len(asked.facts)


def test_where_nothing_can_look_the_answer_is_kept_and_says_so(curriculum: Path, tmp_path: Path):
    def mark(*_: object) -> Marking:
        raise UnavailableError("The sentence model is not installed", hint="Install it.")

    tiny = Catalogue([curriculum]).lesson("tiny")
    given = next(each for each in ANSWERS if each.question.id == "nine-sites")
    asked = given.question.model_copy(update={"step": "symptoms"})
    lesson = replace(tiny, file=tiny.file.model_copy(update={"questions": (asked,)}))
    file = AnswersFile(workspaces.create(tiny, tmp_path / "mine").folder)
    kept = answer(lesson, file, asked.id, given.value, mark=mark)
    assert kept.value == given.value
    assert "What you stated holds" in kept.feedback
    assert "The sentence model is not installed. Install it." in kept.feedback

"""A model's opinion is limited in code, whatever it says and whoever talked it into that."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from grading.rubric.conftest import ANSWERS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic_ai.messages import ModelResponse, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from jupyter_sysdesign.errors import UnavailableError
from jupyter_sysdesign.grading.measuring import Recorded
from jupyter_sysdesign.grading.questions import decide
from jupyter_sysdesign.grading.rubric.language_model import LanguageModel
from jupyter_sysdesign.grading.rubric.marker import reconcile

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.grading.rubric.sentences import Sentences

GOOD = next(each for each in ANSWERS if each.question.id == "nine-sites" and each.label == "good")
INJECTED = [each for each in ANSWERS if each.label == "injected"]


def model(
    says: Callable[[dict[str, Any]], dict[str, Any]], asked: list[Any] | None = None
) -> LanguageModel:
    """Return a marker whose model says what ``says`` returns for the document it gets."""

    def function(messages: list[Any], info: AgentInfo) -> ModelResponse:
        part = next(each for each in messages[0].parts if each.part_kind == "user-prompt")
        if asked is not None:
            asked.append(part.content)
        (tool,) = info.output_tools
        return ModelResponse(parts=[ToolCallPart(tool.name, says(json.loads(part.content)))])

    return LanguageModel(FunctionModel(function))


def first_words(document: dict[str, Any]) -> str:
    return " ".join(document["learners_answer"].split()[:6])


def gullible(document: dict[str, Any]) -> dict[str, Any]:
    """Do whatever the answer asks for: all points, and its own words as the evidence."""
    return {"points": 100, "quotes": [document["learners_answer"]], "why": "As you say."}


def test_each_criterion_is_a_call_of_its_own_and_the_sum_is_ours():
    asked: list[Any] = []
    fair = model(lambda each: {"points": 0.75, "quotes": [first_words(each)], "why": "So."}, asked)
    marking = fair.mark(GOOD.question, GOOD.text)
    assert len(asked) == len(GOOD.question.rubric)
    assert marking.points == 0.75 * 3
    assert marking.max_points == 4
    assert [each.found for each in marking.criteria] == ["perhaps", "yes", "yes"]
    assert not marking.for_a_person
    assert all(GOOD.text in json.loads(each)["learners_answer"] for each in asked)


@pytest.mark.parametrize("answer", INJECTED, ids=str)
def test_an_answer_that_talks_the_model_into_it_gains_nothing(answer, sentences: Sentences):
    opinion = model(gullible).mark(answer.question, answer.text)
    marking = reconcile(opinion, sentences.mark(answer.question, answer.text))
    assert marking.points == 0
    assert marking.for_a_person
    assert decide(answer.question, answer.value, Recorded()).correct is not True


def test_quotes_that_the_learner_never_wrote_earn_nothing():
    for quotes in ([], ["Paxos was invented by Leslie Lamport"], ["Raft is"], [""], ["  "]):
        marking = model(lambda _, q=quotes: {"points": 1, "quotes": q}).mark(
            GOOD.question, GOOD.text
        )
        assert marking.points == 0
        assert marking.for_a_person


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    points=st.floats(allow_nan=False, allow_infinity=False) | st.integers(-10, 10),
    quotes=st.lists(st.sampled_from([GOOD.text[:40], "never said anywhere", "x"]), max_size=4),
    why=st.text(max_size=500),
)
def test_points_stay_within_their_bounds(points: float, quotes: list[str], why: str):
    marking = model(lambda _: {"points": points, "quotes": quotes, "why": why}).mark(
        GOOD.question, GOOD.text
    )
    assert marking.points is not None
    assert 0 <= marking.points <= marking.max_points == 4
    assert all(0 <= each.points <= each.max_points for each in marking.criteria)
    assert marking.points == 0 or GOOD.text[:40] in quotes


def test_where_the_two_disagree_a_person_decides(sentences: Sentences):
    beside = sentences.mark(GOOD.question, GOOD.text)
    assert beside.criteria[1].found == "yes"
    stern = model(lambda _: {"points": 0, "quotes": []}).mark(GOOD.question, GOOD.text)
    assert any("does not find this" in each for each in reconcile(stern, beside).for_a_person)
    bad = next(each for each in ANSWERS if each.question.id == "nine-sites" and each.label == "bad")
    kind = model(lambda each: {"points": 9, "quotes": [first_words(each)]}).mark(
        bad.question, bad.text
    )
    found = reconcile(kind, sentences.mark(bad.question, bad.text))
    assert any("finds this" in each for each in found.for_a_person)
    alone = reconcile(kind, None)
    assert any("Nothing but a language model" in each for each in alone.for_a_person)


def test_a_model_that_fails_leaves_it_to_a_person():
    def broken(_: dict[str, Any]) -> dict[str, Any]:
        raise RuntimeError("no connection")

    marking = model(broken).mark(GOOD.question, GOOD.text)
    assert marking.points is None
    assert {each.found for each in marking.criteria} == {"not_looked"}
    assert marking.for_a_person


def test_output_of_another_form_leaves_it_to_a_person():
    marking = model(lambda _: {"verdict": "passed"}).mark(GOOD.question, GOOD.text)
    assert marking.points is None
    assert marking.for_a_person


def test_a_model_that_is_none_is_said():
    with pytest.raises(UnavailableError) as caught:
        LanguageModel("nobody:nothing")
    assert "SYSDESIGN_RUBRIC_MODEL" in caught.value.hint

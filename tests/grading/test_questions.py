from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from jupyter_sysdesign.control.models import EndpointStats, MetricSeries, Run, RunSummary
from jupyter_sysdesign.curriculum import progress
from jupyter_sysdesign.curriculum import workspace as workspaces
from jupyter_sysdesign.curriculum.answers import AnswersFile
from jupyter_sysdesign.curriculum.catalogue import Catalogue, Lesson
from jupyter_sysdesign.curriculum.question import Question, Sealed
from jupyter_sysdesign.errors import ConflictError, InvalidRequestError, NotFoundError
from jupyter_sysdesign.grading.measuring import Recorded
from jupyter_sysdesign.grading.questions import answer, decide, settle

if TYPE_CHECKING:
    from pathlib import Path

NOTHING = Recorded()
QUESTION: TypeAdapter[Question] = TypeAdapter(Question)

P95 = {"run": {"profile": "browse", "field": "endpoints.category.p95_ms"}}
KINDS: dict[str, dict[str, Any]] = {
    "factor": {"kind": "predict", "actual": P95, "unit": "ms"},
    "share": {"kind": "predict", "actual": P95, "unit": "ms", "scale": "relative"},
    "interval": {"kind": "predict", "actual": P95, "unit": "ms", "scale": "interval"},
    "observe": {"kind": "observe", "actual": P95, "unit": "ms", "tolerance": 0.1},
    "choice": {
        "kind": "comprehend",
        "options": [
            {"id": "a", "text": "A", "correct": True},
            {"id": "b", "text": "B", "feedback": "B is not it."},
        ],
    },
    "choices": {
        "kind": "comprehend",
        "form": "choices",
        "options": [{"id": each, "text": each, "correct": each in "ab"} for each in "abcd"],
    },
    "number": {
        "kind": "comprehend",
        "form": "number",
        "answer": 300_000,
        "tolerance": 0.01,
        "unit": "rows",
        "mistakes": [{"answer": 500_000, "feedback": "Those are the orders."}],
    },
    "text": {
        "kind": "comprehend",
        "form": "text",
        "accepted": ["sequential scan", "seq scan"],
        "mistakes": [{"answer": "index scan", "feedback": "Look again."}],
    },
    "tradeoff": {
        "kind": "tradeoff",
        "min_words": 3,
        "options": [
            {"id": "index", "text": "I", "score": 1, "comment": "Yes."},
            {"id": "cache", "text": "C", "score": 0.4, "comment": "Goes stale."},
        ],
    },
    "evidence": {
        "kind": "evidence",
        "claim": "It scans.",
        "exhibits": [
            {"id": "plan", "source": "plan", "text": "Seq Scan", "proves": True, "comment": "So."},
            {"id": "log", "source": "log", "text": "GET", "comment": "Says nothing."},
        ],
    },
    "evidence-two": {
        "kind": "evidence",
        "claim": "It scans.",
        "exhibits": [
            {"id": each, "source": "log", "text": each, "proves": each in "ab"} for each in "abc"
        ],
    },
    "reflect": {
        "kind": "reflect",
        "min_words": 2,
        "model_answer": "M",
        "rubric": [{"id": "x", "text": "Names the cost."}],
    },
}


def question(name: str, **changes: Any) -> Question:
    common = {"id": name, "step": "diagnose", "prompt": "?"}
    return QUESTION.validate_python({**common, **KINDS[name], **changes})


def run(
    p95_ms: float, *, at: float = 100.0, profile: str = "browse", name: str = "", **more: Any
) -> Run:
    summary = RunSummary(
        duration_s=10, requests=100, ok=90, rps=10, errors={"timeout": 10}, p50_ms=1, p95_ms=p95_ms,
        p99_ms=1, max_ms=1, endpoints={"category": EndpointStats(requests=100, p95_ms=p95_ms)},
        lag_p99_ms=0, generator_cpu=0, generator_limited=False,
    )  # fmt: skip
    found = {"state": "done", "summary": summary, **more}
    return Run(id=name or f"r{at}", profile=profile, seed=1, started_at=at, **found)


@pytest.mark.parametrize(
    ("said", "score"),
    [(1000, 1), (1250, 1), (800, 1), (2000, 0.75), (501, 0.75), (4999, 0.5), (101, 0.25), (99, 0)],
)
def test_a_prediction_is_scored_by_its_factor(said: float, score: float):
    decision = decide(question("factor"), said, Recorded([run(1000)]))
    assert decision.score == score
    assert decision.correct is None


def test_below_the_floor_all_values_are_alike():
    found = decide(question("factor", floor=5), 1, Recorded([run(4)]))
    assert found.score == 1
    assert decide(question("factor", floor=5), 1, Recorded([run(0)])).score == 1


@pytest.mark.parametrize(("said", "score"), [(109, 1), (80, 0.75), (150, 0.5), (0, 0.25), (300, 0)])
def test_a_prediction_is_scored_by_its_share(said: float, score: float):
    assert decide(question("share"), said, Recorded([run(100)])).score == score


@pytest.mark.parametrize(
    ("low", "high", "score"),
    [(80, 120, 1), (50, 200, 0.75), (1, 10_000, 0.25), (110, 120, 0.25), (500, 900, 0)],
)
def test_an_interval_is_best_narrow_and_right(low: float, high: float, score: float):
    found = decide(question("interval"), {"low": low, "high": high}, Recorded([run(100)]))
    assert found.score == score


def test_a_prediction_waits_for_a_run_that_comes_after_it():
    early = Recorded([run(1000, at=50)])
    waiting = decide(question("factor"), 900, early, since=60)
    assert waiting.pending
    assert waiting.score is None
    assert "browse" in waiting.feedback
    late = Recorded([run(1000, at=50), run(900, at=70)])
    assert decide(question("factor"), 900, late, since=60).score == 1


def test_an_observation_is_compared_with_ones_own_run():
    recorded = Recorded(
        [run(5, at=1), run(100, at=2), run(7, at=3, profile="other"), run(3, at=4, state="stopped")]
    )
    assert decide(question("observe"), "105 ms", recorded).correct is True
    assert decide(question("observe"), "0.105 s", recorded).correct is True
    wrong = decide(question("observe"), 150, recorded)
    assert (wrong.correct, wrong.score) == (False, 0)
    assert "100" not in wrong.feedback
    kind = decide(question("observe"), 105, NOTHING)
    assert kind.pending
    assert "Run the load `browse` first" in kind.feedback


@pytest.mark.parametrize(
    ("field", "expected"),
    [("error_share", 0.1), ("errors.timeout", 10), ("errors.refused", 0), ("rps", 10), ("ok", 90)],
)
def test_fields_of_a_run(field: str, expected: float):
    asked = question("observe", actual={"run": {"profile": "browse", "field": field}})
    assert decide(asked, expected, Recorded([run(1)])).correct is True


def test_a_metric_is_taken_from_the_time_of_the_run():
    series = MetricSeries(
        ts=[99, 100, 105, 111, 112], values={"db.seq_scans_per_s": [900, 3, None, 7, 800]}
    )
    asked = question(
        "observe", tolerance=0, actual={"metric": "db.seq_scans_per_s", "reduce": "max"}
    )
    bare = run(1, at=100, name="r")
    full = bare.model_copy(update={"metrics": series})
    for recorded in (Recorded([full]), Recorded([bare], lambda _: full)):
        assert decide(asked, 7, recorded).correct is True
    for recorded in (Recorded([bare]), NOTHING):
        assert decide(asked, 7, recorded).pending


def test_a_ratio_needs_a_run_before_and_one_after():
    sides = ({"which": "first"}, {"which": "last"})
    of, to = ({"run": {"profile": "browse", "field": "p95_ms", **each}} for each in sides)
    asked = question("factor", actual={"ratio": {"of": of, "to": to}})
    before, after = run(1000, at=1), run(50, at=9)
    assert decide(asked, 20, Recorded([before]), since=5).pending
    assert decide(asked, 20, Recorded([before])).pending
    assert decide(asked, 20, Recorded([before, after]), since=5).score == 1
    assert decide(asked, 20, Recorded([before, run(0, at=9)]), since=5).pending


def test_ones_own_favourite_is_not_somebody_elses():
    asked = question(
        "observe", tolerance=0, unit="", actual={"hot": {"profile": "browse", "parameter": "user"}}
    )
    mine, theirs = (lambda *_: 4711), (lambda *_: 4712)
    assert decide(asked, 4711, Recorded([run(1)], favourite=mine)).correct is True
    copied = decide(asked, 4711, Recorded([run(1)], favourite=theirs))
    assert (copied.correct, copied.score) == (False, 0)
    assert "4712" not in copied.feedback
    assert decide(asked, 4711, Recorded(favourite=mine)).pending  # nothing has been seen yet
    assert decide(asked, 4711, Recorded([run(1)])).pending


DECIDED = [
    ("choice", "a", True, 1, "Right."),
    ("choice", ["a"], True, 1, "Right."),
    ("choice", "b", False, 0, "B is not it."),
    ("choices", ["b", "a"], True, 1, "Right."),
    ("choices", ["a"], False, 0.5, "1 more"),
    ("choices", ["a", "c"], False, 0, "Not quite."),
    ("choices", ["a", "b", "c", "d"], False, 0, ""),
    ("number", "300,000", True, 1, "Right."),
    ("number", "302 000 rows", True, 1, "Right."),
    ("number", 3.1e5, False, 0, "Not quite."),
    ("number", 500000, False, 0, "Those are the orders."),
    ("text", "A Seq-Scan!", True, 1, "Right."),
    ("text", " the  SEQUENTIAL   scan ", True, 1, "Right."),
    ("text", "Index Scan", False, 0, "Look again."),
    ("text", "not a sequential scan", False, 0, "Not quite."),
    ("tradeoff", {"choice": "index", "because": "reads stay cheap"}, True, 1, "Yes."),
    ("tradeoff", {"choice": "cache", "because": "it is quick"}, False, 0.4, "Goes stale."),
    ("evidence", "plan", True, 1, "So."),
    ("evidence", "log", False, 0, "Says nothing."),
    ("evidence-two", ["a", "b"], True, 1, "Right."),
    ("evidence-two", ["a"], False, 0.5, "1 more"),
    ("reflect", "it costs writes", None, None, "Names the cost."),
]
MALFORMED = [
    *itertools.product(KINDS, [None, "", [], {}, True, [[]], "x" * 30_000, {"a": 1}]),
    *itertools.product(["factor", "observe", "number"], ["ten", "5 apples", "nan", "1e999"]),
    *itertools.product(["factor", "number"], ["0,125", "-0,125", "0 125", "00_125", "1,2000"]),
    *itertools.product(["factor", "observe"], [float("inf"), float("nan"), 10**400]),
    *itertools.product(["choice", "choices", "evidence"], ["z", ["a", "z"], 1]),
    ("interval", {"low": 5, "high": 1}),
    ("interval", {"low": 5}),
    ("tradeoff", {"choice": "index", "because": "so"}),
    ("tradeoff", {"choice": "index", "because": "so so so so so"}),
    ("tradeoff", {"choice": "index"}),
    ("tradeoff", {"choice": "x", "because": "a good long reason"}),
    ("reflect", "short"),
    ("reflect", "it costs writes \ud800"),
    ("text", "seq scan\ud800"),
    ("tradeoff", {"choice": "index", "because": "reads stay cheap \ud800"}),
    ("choices", ["a"] * 1000),
]


@pytest.mark.parametrize(("name", "value", "correct", "score", "feedback"), DECIDED)
def test_decided_by_rule(name: str, value: Any, correct: Any, score: Any, feedback: str):
    found = decide(question(name), value, NOTHING)
    assert (found.correct, found.score) == (correct, score)
    assert feedback in found.feedback


@pytest.mark.parametrize(("name", "value"), MALFORMED)
def test_what_has_not_the_right_form_is_refused(name: str, value: Any):
    with pytest.raises(InvalidRequestError):
        decide(question(name), value, NOTHING)


def sealed(name: str) -> Sealed:
    whole = question(name)
    common = whole.model_dump(include={"id", "step", "prompt"})
    return Sealed(**common, kind="sealed", asked=json.loads(json.dumps(whole.public())))


@pytest.mark.parametrize(("name", "value"), [each[:2] for each in DECIDED])
def test_a_sealed_question_decides_nothing(name: str, value: Any):
    found = decide(sealed(name), value, NOTHING)
    assert (found.correct, found.score, found.pending) == (None, None, False)


@pytest.mark.parametrize(("name", "value"), MALFORMED)
def test_a_sealed_question_asks_for_the_same_form(name: str, value: Any):
    with pytest.raises(InvalidRequestError):
        decide(sealed(name), value, NOTHING)


numbers = st.floats() | st.integers() | st.text(max_size=12)
ids = st.sampled_from(["a", "b", "c", "d", "plan", "log", "index", "cache"])
values = st.one_of(
    numbers,
    ids,
    st.lists(ids, max_size=5),
    st.fixed_dictionaries({"low": numbers, "high": numbers}),
    st.fixed_dictionaries({"choice": ids, "because": st.text(max_size=60)}),
)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(sorted(KINDS)),
    values,
    st.lists(st.floats(-1e300, 1e300), max_size=2),
)
def test_scores_are_never_below_nothing_nor_above_all(name: str, value: Any, measured: list[float]):
    recorded = Recorded([run(each, at=n) for n, each in enumerate(measured)])
    try:
        found = decide(question(name), value, recorded)
    except InvalidRequestError:
        return
    assert found.score is None or 0 <= found.score <= 1
    assert found.correct is None or (found.correct == (found.score == 1))


@pytest.fixture
def lesson(curriculum: Path, tmp_path: Path) -> Lesson:
    lesson = Catalogue([curriculum]).lesson("tiny")
    asked = [
        question("factor", step="symptoms", model_answer="About a second."),
        question("observe", step="symptoms"),
        question("choice", step="understand", model_answer="A, because."),
        question("text", step="understand"),
        question("reflect", step="reflect"),
    ]
    file = lesson.file.model_copy(update={"questions": tuple(asked)})
    workspaces.create(lesson, tmp_path / "mine")
    return Lesson(lesson.id, file, lesson.environment, lesson.notebooks)


@pytest.fixture
def file(lesson: Lesson, tmp_path: Path) -> AnswersFile:
    return AnswersFile(tmp_path / "mine")


def test_a_step_opens_when_the_one_before_is_answered_or_skipped(lesson: Lesson, file: AnswersFile):
    with pytest.raises(ConflictError) as caught:
        answer(lesson, file, "choice", "a")
    assert "factor, observe" in caught.value.hint
    answer(lesson, file, "factor", 900)
    skipped = answer(lesson, file, "observe", skip=True)
    assert skipped.skipped
    assert skipped.model_answer is None
    assert answer(lesson, file, "choice", "a").model_answer == "A, because."
    assert progress.open_steps(lesson, file.answers())[-1] == "understand"
    with pytest.raises(NotFoundError):
        answer(lesson, file, "nothing", 1)


def test_a_refused_answer_changes_nothing(lesson: Lesson, file: AnswersFile):
    answer(lesson, file, "factor", 900)
    before = file.path.read_bytes()
    for question_id, value in (("observe", "many"), ("choice", "a"), ("observe", None)):
        with pytest.raises((InvalidRequestError, ConflictError)):
            answer(lesson, file, question_id, value)
    assert file.path.read_bytes() == before


def test_a_prediction_counts_only_before(lesson: Lesson, file: AnswersFile):
    answer(lesson, file, "factor", 100, now=10)
    guessed = answer(lesson, file, "factor", 900, now=20)
    assert guessed.model_answer is None, "the model answer would give away what the run shows"
    assert settle(lesson, file, Recorded([run(1000, at=15)])) == {}
    settled = settle(lesson, file, Recorded([run(1000, at=15), run(1000, at=30)]))
    assert settled["factor"].score == 1
    assert settled["factor"].model_answer == "About a second."
    with pytest.raises(ConflictError, match="only before"):
        answer(lesson, file, "factor", 1000, now=40)
    again = answer(lesson, file, "factor", 900, now=50)
    assert (again.score, again.answered_at, again.attempts) == (1, 20, 2)
    assert settle(lesson, file, Recorded([run(1, at=60)])) == {}


def test_an_answer_that_fits_no_more_holds_up_no_other(lesson: Lesson, file: AnswersFile):
    answer(lesson, file, "factor", 900, now=20)
    document = json.loads(file.path.read_text())
    odd = {"value": "ten", "answered_at": 1}
    document["answers"] = {"observe": odd, **document["answers"]}
    file.path.write_text(json.dumps(document))
    settled = settle(lesson, file, Recorded([run(1000, at=30)]))
    assert {name: each.score for name, each in settled.items()} == {"factor": 1}


def test_running_a_cell_again_loses_nothing(lesson: Lesson, file: AnswersFile):
    for each in ("factor", "observe"):
        answer(lesson, file, each, skip=True)
    first = answer(lesson, file, "choice", "b")
    second = answer(lesson, file, "choice", "a")
    assert (first.score, second.score) == (0, 1)
    assert (second.attempts, second.first_score) == (2, 0)
    assert answer(lesson, file, "choice", skip=True) == second
    assert answer(lesson, file, "factor", 5).skipped is False


def test_an_observation_that_was_right_stays_right(lesson: Lesson, file: AnswersFile):
    before = Recorded([run(850, at=1)])
    right = answer(lesson, file, "observe", "850 ms", recorded=before)
    assert right.correct is True
    faster = Recorded([run(850, at=1), run(20, at=9)])
    assert answer(lesson, file, "observe", "850 ms", recorded=faster) == right
    assert answer(lesson, file, "observe", "800 ms", recorded=faster).correct is False
    assert answer(lesson, file, "observe", "800 ms", recorded=before).correct is True


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.permutations(["choice", "text"]), st.permutations(["factor", "observe"]))
def test_the_order_of_answering_changes_nothing(
    lesson: Lesson, file: AnswersFile, later: list[str], sooner: list[str]
):
    file.path.unlink(missing_ok=True)
    values = {"choice": "b", "text": "seq scan", "factor": 900, "observe": 100}
    recorded = Recorded([run(100, at=1)])
    for each in (*sooner, *later):
        answer(lesson, file, each, values[each], recorded=recorded, now=5)
    settle(lesson, file, Recorded([run(100, at=1), run(1000, at=9)]))
    found = {name: (each.correct, each.score) for name, each in file.answers().items()}
    assert found == {
        "choice": (False, 0), "text": (True, 1), "factor": (None, 1), "observe": (True, 1)
    }  # fmt: skip

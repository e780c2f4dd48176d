"""What counts after grading again, which seed a submission gets, what a learner is told."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_sysdesign.control.models import Answer, CheckResult, Status, Verdict
from jupyter_sysdesign.curriculum.catalogue import Catalogue
from jupyter_sysdesign.errors import ConflictError, InvalidFileError, InvalidRequestError
from jupyter_sysdesign.grading import verdict as verdicts
from jupyter_sysdesign.grading.course import course as courses
from jupyter_sysdesign.grading.course import likeness, marks, orders, results, source, students
from jupyter_sysdesign.grading.loading import load_checks

QUESTIONS = Catalogue().lesson("t1-02-indexes").file.questions
STATUSES = st.sampled_from(list(Status))


def _check(name: str, status: Status, points: float, why: str = "because") -> CheckResult:
    return CheckResult(
        id=name, title=name, kind="slo", status=status, measured="1", required="2", why=why,
        points=points, max_points=10, evidence={"hidden": 42},
    )  # fmt: skip


@st.composite
def _result(draw, digest=None):
    checks = []
    for name in ("a", "b", "c"):
        status = draw(STATUSES)
        points = {Status.PASSED: 10.0, Status.UNKNOWN: 0.0}.get(status, draw(st.floats(0, 9)))
        checks.append(_check(name, status, points))
    return results.Result(
        student="ann",
        assignment="tiny",
        digest=digest or draw(st.sampled_from(["x", "y"])),
        verdict=verdicts.combine("tiny", checks, seed=1, started_at=time.time()),
        isolation="namespaces",
    )


@settings(deadline=None)
@given(_result("x"), _result("x"))
def test_grading_the_same_files_again_takes_nothing_away(known, fresh):
    now = results.merged(known, fresh)
    for before, again, after in zip(
        known.verdict.checks, fresh.verdict.checks, now.verdict.checks, strict=True
    ):
        assert after.points == max(before.points, again.points)
        assert 0 <= after.points <= after.max_points
        if Status.UNKNOWN not in (before.status, again.status):
            assert after.status is not Status.UNKNOWN
    assert now.verdict.points <= now.verdict.max_points


@settings(deadline=None)
@given(_result("x"), _result("x"))
def test_the_order_of_grading_changes_no_points(one, other):
    assert results.merged(one, other).verdict.points == results.merged(other, one).verdict.points


@settings(deadline=None)
@given(_result("x"), _result("y"))
def test_of_other_files_the_last_count(known, fresh):
    assert results.merged(known, fresh) == fresh


def _order(student: str, files: dict[str, bytes], **more) -> orders.Order:
    return orders.Order(
        student=student, lesson="tiny", files=files, digest=orders.digest_of(files), seed=1, **more
    )


def _verdict(status: Status, points: float) -> Verdict:
    return verdicts.combine("tiny", [_check("a", status, points)], seed=1, started_at=time.time())


@pytest.fixture
def course(tmp_path):
    return courses.Course(tmp_path, "c", tmp_path / "exchange", ("tiny",))


def test_whatever_a_student_is_called_the_result_is_kept(course):
    who = ["ann", "o'neil@example.org", "jane+lab", "Zoë Ono", "50%", "..", "a/b", "[b]", ".x"]
    for student in who:
        results.keep(course, _order(student, {}), _verdict(Status.PASSED, 10), "namespaces")
    assert {each.student for each in results.every(course, "tiny")} == set(who)
    assert [results.load(course, "tiny", each).student for each in who] == who
    assert len([*course.own("results", "tiny").iterdir()]) == len(who)
    assert (course.own("results", "tiny") / "ann.json").exists()


def test_what_cannot_be_read_takes_nothing_away(course):
    unreadable = _order("ann", {}, unreadable="app cannot be read: Input/output error.")
    undecided = _verdict(Status.UNKNOWN, 0)
    assert results.keep(course, unreadable, undecided, "docker").verdict == undecided
    fine = _order("ann", {"app/server.py": b"mine"})
    rejected = _order("ann", {}, rejected="There are more than 200 files.")
    for known, status, points in ((fine, Status.PASSED, 10), (rejected, Status.FAILED, 0)):
        before = results.keep(course, known, _verdict(status, points), "docker")
        assert before.verdict.points == points
        for _ in range(2):
            assert results.keep(course, unreadable, undecided, "docker") == before
            assert results.load(course, "tiny", "ann") == before


@settings(deadline=None)
@given(
    st.dictionaries(st.text(max_size=20), st.binary(max_size=50), max_size=5),
    st.binary(min_size=32, max_size=32),
)
def test_a_seed_follows_from_the_files_and_the_key(files, key):
    digest = orders.digest_of(files)
    assert orders.digest_of(dict(reversed(list(files.items())))) == digest
    seed = orders.seed_of(key, "tiny", digest)
    assert 0 <= seed < 2**63
    assert seed == orders.seed_of(key, "tiny", digest)
    assert seed != orders.seed_of(key, "tiny-full", digest)
    assert seed != orders.seed_of(key[::-1] + b"x", "tiny", digest)
    assert orders.digest_of({**files, "one more": b""}) != digest


def test_an_order_survives_the_way_to_another_machine():
    order = orders.Order(
        student="ann", lesson="tiny", files={"a": b"\xff\x00"}, digest="d", seed=2**62
    )
    assert orders.Order.model_validate_json(order.model_dump_json()) == order


def test_a_learner_is_not_told_what_was_hidden():
    why = "GET /users/4711/feed?token=9 answered 500. The log says: ValueError: 'secret-4711'"
    mark = marks.of_check(_check("a", Status.FAILED, 0, why))
    assert "GET /users/…/feed answered 500" in mark.comment
    for hidden in ("4711", "token", "secret", "42"):
        assert hidden not in mark.comment
    script = marks.of_check(_check("a", Status.FAILED, 0, "it said <script>alert(1)</script>"))
    assert "<script" not in script.comment
    unknown = marks.of_check(_check("a", Status.UNKNOWN, 0))
    assert unknown.points is None
    assert unknown.confirm


ENDED = "The service (app) does not run with your app/server.py: ended with code 3."
ODD = "Your system answers something else than the system it began as (ValueError"


@pytest.mark.parametrize(
    ("why", "told"),
    [
        (f"{ENDED} The log says: secret", ENDED),
        ("GET /items got no answer: illegal status line: b'secret'.", "GET /items got no answer."),
        (f"{ODD}: could not convert string to float: 'secret\n(secret)').", f"{ODD})."),
    ],
)
def test_a_learner_is_not_told_what_their_own_program_said(why, told):
    assert marks.of_check(_check("a", Status.FAILED, 0, why)).comment.endswith(told)
    assert "secret" not in marks.of_check(_check("a", Status.UNKNOWN, 0, why)).comment


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_no_answer_breaks_the_marks_or_earns_more_than_there_is(value):
    for question in QUESTIONS:
        stored = Answer(value=value, answered_at=0, score=1.0, correct=True)
        mark = marks._of_answer(question, stored)
        assert mark.points is None or 0 <= mark.points <= question.points


def test_every_lesson_makes_a_notebook_whose_points_are_the_lessons():
    for lesson in Catalogue().lessons():
        checks = load_checks(lesson)
        cells = json.loads(source.made(lesson, checks))["cells"]
        counted = {
            each["metadata"]["nbgrader"]["grade_id"]: each["metadata"]["nbgrader"]["points"]
            for each in cells
            if "nbgrader" in each["metadata"]
        }
        assert len({each["id"] for each in cells}) == len(cells)
        assert counted == {
            **{f"question-{each.id}": each.points for each in lesson.file.questions},
            **{f"check-{each.id}": each.points for each in checks},
        }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name\nann\n", "no column `id`"),
        ("id;name\nann;Ann\n", "no column `id`"),
        ("id\nann\nann\n", "students.csv:3: ann stands there twice"),
        ("id,colour\nann,red\n", "students.csv:1: the column `colour` is not known"),
        ("id\n../etc\n", "students.csv:2: id: an id has"),
        ("id\nann,extra,words\n", "students.csv:2"),
        ("id\n\udcff\n", "students.csv:2: not UTF-8"),
    ],
)
def test_a_wrong_list_of_students_is_told_with_its_line(tmp_path, text, said):
    path = tmp_path / "students.csv"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InvalidFileError, match=said.replace("`", ".")) as caught:
        students.read(path)
    if "column" in said:
        assert "id,first_name,last_name,email,lms_user_id" in caught.value.hint


def test_a_course_is_made_whole_or_not_at_all(tmp_path, curriculum, home):
    lesson = Catalogue().lesson("tiny")
    with pytest.raises(InvalidRequestError):
        courses.init(tmp_path / "c", [lesson], course_id="no spaces, please")
    with pytest.raises(InvalidRequestError):
        courses.init(tmp_path / "c", [lesson], exchange=tmp_path / "c" / "inside")
    with pytest.raises(InvalidRequestError):
        courses.init(tmp_path / "c", [])
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(ConflictError):
        courses.init(tmp_path / "full", [lesson])
    assert sorted(each.name for each in tmp_path.iterdir()) == ["full"]


def test_who_wrote_the_same_is_seen_and_what_all_were_given_is_not():
    given = "\n".join(f"line_{n} = {n}" for n in range(100)).encode()
    own = "\n".join(f"def work_{n}(x):\n    return x * {n} + 1" for n in range(12)).encode()
    disguised = own.replace(b"    return", b"        # mine\n        return")
    other = "\n".join(f"value_{n} = read('{n}')[{n}]" for n in range(40)).encode()
    pairs = likeness.pairs(
        {
            "ann": {"app.py": given + b"\n" + own},
            "ben": {"app.py": given + b"\n" + disguised},
            "cat": {"app.py": given + b"\n" + other},
            "dan": {"app.py": given},
            "eve": {"app.py": given},
        },
        {"app.py": given},
    )
    assert [(each.first, each.second) for each in pairs] == [("ann", "ben")]
    assert not pairs[0].identical


def test_of_a_submission_without_end_the_beginning_is_compared():
    def endless(end: str) -> dict[str, bytes]:
        return {"app.py": f"{' '.join(f'x{n % 977}' for n in range(60_000))} {end}".encode()}

    (pair,) = likeness.pairs({"ann": endless("a"), "ben": endless("b")}, {})
    assert (pair.share, pair.tokens, pair.identical) == (1.0, 20_000, False)

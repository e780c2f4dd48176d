"""Histories: paired, validated, written and read back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_sysdesign.errors import InvalidFileError, InvalidRequestError
from jupyter_sysdesign.simulation.checkers import history as histories
from jupyter_sysdesign.simulation.checkers.history import History, Operation, Recording

if TYPE_CHECKING:
    from pathlib import Path


_DEEP = (
    '{"client": 1, "kind": "read", "invoked": 1, "status": "info", "key": '
    f"{'[' * 300}{']' * 300}}}"
)


def operation(**fields: Any) -> Operation:
    usual = {
        "client": 1,
        "kind": "write",
        "key": "x",
        "value": 1,
        "result": None,
        "invoked": 1,
        "returned": 2,
        "status": "ok",
    }
    return Operation(**{**usual, **fields})


_scalars = st.none() | st.booleans() | st.integers() | st.sampled_from(["", "a", "ü\n", "\ud800"])
_values = st.recursive(_scalars, lambda inner: st.lists(inner, max_size=3), max_leaves=5)


@st.composite
def _histories(draw: st.DrawFn) -> History:
    recording, at = Recording(), 0
    waiting: set[Any] = set()
    for _ in range(draw(st.integers(0, 20))):
        at += draw(st.integers(0, 3))
        client = draw(st.sampled_from([1, 2, "three"]))
        if client in waiting:
            status = draw(st.sampled_from(["ok", "fail", "info"]))
            result = draw(_values) if status == "ok" else None
            recording.complete(client, status, result, at=at)
            waiting.remove(client)
        else:
            recording.invoke(
                client, draw(st.sampled_from(["read", "cas"])), draw(_values), draw(_values), at=at
            )
            waiting.add(client)
    return recording.history()


@given(_histories())
def test_what_was_written_is_read_back(history: History):
    assert histories.loads(histories.dumps(history)) == history


def test_a_file_is_read_back(tmp_path: Path):
    written = History([operation(value=[1, ["ü", None]]), operation(client="b", result="x\u2028y")])
    histories.write(written, tmp_path / "history.jsonl")
    assert histories.read(tmp_path / "history.jsonl") == written
    assert (tmp_path / "history.jsonl").read_text(encoding="utf-8").count("\n") == 2


def test_questions_and_answers_are_paired():
    recording = Recording()
    recording.invoke("a", "write", "x", 1, at=1)
    recording.invoke("b", "read", "x", at=2)
    recording.complete("b", "ok", 1, at=3)
    recording.complete("a", "fail", at=4)
    recording.invoke("b", "read", "x", at=5)
    first, second, third = recording.history()
    assert (first.client, first.status, first.invoked, first.returned) == ("a", "fail", 1, 4)
    assert (second.client, second.result, second.returned) == ("b", 1, 3)
    assert (third.status, third.returned) == ("info", None)


def test_a_client_waits_for_its_answer():
    recording = Recording()
    recording.invoke(1, "write", "x", 1, at=1)
    with pytest.raises(InvalidRequestError, match="its write was not answered"):
        recording.invoke(1, "read", "x", at=2)
    with pytest.raises(InvalidRequestError, match="asked for nothing"):
        recording.complete(2, "ok", at=2)
    with pytest.raises(InvalidRequestError, match="before it was invoked"):
        recording.complete(1, "ok", at=0)
    recording.complete(1, "ok", at=3)  # the wrong answer left nothing behind
    assert len(recording.history()) == 1


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"invoked": "now"}, "invoked is 'now', not an integer"),
        ({"invoked": True}, "not an integer"),
        ({"returned": 1.5}, "returned is 1.5"),
        ({"client": None}, "client is None"),
        ({"client": [1]}, "client is"),
        ({"kind": ""}, "kind is ''"),
        ({"status": "maybe"}, "not one of ok, fail, info"),
        ({"status": ["ok"]}, "not one of ok, fail, info"),
        ({"returned": None}, "it is ok but never returned"),
        ({"returned": 0}, "before it was invoked"),
        ({"status": "fail", "result": 3}, "it is fail but has a result"),
        ({"value": {"a": 1}}, "the value is {'a': 1}"),
        ({"key": [[{}]]}, "the key is {}"),
        ({"result": {1, 2}}, "the result is {1, 2}"),
        ({"value": float("nan")}, "the value is nan"),
    ],
)
def test_nonsense_is_refused_in_words(fields: dict[str, Any], said: str):
    with pytest.raises(InvalidRequestError) as caught:
        operation(**fields)
    assert said in caught.value.message


def test_two_things_at_once_are_refused():
    with pytest.raises(InvalidRequestError, match="two things at once"):
        History([operation(invoked=1, returned=5), operation(invoked=4, returned=6)])
    with pytest.raises(InvalidRequestError, match="never returned"):
        History(
            [operation(returned=None, status="info"), operation(invoked=4, returned=6)],
        )
    History([operation(invoked=1, returned=5), operation(invoked=5, returned=6)])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "not JSON"),
        ("[1]", "an operation is a JSON object"),
        ("[" * 100_000, "nested too deeply"),
        (_DEEP.replace("client", "colour"), "is not known"),
        (
            _DEEP,
            "too deep in lists",
        ),
        ('{"client": 1}', "the field 'kind' is missing"),
        ('{"client": 1, "colour": 1}', "the field 'colour' is not known"),
    ],
)
def test_a_wrong_line_is_named(line: str, said: str):
    right = histories.dumps([operation()])
    with pytest.raises(InvalidFileError) as caught:
        histories.loads(right + "\n" + line)
    assert caught.value.line == 3
    assert said in caught.value.message


def test_a_wrong_file_is_named(tmp_path: Path):
    with pytest.raises(InvalidFileError, match="No such file"):
        histories.read(tmp_path / "none.jsonl")
    (tmp_path / "latin.jsonl").write_bytes(b"\xff")
    with pytest.raises(InvalidFileError, match="not UTF-8"):
        histories.read(tmp_path / "latin.jsonl")
    twice = histories.dumps([operation(), operation()])
    with pytest.raises(InvalidFileError, match="two things at once"):
        histories.loads(twice)


def test_fields_that_are_null_may_be_left_out():
    line = json.dumps({"client": 1, "kind": "read", "invoked": 1, "status": "info"})
    assert next(iter(histories.loads(line))).returned is None


def test_an_operation_precedes_what_begins_after_its_end():
    first = operation(invoked=1, returned=5)
    assert first.precedes(operation(client=2, invoked=6, returned=7))
    assert not first.precedes(operation(client=2, invoked=5, returned=7))
    assert not first.precedes(operation(invoked=5, returned=7))
    assert not operation(status="info").precedes(operation(client=2, invoked=6, returned=7))
    assert not first.precedes(first)

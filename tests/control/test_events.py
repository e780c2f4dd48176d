from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_sysdesign.control.events import DROPPABLE, EventStream, TooSlowError
from jupyter_sysdesign.control.models import EventType
from jupyter_sysdesign.control.sequence import Sequence
from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.notebook.messages import Messages

if TYPE_CHECKING:
    from conftest import Control

KINDS = st.sampled_from([kind for kind in EventType if kind is not EventType.GAP])
# What happens, in any order: an event, reader i takes what it has, reader i comes back.
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("emit"), KINDS),
        st.tuples(st.just("read"), st.integers(0, 2)),
        st.tuples(st.just("resume"), st.integers(0, 2)),
    ),
    max_size=80,
)


def stream(**bounds: int) -> EventStream:
    return EventStream(Sequence(None), **bounds)


def taken(reader: Any) -> list[dict[str, Any]]:
    return [json.loads(text) for text in reader.take()]


def assert_holes_are_said(events: list[dict[str, Any]], after: int = 0) -> None:
    for event in events:
        if event["type"] == "gap":
            assert event["data"]["missed_from"] == after + 1
            assert event["seq"] == event["data"]["missed_to"] > after
        else:
            assert event["seq"] == after + 1
        after = event["seq"]


@given(STEPS, st.integers(1, 5))
def test_slow_readers_lose_no_state_and_hear_of_every_hole(steps: list[Any], queue: int) -> None:
    events = stream(queue=queue, history=1000, droppable=1000)
    readers = [events.subscribe(0) for _ in range(3)]
    got: list[list[dict[str, Any]]] = [[], [], []]
    emitted = []
    for what, argument in steps:
        if what == "emit":
            events.emit(argument, {"n": len(emitted)})
            emitted.append(argument)
        elif what == "read":
            got[argument] += taken(readers[argument])
        else:
            readers[argument].close()
            last = got[argument][-1]["seq"] if got[argument] else 0
            readers[argument] = events.subscribe(last)
    kept = [seq for seq, kind in enumerate(emitted, 1) if kind not in DROPPABLE]
    for reader, before in zip(readers, got, strict=True):
        have = before + taken(reader)
        assert_holes_are_said(have)
        assert [e["seq"] for e in have if EventType(e["type"]) not in DROPPABLE | {"gap"}] == kept
        assert not emitted or have[-1]["seq"] == len(emitted)


@given(st.lists(KINDS, min_size=1, max_size=60), st.integers(1, 8), st.integers(0, 60))
def test_resuming_over_a_bounded_history_says_what_is_gone(
    kinds: list[EventType], history: int, after: int
) -> None:
    events = stream(history=history, droppable=history)
    for kind in kinds:
        events.emit(kind, {})
    after = min(after, len(kinds))
    have = taken(events.subscribe(after))
    assert_holes_are_said(have, after)
    assert (have[-1]["seq"] if have else after) == len(kinds)


def test_what_was_forgotten_at_rest_is_said_at_once() -> None:
    events = stream()
    events.emit(EventType.FILE_SAVED, {})
    events.emit(EventType.METRIC_SAMPLE, {})
    events.emit(EventType.METRIC_SAMPLE, {})
    events.forget_droppable()
    have = taken(events.subscribe(0))
    assert [each["type"] for each in have] == ["file.saved", "gap"]
    assert_holes_are_said(have)
    assert have[-1]["seq"] == 3
    assert taken(events.subscribe(3)) == []


def test_only_what_a_later_one_makes_up_for_is_ever_dropped() -> None:
    assert {kind.value for kind in DROPPABLE} == {"metric.sample", "run.tick", "log.line"}


def test_the_oldest_samples_go_first() -> None:
    events = stream(queue=2)
    reader = events.subscribe(0)
    for n in range(5):
        events.emit(EventType.METRIC_SAMPLE, {"n": n})
    have = taken(reader)
    assert [event["type"] for event in have] == ["gap", "metric.sample", "metric.sample"]
    assert have[0]["data"] == {"missed_from": 1, "missed_to": 3}
    assert [event["data"]["n"] for event in have[1:]] == [3, 4]


@pytest.mark.parametrize("after", [-1, 3, 10**15])
def test_an_after_that_cannot_be_is_refused(after: int) -> None:
    events = stream()
    events.emit(EventType.FILE_SAVED, {})
    events.emit(EventType.FILE_SAVED, {})
    with pytest.raises(InvalidRequestError, match=f"after={after}"):
        events.subscribe(after)
    assert events.readers == 0


async def collect(reader: Any) -> list[Any]:
    return [json.loads(text) async for text in reader]


async def note(reader: Any, seen: list[int]) -> None:
    async for text in reader:
        seen.append(json.loads(text)["seq"])  # noqa: PERF401 (they must be there when it raises)


def test_a_closed_stream_is_read_to_its_end() -> None:
    async def scenario() -> list[Any]:
        events = stream()
        reading = asyncio.create_task(collect(events.subscribe(0)))
        await asyncio.sleep(0)
        events.emit(EventType.FILE_SAVED, {"path": "a"})
        events.emit(EventType.FILE_SAVED, {"path": "b"})
        events.close()
        return await reading

    assert [event["data"]["path"] for event in asyncio.run(scenario())] == ["a", "b"]


def test_a_reader_that_takes_nothing_is_cut_off_and_can_resume() -> None:
    async def scenario() -> None:
        events = stream(history=20_000)
        reader = events.subscribe(0)
        for _ in range(10_001):
            events.emit(EventType.FILE_SAVED, {})
        seen: list[int] = []
        with pytest.raises(TooSlowError):
            await note(reader, seen)
        reader.close()
        assert events.readers == 0
        assert [event["seq"] for event in taken(events.subscribe(seen[-1]))] == [10_001]

    asyncio.run(scenario())


def test_numbers_are_never_given_twice(tmp_path: Any) -> None:
    file = tmp_path / "events.seq"
    first = Sequence(file)
    assert [first.next(), first.next()] == [1, 2]
    killed = Sequence(file)  # the first one never got to save
    assert killed.next() > 2
    last = killed.last
    killed.save()
    assert Sequence(file).next() == last + 1


def test_a_number_that_cannot_be_kept_is_given_and_kept_with_a_later_one(tmp_path: Any) -> None:
    file, in_the_way = tmp_path / "events.seq", tmp_path / "events.new"
    in_the_way.mkdir()  # nothing can be written there, as on a full disk
    first = Sequence(file)
    assert [first.next(), first.next()] == [1, 2]
    in_the_way.rmdir()
    assert first.next() == 3
    assert Sequence(file).next() > 3  # the first one was killed


def test_a_reader_from_before_a_kill_hears_of_the_gap(tmp_path: Any) -> None:
    file = tmp_path / "events.seq"
    before = EventStream(Sequence(file))
    before.emit(EventType.FILE_SAVED, {})
    after_kill = EventStream(Sequence(file))
    reader = after_kill.subscribe(1)
    assert [event["type"] for event in taken(reader)] == ["gap"]
    after_kill.emit(EventType.FILE_SAVED, {})
    assert [event["type"] for event in taken(reader)] == ["file.saved"]
    have = taken(after_kill.subscribe(1))
    assert_holes_are_said(have, 1)
    assert [event["type"] for event in have] == ["gap", "file.saved"]


def test_a_view_in_a_kernel_is_not_told_that_a_stream_is_open_which_is_refused(
    control: Control,
) -> None:
    client, workspace = control.client(holder="kernel:a"), control.workspace()
    environment = client.create_environment(workspace.id, start=False).id
    said: list[dict[str, Any]] = []
    connection: Any = SimpleNamespace(client=client, environment=environment)
    messages = Messages(connection, said.append)
    view = {"view": "one", "environment": environment}
    messages.receive({**view, "subscribe": {"environment": environment, "after": 1_000_000}})
    control.until(lambda: said and said[-1].get("closed"))
    assert said == [{**view, "closed": True}]
    messages.receive({**view, "subscribe": {"environment": environment, "after": 0}})
    control.until(lambda: len(said) > 1)
    assert said[1] == {**view, "events": []}
    messages.close()

"""The engine against a real server, through the door everybody uses."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections import Counter
from statistics import median
from typing import TYPE_CHECKING

import psutil
import pytest
from family import running

from jupyter_sysdesign.environment.proctree import LINUX
from jupyter_sysdesign.errors import InvalidRequestError, UnavailableError
from jupyter_sysdesign.load.run import run
from jupyter_sysdesign.load.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Server

    from jupyter_sysdesign.control.models import KeptAnswer, RunTick
    from jupyter_sysdesign.load.profile import Profile

    MakeProfile = Callable[..., Profile]

pytestmark = [pytest.mark.anyio, pytest.mark.measures]


async def test_a_closed_loop_keeps_its_connections_and_counts_everything(
    server: Server, profile: MakeProfile
):
    ticks: list[RunTick] = []
    summary = await run(
        profile(connections=7), server.target, seed=1, run_id="r1", on_tick=ticks.append
    )
    assert summary.errors == {}
    assert summary.ok == summary.requests == len(server.seen) > 50
    assert server.opened == server.most_open == 7
    assert summary.endpoints["ok"].requests == summary.requests
    assert sum(count for _, count in summary.distribution) == summary.requests
    assert summary.p50_ms <= summary.p95_ms <= summary.p99_ms <= summary.max_ms
    assert {tick.run for tick in ticks} == {"r1"}
    assert sum(tick.done for tick in ticks) <= summary.requests
    assert all(0 <= tick.in_flight <= 7 for tick in ticks)


async def test_an_open_loop_sends_exactly_what_its_rate_says(server: Server, profile: MakeProfile):
    summary = await run(profile(mode="open", rate=300, duration_s=1), server.target, seed=1)
    assert summary.requests == summary.ok == len(server.seen) == 300
    assert summary.duration_s == 1.0


async def test_stages_of_an_open_loop_add_up(server: Server, profile: MakeProfile):
    stages = [
        {"duration_s": 0.5, "rate": 100},
        {"duration_s": 0.3, "rate": 0},
        {"duration_s": 0.5, "rate": 300, "ramp": True},
    ]
    summary = await run(profile(mode="open", stages=stages), server.target, seed=1)
    assert summary.requests == 50 + 75
    assert len(server.seen) == 125


async def test_an_open_loop_lasts_as_long_as_its_plan(server: Server, profile: MakeProfile):
    summary = await run(profile(mode="open", rate=4, duration_s=1), server.target, seed=1)
    assert (summary.duration_s, summary.rps) == (1.0, 4.0)
    stages = [{"duration_s": 0.3, "rate": 100}, {"duration_s": 0.5, "rate": 0}]
    ticks: list[RunTick] = []
    made = profile(mode="open", stages=stages)
    summary = await run(made, server.target, seed=1, on_tick=ticks.append)
    assert (summary.duration_s, summary.requests) == (0.8, 30)
    assert ticks[-1].t_s > 0.6


async def test_stages_of_a_closed_loop_open_and_close_connections(
    server: Server, profile: MakeProfile
):
    stages = [{"duration_s": 0.4, "connections": n} for n in (2, 6, 1)]
    open_at: list[int] = []
    summary = await run(
        profile("/sleep?ms=5", stages=stages),
        server.target,
        seed=1,
        on_tick=lambda _: open_at.append(server.open_now),
    )
    assert summary.errors == {}
    assert server.opened == server.most_open == 6
    assert open_at[-1] <= 1


async def test_how_busy_the_generator_was_is_said_of_the_time_it_had_work(
    server: Server, profile: MakeProfile
):
    busy = await run(profile(connections=4, duration_s=1), server.target, seed=1)
    stages = [{"duration_s": 1, "connections": 4}, {"duration_s": 3, "connections": 0}]
    resting = await run(profile(stages=stages), server.target, seed=1)
    # Both had work for a second; on a busy machine they got through more or less of it.
    assert resting.generator_cpu / resting.ok > 0.6 * busy.generator_cpu / busy.ok


async def test_what_is_answered_after_the_end_is_not_in_time(server: Server, profile: MakeProfile):
    def on_tick(tick: RunTick) -> None:
        if tick.t_s >= 1 and not released:
            released.append(tick.t_s)
            asyncio.get_running_loop().call_later(0.07, server.call, server.stall.set)

    rates: list[float] = []
    while not rates or (rates[-1] and len(rates) < 3):  # a busy machine may end a tick late
        released: list[float] = []
        server.call(server.stall.clear)
        made = profile(mode="open", rate=100, connections=200, duration_s=1.05)
        summary = await run(made, server.target, seed=1, on_tick=on_tick)
        assert summary.ok == 105
        rates.append(summary.rps)
    assert rates[-1] == 0


async def test_scale_multiplies_rates_and_connections(server: Server, profile: MakeProfile):
    await run(profile(connections=3), server.target, seed=1, scale=2)
    assert server.opened == 6
    with pytest.raises(InvalidRequestError, match="2000 is the most"):
        await run(profile(connections=300), server.target, seed=1, scale=7)


async def test_without_keep_alive_each_request_has_its_connection(
    server: Server, profile: MakeProfile
):
    summary = await run(profile(keep_alive=False, connections=3), server.target, seed=1)
    assert summary.ok == summary.requests == server.opened > 20
    assert all(headers["connection"] == "close" for _, _, headers, *_ in server.seen)


async def test_a_unix_socket_with_a_full_backlog_is_waited_for(
    unix_server: Server, profile: MakeProfile
):
    made = profile("/sleep?ms=1", connections=60)
    summary = await run(made, unix_server.target, seed=1)
    assert summary.errors == {}
    assert unix_server.opened == 60


@pytest.mark.skipif(not LINUX, reason="only Linux says that a backlog is full")
async def test_a_backlog_that_stays_full_is_waited_for_at_little_cost(
    profile: MakeProfile, tmp_path: Path
):
    path = str(tmp_path / "still")
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as still:  # it accepts nothing
        still.bind(path)
        still.listen(4)
        made = profile(mode="open", rate=300, connections=1000, duration_s=3, timeout_s=2)
        summary = await run(made, Target("127.0.0.1", 80, path), seed=1)
    assert summary.errors == {"timeout": summary.requests}
    assert summary.generator_cpu < 0.2


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/missing", "http_404"),
        ("/broken", "http_500"),
        ("/moved", "unexpected_302"),
        ("/garbage", "protocol"),
        ("/liar", "protocol"),
        ("/close", "closed"),
        ("/half", "closed"),
        ("/reset", "reset"),
    ],
)
async def test_each_failure_has_its_kind_and_no_latency(
    server: Server, profile: MakeProfile, path: str, kind: str
):
    summary = await run(profile(path, duration_s=0.3), server.target, seed=1)
    assert set(summary.errors) == {kind}
    assert summary.ok == 0
    assert summary.requests == summary.errors[kind] > 0
    assert summary.p99_ms is None  # a fast failure must not look like a fast service


@pytest.mark.parametrize(
    "path",
    ["/ok", "/chunked", "/interim", "/until-close", "/empty", "/pieces", "/last"],
)
async def test_every_way_to_end_a_response_is_understood(
    server: Server, profile: MakeProfile, path: str
):
    summary = await run(profile(path, duration_s=0.6), server.target, seed=1)
    assert summary.errors == {}
    assert summary.ok == len(server.seen) > 2


async def test_a_head_request_has_no_body_to_wait_for(server: Server, profile: MakeProfile):
    mix = [{"name": "head", "method": "HEAD", "path": "/headonly"}]
    summary = await run(profile(mix=mix, duration_s=0.3), server.target, seed=1)
    assert summary.errors == {}
    assert summary.ok > 2
    assert server.opened == 2


async def test_expected_statuses_are_the_profiles(server: Server, profile: MakeProfile):
    mix = [
        {"name": "gone", "path": "/missing", "expect": [404]},
        {"name": "fine", "path": "/ok", "expect": [201, 404]},
    ]
    summary = await run(profile(mix=mix, duration_s=0.3), server.target, seed=1)
    assert summary.endpoints["gone"].errors == {}
    assert set(summary.endpoints["fine"].errors) == {"unexpected_200"}


async def test_what_times_out_counts_with_what_it_waited(server: Server, profile: MakeProfile):
    summary = await run(
        profile("/never", timeout_s=0.2, duration_s=0.5, connections=3), server.target, seed=1
    )
    assert set(summary.errors) == {"timeout"}
    assert summary.ok == 0
    assert summary.p50_ms >= 200


async def test_in_an_open_loop_also_those_who_queue_time_out(server: Server, profile: MakeProfile):
    made = profile(
        "/never", mode="open", rate=100, connections=2, timeout_s=0.3, duration_s=1, parameters={}
    )
    summary = await run(made, server.target, seed=1)
    assert summary.requests == 100
    assert summary.errors == {"timeout": 100}
    assert summary.p50_ms >= 300


async def test_a_big_body_is_sent_in_parts(server: Server, profile: MakeProfile):
    text = "x" * 900_000
    mix = [{"name": "big", "method": "POST", "path": "/slow-reader", "body": {"text": text}}]
    summary = await run(profile(mix=mix, connections=8), server.target, seed=1)
    assert summary.errors == {}
    assert {len(body) for *_, body, _ in server.seen} == {len(text) + len('{"text":""}')}


async def test_a_refusing_port_is_no_reason_to_spin(start_server, profile: MakeProfile):
    gone = start_server()
    target = gone.target
    gone.close()
    summary = await run(profile(connections=4, duration_s=1), target, seed=1)
    assert set(summary.errors) == {"refused"}
    # 0, 5, 10, 20, … 200 ms apart: about ten attempts per connection and second.
    assert 4 * 4 <= summary.errors["refused"] <= 4 * 12


async def test_a_missing_unix_socket_refuses(profile: MakeProfile, tmp_path):
    target = Target("127.0.0.1", 80, str(tmp_path / "nobody"))
    made = profile(mode="open", rate=50, duration_s=0.2)
    summary = await run(made, target, seed=1)
    assert summary.errors == {"refused": 10}


@pytest.mark.parametrize("mode", [{"connections": 4}, {"mode": "open", "rate": 200}])
async def test_a_service_that_restarts_is_found_again(
    start_server, profile: MakeProfile, mode: dict
):
    first = start_server()
    replaced: list[Server] = []

    def on_tick(tick: RunTick) -> None:
        if len(replaced) == 0 and tick.t_s > 0.4:
            first.close()
            threading.Timer(0.3, lambda: replaced.append(start_server(port=first.port))).start()
            replaced.append(first)

    summary = await run(
        profile("/sleep?ms=2", duration_s=4, **mode), first.target, seed=1, on_tick=on_tick
    )
    assert len(replaced) == 2
    assert "refused" in summary.errors
    assert len(replaced[1].seen) > 20
    assert summary.ok + sum(summary.errors.values()) == summary.requests


async def test_idle_connections_the_server_closes_are_no_errors(
    server: Server, profile: MakeProfile
):
    def on_tick(tick: RunTick) -> None:
        if tick.t_s > 0.8 and not closed:
            closed.append(server.open_now)
            server.call(server.hang_up)

    closed: list[int] = []
    stages = [{"duration_s": each, "rate": rate} for each, rate in ((0.3, 100), (1, 0), (0.3, 100))]
    summary = await run(profile(mode="open", stages=stages), server.target, seed=1, on_tick=on_tick)
    assert closed[0] > 0
    assert summary.errors == {}
    assert summary.ok == 60


async def test_idle_connections_the_server_resets_are_survived(
    server: Server, profile: MakeProfile
):
    # At this rate many a request is sent on a connection whose reset has come but was not seen yet.
    made = profile("/reset-idle", mode="open", rate=1000, duration_s=1)
    summary = await run(made, server.target, seed=1)
    assert summary.requests == 1000
    assert summary.ok > 0
    assert set(summary.errors) <= {"reset"}


@pytest.mark.measures
async def test_a_known_service_time_is_what_is_measured(server: Server, profile: MakeProfile):
    made = profile("/sleep?ms=20", connections=5, duration_s=1.5)
    ratios = []
    while not ratios or (ratios[-1] > 1.25 and len(ratios) < 3):  # a busy machine measures more
        server.durations_ms.clear()
        summary = await run(made, server.target, seed=1)
        ratios.append(summary.p50_ms / median(server.durations_ms))
    assert min(ratios) >= 0.98
    assert min(ratios) <= 1.25


async def test_a_stall_shows_in_an_open_loop(server: Server, profile: MakeProfile):
    def on_tick(tick: RunTick) -> None:
        if tick.t_s >= 0.5 and not stalls:
            stalls.append(tick.t_s)
            server.call(server.stall.clear)
            asyncio.get_running_loop().call_later(1, server.call, server.stall.set)

    stalls: list[float] = []
    made = profile(mode="open", rate=200, duration_s=3, connections=4)
    summary = await run(made, server.target, seed=1, on_tick=on_tick)
    # A third of the requests was due in that second. Only four were on the wire: a generator that
    # waits for its answers would have 4 slow ones among some 400 and report a p99 of nothing.
    assert summary.requests == 600
    assert summary.p99_ms > 800
    assert summary.p50_ms < 500
    assert sum(count for upper, count in summary.distribution if upper > 200) > 100


async def test_same_seed_same_requests_whatever_the_timing(start_server, profile: MakeProfile):
    parameters = {
        "term": {"choice": ["red shoes", "50% off & more", "größe"]},
        "page": {"zipf": {"from": 1, "to": 500}},
        "order": {"sequence": {"from": 100}},
    }
    mix = [
        {"name": "search", "path": "/ok?q={term}&page={page}", "weight": 3},
        {
            "name": "buy",
            "method": "POST",
            "path": "/ok/{page}",
            "headers": {"X-Page": "p{page}"},
            "body": {"order": "{order}", "note": "page {page}", "fixed": [1, True]},
        },
    ]
    shapes = [
        {"connections": 1},
        {"mode": "open", "rate": 400, "connections": 1},
        {"mode": "open", "rate": 300, "arrivals": "poisson", "connections": 1},
    ]
    sent = []
    for shape in shapes:
        server = start_server()
        made = profile(mix=mix, parameters=parameters, duration_s=2, **shape)
        summary = await run(made, server.target, seed=7)
        assert summary.errors == {}
        sent.append([(method, path, body) for method, path, _, body, _ in server.seen])
    count = min(len(each) for each in sent)
    assert count > 60
    assert sent[0][:count] == sent[1][:count] == sent[2][:count]

    other = start_server()
    await run(profile(mix=mix, parameters=parameters, connections=1), other.target, seed=8)
    assert [(m, p, b) for m, p, _, b, _ in other.seen][:count] != sent[0][:count]

    paths = {path for _, path, _ in sent[0] if path.startswith("/ok?")}
    assert any("q=50%25%20off%20%26%20more" in path for path in paths)
    assert any("q=gr%C3%B6%C3%9Fe" in path for path in paths)
    methods = Counter(method for method, *_ in sent[0])
    assert 2 < methods["GET"] / methods["POST"] < 4.5
    for index, (method, path, body) in enumerate(sent[0]):
        if method == "POST":  # numbers stay numbers, and one request has one value of each
            page = int(path.removeprefix("/ok/"))
            wanted = {"order": 100 + index, "note": f"page {page}", "fixed": [1, True]}
            assert json.loads(body) == wanted


@pytest.mark.parametrize("shape", [{"connections": 3}, {"mode": "open", "rate": 200}])
async def test_some_answers_are_kept_whole(server: Server, profile: MakeProfile, shape):
    said = {
        "chunked": "hello world",
        "interim": "hello",
        "pieces": "hello",
        "until-close": "the end is the end",
        "empty": "",
    }
    mix = [{"name": name, "path": f"/{name}?n={{n}}"} for name in (*said, "missing")]
    mix.append({"name": "buy", "method": "POST", "path": "/{n}", "body": {"n": "{n}"}})
    answers: list[KeptAnswer] = []
    made = profile(mix=mix, parameters={"n": {"sequence": {}}}, **shape)
    began_s = time.perf_counter()
    summary = await run(made, server.target, seed=1, keep=60, on_answer=answers.append)
    ended_s = time.perf_counter()
    assert summary.requests == len(server.seen)
    assert set(summary.errors) == {"http_404"}
    assert len(answers) <= 60
    assert {each.name: each.said for each in answers} == {**said, "buy": "hello"}
    for each in answers:
        assert began_s < each.asked_s < each.answered_s < ended_s
        if each.name == "buy":
            assert json.loads(each.sent) == {"n": int(each.path.strip("/"))}
    assert answers == sorted(answers, key=lambda each: each.answered_s)
    asked = {(method, path) for method, path, *_ in server.seen}
    assert {(each.method, each.path) for each in answers} <= asked


async def test_which_answers_are_kept_is_drawn_over_the_whole_run(server, profile: MakeProfile):
    mix = [{"name": "one", "path": "/{n}"}]
    made = profile(mix=mix, parameters={"n": {"sequence": {}}}, mode="open", rate=600, duration_s=1)
    drawn = []
    for seed in (1, 1, 2):
        answers: list[KeptAnswer] = []
        summary = await run(made, server.target, seed=seed, keep=80, on_answer=answers.append)
        assert summary.ok == summary.requests == 600
        drawn.append(sorted(int(each.path.strip("/")) for each in answers))
    assert drawn[0] == drawn[1] != drawn[2]
    for numbers in drawn:
        assert 60 < len(numbers) == len({*numbers}) <= 80
        assert 20 < sum(number > 300 for number in numbers) < 60


async def test_what_is_kept_is_measured_like_the_rest(server: Server, profile: MakeProfile):
    answers: list[KeptAnswer] = []
    made = profile("/never", timeout_s=0.2, duration_s=0.5, connections=3)
    summary = await run(made, server.target, seed=1, keep=200, on_answer=answers.append)
    assert (answers, set(summary.errors)) == ([], {"timeout"})
    assert summary.endpoints["never"].errors == summary.errors
    assert summary.p50_ms is not None


async def test_stopping_early_gives_a_summary_of_what_was_measured(
    server: Server, profile: MakeProfile
):
    stop = asyncio.Event()

    def once_measured(tick: RunTick) -> None:
        if tick.rps:
            stop.set()

    summary = await run(
        profile(duration_s=60), server.target, seed=1, stop=stop, on_tick=once_measured
    )
    assert summary.ok > 0
    assert summary.duration_s < 30


async def test_a_wish_to_stop_can_come_at_once(server: Server, profile: MakeProfile):
    stop = asyncio.Event()
    stop.set()
    summary = await run(profile(duration_s=60), server.target, seed=1, stop=stop)
    assert summary.duration_s < 30


async def test_cancelling_leaves_no_process(server: Server, profile: MakeProfile):
    ticking = asyncio.Event()
    task = asyncio.create_task(
        run(profile(duration_s=60), server.target, seed=1, on_tick=lambda _: ticking.set())
    )
    await ticking.wait()
    assert len(running("load.engine")) == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert running("load.engine") == []


async def test_a_killed_engine_is_an_error_that_says_so(server: Server, profile: MakeProfile):
    def on_tick(_: RunTick) -> None:
        for engine in running("load.engine"):
            with contextlib.suppress(psutil.NoSuchProcess):  # it was killed by the tick before
                engine.kill()

    with pytest.raises(UnavailableError, match="signal 9"):
        await run(profile(duration_s=60), server.target, seed=1, on_tick=on_tick)


async def test_the_engine_carries_the_instance_it_is_for(server: Server, profile: MakeProfile):
    found: list[str | None] = []

    def on_tick(_: RunTick) -> None:
        for engine in running("load.engine"):
            with contextlib.suppress(psutil.NoSuchProcess):  # with the last tick it ends
                if environ := engine.environ():  # one that has ended has none
                    found.append(environ.get("SYSDESIGN_INSTANCE"))

    await run(profile(), server.target, seed=1, on_tick=on_tick, instance="tiny-1")
    assert set(found) == {"tiny-1"}

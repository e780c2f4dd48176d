from __future__ import annotations

import asyncio
import json
import signal
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from tornado.httpclient import HTTPClientError

if TYPE_CHECKING:
    from conftest import Jupyter


async def take(socket: Any, upto: str) -> list[dict[str, Any]]:
    """Read events until the environment is in the state ``upto``."""
    events = []
    while True:
        message = await socket.read_message()
        assert message is not None, f"closed: {socket.close_code} {socket.close_reason}"
        events.append(json.loads(message))
        if events[-1]["type"] == "environment.state" and events[-1]["data"]["state"] == upto:
            return events


async def leave(socket: Any) -> None:
    """Close a stream, and let it come to its end."""
    socket.close()
    while await socket.read_message() is not None:
        pass


async def refusal(jupyter: Jupyter, environment: str, **options: Any) -> tuple[int, Any]:
    with pytest.raises(HTTPClientError) as refused:
        await jupyter.events(environment, **options)
    return refused.value.code, refused.value.response


async def test_a_page_hears_everything_in_order_and_resumes(jupyter: Jupyter) -> None:
    environment = (await jupyter.environment("ready"))["id"]
    socket = await jupyter.events(environment)
    events = await take(socket, "ready")
    await leave(socket)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    states = [e["data"]["state"] for e in events if e["type"] == "environment.state"]
    assert states[0] in ("preparing", "starting")
    stopped = await jupyter.ask("POST", f"v1/environments/{environment}/stop")
    assert (stopped.status, stopped.body["state"]) == (200, "stopped")
    again = await jupyter.events(environment, after=events[-1]["seq"])
    later = await take(again, "stopped")
    await leave(again)
    assert later[0]["seq"] == events[-1]["seq"] + 1


async def test_refused_handshakes_say_why(jupyter: Jupyter) -> None:
    code, _ = await refusal(jupyter, "tiny-00000000")
    assert code == 404
    workspace = await jupyter.workspace()
    body = {"workspace": workspace["id"], "start": False}
    environment = (await jupyter.ask("POST", "v1/environments", body)).body["id"]
    for after in (1, -1, "soon", 10**30):
        code, response = await refusal(jupyter, environment, after=after)
        assert code == 400, after
        assert json.loads(response.body)["code"] == "invalid_request"
        assert str(after) in json.loads(response.body)["message"]


async def test_nobody_listens_without_credentials(jupyter: Jupyter, control_plane: Any) -> None:
    for headers in ({"Authorization": ""}, {"Authorization": "token wrong"}):
        code, _ = await refusal(jupyter, "tiny-00000000", headers=headers)
        assert code == 403
    assert control_plane.pid() is None


async def test_a_stream_is_no_page(jupyter: Jupyter) -> None:
    answer = await jupyter.ask("GET", "v1/environments/tiny-00000000/events")
    assert answer.status == 400


async def test_the_end_of_an_environment_ends_its_streams(jupyter: Jupyter) -> None:
    environment = (await jupyter.environment("ready"))["id"]
    socket = await jupyter.events(environment)
    await take(socket, "ready")
    gone = await jupyter.ask("DELETE", f"v1/environments/{environment}")
    assert (gone.status, gone.body) == (204, "")
    await take(socket, "stopped")
    while await socket.read_message() is not None:
        pass
    assert (socket.close_code, socket.close_reason) == (1000, "the environment was removed")
    socket.close()
    assert (await jupyter.ask("GET", f"v1/environments/{environment}")).status == 404


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_the_end_of_the_control_plane_asks_to_come_back(
    jupyter: Jupyter, control_plane: Any, how: signal.Signals
) -> None:
    environment = (await jupyter.environment("ready"))["id"]
    socket = await jupyter.events(environment)
    last = (await take(socket, "ready"))[-1]["seq"]
    await asyncio.to_thread(control_plane.end, how)
    while (message := await socket.read_message()) is not None:
        last = json.loads(message)["seq"]
    assert socket.close_code == 1012
    socket.close()
    # The next one knows the environment, and goes on counting.
    again = await jupyter.become(environment, "stopped")
    assert again["last_seq"] >= last
    resumed = await jupyter.events(environment, after=last)
    started = await jupyter.ask("POST", f"v1/environments/{environment}/start")
    assert started.status == 200
    events = await take(resumed, "ready")
    await leave(resumed)
    seqs = [event["seq"] for event in events]
    assert seqs == sorted(set(seqs))
    assert events[0]["type"] == "gap"
    assert events[0]["data"]["missed_from"] == last + 1


async def test_a_socket_that_vanishes_leaves_nothing_open(
    jupyter: Jupyter, control_plane: Any
) -> None:
    environment = (await jupyter.environment("ready"))["id"]
    sampled: set[str] = set()
    while not {"db", "app"} <= sampled:  # whoever samples has connected
        values = (await jupyter.ask("GET", f"v1/environments/{environment}/metrics")).body["values"]
        sampled = {name.partition(".")[0] for name in values}
        await asyncio.sleep(0.1)
    process = psutil.Process(control_plane.pid())
    seen = [process.num_fds()]
    while len(set(seen[-10:])) > 1 or len(seen) < 10:  # what comes with the start is open by then
        await asyncio.sleep(0.05)
        seen.append(process.num_fds())
    before = seen[-1]
    sockets = [await jupyter.events(environment) for _ in range(5)]
    for socket in sockets:
        await take(socket, "ready")
    assert process.num_fds() >= before + 5
    for socket in sockets:  # without a closing handshake
        socket.protocol.stream.close()
        socket.close()
    for _ in range(500):
        if process.num_fds() <= before + 1:
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"{process.num_fds()} files are open, {before} were")


async def test_a_reader_that_takes_nothing_holds_nobody_up(jupyter: Jupyter) -> None:
    environment = (await jupyter.environment("ready"))["id"]
    stuck = await jupyter.events(environment)
    reader = await jupyter.events(environment)
    await take(reader, "ready")
    await jupyter.ask("POST", f"v1/environments/{environment}/stop")
    await take(reader, "stopped")
    await leave(reader)
    await leave(stuck)

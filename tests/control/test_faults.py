"""Faults by the API: what a client is told, and what outlives what."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from jupyter_sysdesign import errors
from jupyter_sysdesign.control.models import EventType

if TYPE_CHECKING:
    from conftest import Control

    from jupyter_sysdesign.control.client import ControlClient


def started(control: Control, lesson: str = "tiny") -> tuple[ControlClient, str, str]:
    """Return a client, the id of a running environment, and where it answers."""
    client, made = control.client(holder="test"), control.workspace(lesson=lesson)
    client.create_environment(made.id)
    url = client.wait(made.id).url
    assert url is not None
    return client, made.id, url


def test_the_library_says_what_there_is(control: Control) -> None:
    faults = {each.id: each for each in control.client().faults().faults}
    assert faults["latency"].target == "link"
    assert faults["hold-lock"].kinds == ["postgres"]
    share = faults["reset"].arguments["properties"]["share"]
    assert (share["default"], share["maximum"], share["exclusiveMinimum"]) == (0.1, 1, 0)
    assert all(each.description and each.expect for each in faults.values())


def test_a_fault_comes_and_goes_and_everybody_hears_of_it(control: Control) -> None:
    client, environment, url = started(control)
    after = client.environment(environment).last_seq
    active = client.inject_fault(environment, "kill", service="app")
    assert (active.state, active.fault, active.service) == ("active", "kill", "app")
    assert client.active_faults(environment).faults == [active]
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"{url}/items", timeout=60)
    with pytest.raises(errors.ConflictError):
        client.inject_fault(environment, "kill", service="app")
    for _ in range(2):
        client.recover_fault(environment, active.id)
    client.recover_fault(environment, "never-was")
    assert httpx.get(f"{url}/items", timeout=60).status_code == 200
    heard = []
    for event in client.events(environment, after):
        if event.type in (EventType.FAULT_STARTED, EventType.FAULT_ENDED):
            heard.append((event.type.value, event.data["id"], event.data["state"]))
            if event.type is EventType.FAULT_ENDED:
                assert event.data["reason"] == "recovered"
                break
    assert heard == [
        ("fault.started", active.id, "active"),
        ("fault.ended", active.id, "ended"),
    ]


def test_an_environment_at_rest_has_no_faults(control: Control) -> None:
    client, environment, _ = started(control)
    client.inject_fault(environment, "hold-lock", service="db")
    client.inject_fault(environment, "pause", service="db")
    client.stop(environment)
    assert client.active_faults(environment).faults == []
    with pytest.raises(errors.ConflictError, match="is stopped"):
        client.inject_fault(environment, "kill", service="app")
    with pytest.raises(errors.ConflictError, match="does not run"):
        client.play_faults(environment, {"steps": [{"at_s": 0, "fault": "kill", "service": "app"}]})
    with pytest.raises(errors.NotFoundError, match="link"):
        client.inject_fault(environment, "latency", link=("app", "db"))
    client.delete(environment)


def test_a_killed_control_plane_leaves_no_proxy_and_no_fault_in_the_data(
    control: Control,
) -> None:
    client, environment, _ = started(control, "tiny-links")
    proxy = client.environment(environment).proxy
    assert proxy is not None
    assert proxy.pid is not None
    client.inject_fault(environment, "partition", link=("app", "db"))
    client.inject_fault(environment, "wrong-password", service="db")
    client.inject_fault(environment, "cpu-quota", service="app", arguments={"cpus": 0.5})
    control.end(signal.SIGKILL)
    control.until(lambda: not control.is_alive(proxy.pid), "the proxy outlived its owner")
    again = control.client(holder="again")
    again.create_environment(environment)
    status = again.wait(environment)
    assert again.active_faults(environment).faults == []
    assert httpx.get(f"{status.url}/items", timeout=60).status_code == 200
    assert again.sql(environment, "SELECT 1").rows == [[1]]


def test_a_story_is_played_by_the_control_plane(control: Control) -> None:
    client, environment, _ = started(control)
    steps = [{"at_s": 0.1, "fault": "pause", "service": "app", "for_s": 0.2}]
    played = client.play_faults(environment, {"name": "short", "steps": steps})
    control.until(lambda: client.fault_schedules(environment).schedules[0].state == "done")
    step = client.fault_schedules(environment).schedules[0].steps[0]
    assert (step.state, step.message) == ("injected", "")
    control.until(lambda: not client.active_faults(environment).faults)
    client.stop_faults(environment, played.id)


def test_a_fault_ends_with_the_service_that_is_taken_out(control: Control) -> None:
    client, environment, url = started(control, "tiny-full")
    client.inject_fault(environment, "kill", service="app2")
    folder = Path(client.environment(environment).workspace)
    for name in ("haproxy.cfg", "compose.yaml"):
        text = (folder / name).read_text().replace("    server app2 app2:8000 check\n", "")
        block = text[text.find("  app2:\n") : text.find("  lb:\n")] if "  lb:\n" in text else "\0"
        waits = ", app2: {condition: service_healthy}"
        (folder / name).write_text(text.replace(block, "").replace(waits, ""))
    done = client.apply(environment)
    assert done.stopped == ["app2"]
    assert client.active_faults(environment).faults == []
    assert httpx.get(f"{url}/items", timeout=60).status_code == 200


def test_a_replica_that_stands_still_shows_in_its_lag(control: Control) -> None:
    client, environment, url = started(control, "tiny-replica")
    services = {each.name: each for each in client.environment(environment).services}
    assert (services["replica"].replica_of, services["db"].replica_of) == ("db", None)
    with pytest.raises(errors.InvalidRequestError, match="db is no replica"):
        client.inject_fault(environment, "pause-replication", service="db")
    fault = client.inject_fault(environment, "pause-replication", service="replica")
    httpx.post(f"{url}/items", json={"category": "x", "price": 1}, timeout=60).raise_for_status()

    after = client.environment(environment).last_seq
    lags = (
        event.data["values"].get("replica.replication_lag_s")
        for event in client.events(environment, after)
        if event.type is EventType.METRIC_SAMPLE
    )
    assert any(lag is not None and lag > 1 for lag in lags)
    assert httpx.get(f"{url}/items", timeout=60).json() == 1000
    client.recover_fault(environment, fault.id)
    control.until(lambda: httpx.get(f"{url}/items", timeout=60).json() == 1001)
    assert any(lag == 0 for lag in lags)

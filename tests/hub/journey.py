"""What people do in a hub, and what they must not be able to: the same for every kind of hub."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from hub.conftest import LEARNERS, PATIENCE_S
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

if TYPE_CHECKING:
    from hub.conftest import Hub

LESSON = "t1-02-indexes"

#: Programs for a learner's container: what listens there, what of an address can be reached, which
#: databases were seeded there and whether the image's can be written to, whose processes are seen.
LISTENING = """
    ports = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in open(table).readlines()[1:]:
            parts = line.split()
            if parts[3] == "0A":
                ports.add(int(parts[1].rpartition(":")[2], 16))
    print(*ports)
"""

REACH = """
    import socket, sys
    for port in sys.argv[2:]:
        try:
            socket.create_connection((sys.argv[1], int(port)), timeout=2).close()
            print(port)
        except OSError:
            pass
"""

SEEDED = """
    import os, pathlib
    print([*pathlib.Path.home().glob(".local/share/jupyter-sysdesign/templates/*/data")],
          os.access(os.environ["SYSDESIGN_TEMPLATES"], os.W_OK))
"""

PROCESSES = """
    import os
    print(*{os.stat(f"/proc/{each}").st_uid for each in os.listdir("/proc") if each.isdigit()})
"""


def open_lesson(hub: Hub, user: str) -> dict[str, Any]:
    """Start a lesson's environment; return it when it is ready."""
    workspace = hub.lesson(user, "POST", "/workspaces", {"lesson": LESSON})
    made = hub.lesson(user, "POST", "/environments", {"workspace": workspace["id"], "reuse": True})
    deadline = time.monotonic() + PATIENCE_S
    while made["state"] != "ready":
        assert made["state"] != "failed", made
        assert time.monotonic() < deadline, made
        time.sleep(0.3)
        made = hub.lesson(user, "GET", f"/environments/{made['id']}")
    return made


def play(hub: Hub, user: str) -> dict[str, Any]:
    """Play a scripted lesson: look, predict, put load on it; return the environment."""
    environment = open_lesson(hub, user)
    guess = 300 + LEARNERS.index(user) if user in LEARNERS else 300
    answers = f"/workspaces/{environment['id']}/answers"
    hub.lesson(user, "PUT", f"{answers}/p95-guess", {"value": guess})
    body = {"profile": "glance", "seed": 1}
    run = hub.lesson(user, "POST", f"/environments/{environment['id']}/runs", body)
    deadline = time.monotonic() + PATIENCE_S
    while run["state"] == "running":
        assert time.monotonic() < deadline, run
        time.sleep(0.3)
        run = hub.lesson(user, "GET", f"/environments/{environment['id']}/runs/{run['id']}")
    assert run["state"] == "done", run["reason"]
    assert run["summary"]["ok"] > 0, run["summary"]
    return environment


def play_at_once(hub: Hub, users: tuple[str, ...] = LEARNERS) -> dict[str, dict[str, Any]]:
    """Let several play at the same time."""
    with ThreadPoolExecutor(len(users)) as threads:
        return dict(zip(users, threads.map(lambda user: play(hub, user), users), strict=True))


def guess_of(hub: Hub, user: str, environment: dict[str, Any]) -> Any:
    """Return what a learner predicted."""
    workspace = hub.lesson(user, "GET", f"/workspaces/{environment['id']}")
    return workspace["answers"]["p95-guess"]["value"]


def pids(environment: dict[str, Any]) -> dict[str, int]:
    """Return who runs: the same after what must not have touched it."""
    found = {each["name"]: each["pid"] for each in environment["services"]}
    assert all(found.values()), environment
    return found


def refused_over_http(hub: Hub, intruder: str, victim: str, environment: dict[str, Any]) -> None:
    """Try another's environment by REST and WebSocket; nothing is told, nothing happens."""
    there = f"/user/{victim}/sysdesign/v1"
    one = f"{there}/environments/{environment['id']}"
    for method, path in (
        ("GET", f"{there}/workspaces"),
        ("GET", f"{there}/work"),
        ("GET", f"{one}/logs"),
        ("POST", f"{one}/stop"),
        ("POST", f"{one}/services/db/kill"),
        ("POST", f"{one}/sql"),
        ("DELETE", one),
        ("GET", f"/user/{victim}/api/contents"),
        ("POST", f"/user/{victim}/api/kernels"),
        ("POST", f"/user/{victim}/api/shutdown"),
        ("DELETE", f"/hub/api/users/{victim}/server"),
        ("GET", f"/hub/api/users/{victim}/tokens"),
    ):
        status, said = hub.ask(method, path, {} if method == "POST" else None, as_=intruder)
        assert status in (403, 404), (method, path, status, said)
    socket = hub.url.replace("http", "ws", 1) + f"{one}/events?after=0"
    headers = {"Authorization": f"token {hub.token(intruder)}"}
    try:
        with connect(socket, additional_headers=headers):
            raise AssertionError("another's events were told")
    except InvalidStatus as refused:
        assert refused.response.status_code in (302, 403), refused  # noqa: PT017
    now = hub.lesson(victim, "GET", f"/environments/{environment['id']}")
    assert now["state"] == "ready", now

"""Apps, caches and load balancers: real servers, from their files to their probes."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import redis

from jupyter_sysdesign.errors import (
    InvalidFileError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jupyter_sysdesign.environment.source import Source

pytestmark = pytest.mark.anyio

APP = """
  app:
    image: sysdesign/python:3
    working_dir: /app
    command: [uvicorn, "server:app", --host, "0.0.0.0", --port, "8000"]
    volumes: ["./app:/app:ro"]
"""
SERVER = """
import os, sys
async def app(scope, receive, send):
    if scope["type"] == "http":
        facts = "\\n".join([os.getcwd(), *sys.path, *sorted(os.environ)])
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": facts.encode()})
"""


def lesson(*services: str, **files: str) -> dict[str, str]:
    return {"compose.yaml": "name: made-up\nservices:" + "".join(services), **files}


async def test_a_whole_environment_answers(
    tiny_full_lesson: Source, make_world: Callable[..., Any]
) -> None:
    world = make_world(tiny_full_lesson)
    world.prepare()
    await world.start()
    port = world.place.ports["lb"]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        first = await client.get("/items?category=category-3")
        assert len(first.json()) == 20
        assert (await client.get("/items?category=category-3")).json() == first.json()
    cache = redis.Redis.from_url(world.services["cache"].url)
    assert cache.exists("items:category-3")
    assert cache.config_get("maxmemory")["maxmemory"] == str(32 * 2**20)
    cache.close()


async def test_nothing_secret_on_a_command_line_or_readable_by_others(
    tiny_full_lesson: Source, make_world: Callable[..., Any]
) -> None:
    world = make_world(tiny_full_lesson)
    world.prepare()
    secrets = world.place.passwords.all()
    for service in world.services.values():
        launch = service.launch()
        assert not any(secret in word for secret in secrets for word in launch.argv)
        assert set(launch.redact) == set(secrets)
    for path in world.place.folder.rglob("*"):
        if path.is_file() and any(each.encode() in path.read_bytes() for each in secrets):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


async def test_an_app_sees_its_folder_and_nothing_of_ours(
    make_lesson: Callable[..., Source],
    make_world: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    home: Path,
) -> None:
    monkeypatch.setenv("MY_TOKEN", "secret")
    monkeypatch.setenv("PYTHONPATH", str(home))
    monkeypatch.chdir(home)
    world = make_world(
        make_lesson(
            lesson(APP + '    environment: {NAME: "x$$y"}\n    ports: ["8000"]\n'),
            {"app/server.py": SERVER},
        )
    )
    (world.place.source.pristine / "app").mkdir()
    world.prepare()
    await world.start("app")
    async with httpx.AsyncClient(timeout=60) as client:
        answer = await client.get(f"http://127.0.0.1:{world.place.ports['app']}/")
    facts = answer.text.splitlines()
    folder = world.place.source.workspace / "app"
    assert answer.status_code == 404
    assert facts[0] == str(folder)
    assert str(folder) in facts[1:]
    assert str(home) not in facts
    assert "NAME" in facts
    assert "MY_TOKEN" not in facts
    assert list(folder.iterdir()) == [folder / "server.py"]


async def test_an_unpublished_app_listens_on_a_socket_only(
    make_lesson: Callable[..., Source], make_world: Callable[..., Any]
) -> None:
    world = make_world(make_lesson(lesson(APP, **{"app/server.py": SERVER})))
    world.prepare()
    await world.start("app")
    address = world.services["app"].address
    assert address is not None
    assert address.path is not None
    assert stat.S_IMODE(address.path.stat().st_mode) == 0o600
    transport = httpx.AsyncHTTPTransport(uds=str(address.path))
    async with httpx.AsyncClient(transport=transport, timeout=60) as client:
        assert (await client.get("http://app/")).status_code == 404


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [("def f(:\n", 1, "invalid syntax"), ("x = 1\nif x:\npass\n", 3, "expected an indented block")],
)
async def test_a_syntax_error_is_found_without_a_start(
    text: str,
    line: int,
    message: str,
    make_lesson: Callable[..., Source],
    make_world: Callable[..., Any],
) -> None:
    world = make_world(make_lesson(lesson(APP, **{"app/server.py": text})))
    with pytest.raises(InvalidFileError, match=message) as caught:
        world.services["app"].check()
    assert (caught.value.file, caught.value.line) == ("app/server.py", line)


async def test_hidden_is_what_is_hidden_in_the_folder_and_not_where_the_folder_lies(
    make_lesson: Callable[..., Source], make_world: Callable[..., Any], home: Path
) -> None:
    files = {"app/server.py": SERVER, "app/.drafts/server.py": "def f(:\n"}
    source = make_lesson(lesson(APP, **files))
    hidden = home.parent / ".local" / "share"
    hidden.mkdir(parents=True)
    (home.parent / "lesson").rename(hidden / "lesson")
    pristine, mine = hidden / "lesson" / "pristine", hidden / "lesson" / "mine"
    app = make_world(replace(source, pristine=pristine, workspace=mine)).services["app"]
    app.check()
    (pristine / "app" / "server.py").write_text("def f(:\n")
    with pytest.raises(InvalidFileError, match=r"app/server.py:1: invalid syntax"):
        app.check()


async def test_what_nobody_could_have_written_is_not_read(
    make_lesson: Callable[..., Source], make_world: Callable[..., Any]
) -> None:
    source = make_lesson(lesson(APP, **{"app/server.py": SERVER}))
    app = make_world(source).services["app"]
    folder = source.locate("app")
    os.mkfifo(folder / "pipe.py")
    (folder / "gone.py").symlink_to("nothing")
    app.check()
    with (folder / "large.py").open("wb") as large:
        large.truncate(1 << 40)
    with pytest.raises(InvalidFileError, match=r"app/large.py: larger than 16 MiB"):
        app.check()


HAPROXY = """
  lb:
    image: sysdesign/haproxy:2.8
    volumes: ["./haproxy.cfg:/usr/local/etc/haproxy/haproxy.cfg:ro"]
    ports: ["8080"]
"""
BALANCE = """defaults
    mode http
    timeout connect 1s
    timeout client 5s
    timeout server 5s
frontend web
    bind *:8080
    default_backend apps
frontend inside
    bind *:8404
    http-request use-service prometheus-exporter if { path /metrics }
backend apps
    server app app:8000
"""


async def test_haproxy_binds_what_is_published_and_sockets_for_the_rest(
    make_lesson: Callable[..., Source], make_world: Callable[..., Any]
) -> None:
    files = {"app/server.py": SERVER, "haproxy.cfg": BALANCE}
    world = make_world(make_lesson(lesson(APP, HAPROXY, **files)))
    world.prepare()
    await world.start("app", "lb")
    async with httpx.AsyncClient(timeout=60) as client:
        answer = await client.get(f"http://127.0.0.1:{world.place.ports['lb']}/")
        assert answer.status_code == 404
    transport = httpx.AsyncHTTPTransport(uds=str(world.place.sockets / "lb-8404.sock"))
    async with httpx.AsyncClient(transport=transport, timeout=60) as client:
        assert "haproxy_process" in (await client.get("http://lb/metrics")).text


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("balance", "", None, ""),
        ("    default_backend apps", "    defaut_backend apps", 8, "unknown keyword"),
        ("timeout connect 1s", "timeout connect soon", 3, "unexpected character"),
        ("bind *:8080", "bind *:8081", None, "nothing binds port 8080"),
    ],
)
async def test_haproxy_s_own_complaints_keep_their_line(
    *,
    old: str,
    new: str,
    line: int | None,
    message: str,
    make_lesson: Callable[..., Source],
    make_world: Callable[..., Any],
) -> None:
    files = {"app/server.py": SERVER, "haproxy.cfg": BALANCE.replace(old, new)}
    world = make_world(make_lesson(lesson(APP, HAPROXY, **files)))
    if not message:
        world.services["lb"].check()
        return
    with pytest.raises(InvalidFileError, match=message) as caught:
        world.services["lb"].check()
    assert (caught.value.file, caught.value.line) == ("haproxy.cfg", line)


async def test_a_cache_keeps_its_snapshot_over_a_restart_and_forgets_it_when_discarded(
    tiny_full_lesson: Source, make_world: Callable[..., Any]
) -> None:
    world = make_world(tiny_full_lesson)
    cache = world.services["cache"]
    cache.prepare()
    await world.start("cache")
    with redis.Redis.from_url(cache.url) as client:
        client.set("a", "1")
    await world.runtime.stop("cache")
    cache.prepare()
    await world.start("cache")
    with redis.Redis.from_url(cache.url) as client:
        assert client.get("a") == b"1"
    await world.runtime.kill("cache")
    cache.discard()
    cache.prepare()
    await world.start("cache")
    with redis.Redis.from_url(cache.url) as client:
        assert client.get("a") is None

"""An edited ``compose.yaml`` takes effect while everything it does not change goes on running."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest
from environment.test_instance import Watched, get, instances  # noqa: F401 (a fixture)
from environment.test_postgres_template import DB, lesson

from jupyter_sysdesign import paths
from jupyter_sysdesign.environment import proctree
from jupyter_sysdesign.environment.status import ServiceState, State
from jupyter_sysdesign.errors import ConflictError, InvalidFileError, StartFailedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from jupyter_sysdesign.environment.source import Source

    Until = Callable[..., Awaitable[None]]

pytestmark = pytest.mark.anyio

#: HAProxy only warns of the second line, and says so before anything else.
WARNED_OF = "    use_backend apps\n    http-request set-header X-Way lb\n"


@pytest.fixture
async def shop(instances: Callable[..., Watched], tiny_full_lesson: Source) -> Watched:  # noqa: F811
    """A running tiny-full whose learner may edit compose.yaml and haproxy.cfg."""
    source = replace(
        tiny_full_lesson, editable=(*tiny_full_lesson.editable, "compose.yaml", "haproxy.cfg")
    )
    for name in ("compose.yaml", "haproxy.cfg"):
        shutil.copy(source.pristine / name, source.workspace)
    instance = instances(source)
    await instance.start()
    return instance


def edit(file: Path, *changes: tuple[str, str]) -> None:
    text = file.read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    file.write_text(text)


def third(folder: Path) -> str:
    """Return the block of app2, as app3."""
    text = (folder / "compose.yaml").read_text()
    block = text[text.index("  app2:\n") : text.index("  lb:\n")]
    return block.replace("app2", "app3")


def pids(instance: Watched) -> dict[str, int | None]:
    return {each.name: each.pid for each in instance.status.services}


def all_ready(instance: Watched) -> bool:
    return {each.state for each in instance.status.services} == {ServiceState.READY}


async def test_a_service_more_and_one_less(shop: Watched, until: Until) -> None:
    folder, before = shop.source.workspace, pids(shop)
    edit(
        folder / "haproxy.cfg",
        ("app2:8000 check\n", "app2:8000 check\n    server app3 app3:8000 check\n"),
    )
    await until(lambda: shop.status.pending == ["haproxy.cfg"])
    block = third(folder)
    edit(folder / "compose.yaml", ("  lb:\n", f"{block}  lb:\n"))
    await until(lambda: shop.status.pending == ["compose.yaml", "haproxy.cfg"])
    assert pids(shop) == before  # saving alone changes nothing

    done = await shop.apply()
    assert (done.started, done.restarted, done.stopped) == (["app3"], ["lb"], [])
    assert done.kept == ["db", "cache", "app1", "app2"]
    assert done.message == "Started app3; restarted lb; left running db, cache, app1, app2."
    after = pids(shop)
    assert list(after) == ["db", "cache", "app1", "app2", "app3", "lb"]
    assert {name for name, pid in before.items() if after[name] != pid} == {"lb"}
    assert all_ready(shop)
    assert shop.status.state is State.READY
    assert shop.status.pending == []
    assert set(shop.metrics_addresses()) == {"app1", "app2", "app3"}
    for name in ("app1", "app2"):
        await shop.service(name, "stop")
    # The new one answers, as soon as HAProxy has noticed that the others are gone.
    url = f"{shop.status.url}/items"
    await until(lambda: httpx.get(url, timeout=60).status_code == 200)
    for name in ("app1", "app2"):
        await shop.service(name, "start")

    url, old = shop.status.url, pids(shop)
    edit(folder / "compose.yaml", (block, ""))
    edit(folder / "haproxy.cfg", ("    server app3 app3:8000 check\n", ""))
    done = await shop.apply()
    assert (done.started, done.restarted, done.stopped) == ([], ["lb"], ["app3"])
    assert "app3" not in pids(shop)
    assert not proctree.started(old["app3"] or 0)
    assert shop.status.url == url
    assert (await get(shop, "/items")).status_code == 200

    assert (await shop.apply()).message.startswith("Nothing to apply")
    await shop.stop()
    await shop.start()
    assert all_ready(shop)


async def test_what_is_described_differently_is_restarted_alone(shop: Watched) -> None:
    before = pids(shop)
    edit(shop.source.workspace / "compose.yaml", ('6379/0"', '6379/1"'))  # of app1
    done = await shop.apply()
    assert (done.restarted, done.kept) == (["app1"], ["db", "cache", "app2", "lb"])
    assert {name for name, pid in pids(shop).items() if before[name] != pid} == {"app1"}
    assert all_ready(shop)


async def test_a_service_that_is_being_replaced_is_left_to_it(shop: Watched, until: Until) -> None:
    edit(shop.source.workspace / "compose.yaml", ('6379/0"', '6379/1"'))  # of app1
    applying = asyncio.ensure_future(shop.apply())
    await until(lambda: not all_ready(shop))
    with pytest.raises(ConflictError, match="following"):
        await shop.service("app1", "start")
    await applying
    assert all_ready(shop)
    assert all(pids(shop).values())
    assert (await get(shop, "/items")).status_code == 200


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("compose.yaml", "name: tiny-full\n", "name: tiny-full\nnonsense: 1\n", r"compose\.yaml:2"),
        ("compose.yaml", "  lb:\n", "  lb\n", r"compose\.yaml:\d+"),
        ("compose.yaml", '"server:app"', '"--reload"', r"compose\.yaml:\d+: .*set by the runtime"),
        ("haproxy.cfg", "balance roundrobin", "balance cleverly", r"haproxy\.cfg:12: balance only"),
        (
            "haproxy.cfg",
            "app2:8000 check",
            "app3:8000 check",
            r"haproxy\.cfg:15: .*could not resolve address 'app3'",
        ),
        (
            "haproxy.cfg",
            "    default_backend apps\n\nbackend apps\n    balance",
            f"{WARNED_OF}    default_backend apps\n\nbackend apps\n    balanc",
            r"haproxy\.cfg:14: unknown keyword 'balanc'",
        ),
        (
            "haproxy.cfg",
            "    default_backend apps\n",
            f"{WARNED_OF}    default_backend aps\n",
            r"haproxy\.cfg: .*unable to find required default_backend: 'aps'",
        ),
        ("compose.yaml", "./haproxy.cfg:", "./haproxy2.cfg:", r"haproxy2\.cfg does not exist"),
    ],
)
async def test_a_mistake_is_named_with_its_line_and_changes_nothing(
    shop: Watched, file: str, old: str, new: str, says: str
) -> None:
    folder, before = shop.source.workspace, pids(shop)
    edit(folder / file, (old, new))
    with pytest.raises(InvalidFileError, match=says):
        await shop.apply()
    assert pids(shop) == before
    assert all_ready(shop)
    assert shop.status.state is State.READY
    assert (await get(shop, "/items")).status_code == 200
    edit(folder / file, (new, old))
    assert (await shop.apply()).message.startswith("Nothing to apply")


async def test_a_service_that_does_not_come_up_leaves_all_as_it_was(
    shop: Watched, until: Until
) -> None:
    folder, before = shop.source.workspace, pids(shop)
    block = third(folder).replace("CACHE_URL", "CASH_URL")
    edit(folder / "compose.yaml", ("  lb:\n", f"{block}  lb:\n"), ('6379/0"', '6379/1"'))
    edit(
        folder / "haproxy.cfg",
        ("app2:8000 check\n", "app2:8000 check\n    server app3 app3:8000 check\n"),
    )
    with pytest.raises(StartFailedError, match=r"(?s)app3 ended .*KeyError: 'CACHE_URL'"):
        await shop.apply()
    after = pids(shop)
    assert list(after) == list(before)
    # app1 had been restarted for what changed of it, and was again: it runs as it did.
    assert {name for name, pid in after.items() if before[name] != pid} == {"app1"}
    assert all_ready(shop)
    assert shop.status.state is State.READY
    await until(lambda: shop.status.pending == ["compose.yaml", "haproxy.cfg"])
    assert set(shop.processes()) == set(before)
    assert (await get(shop, "/items")).status_code == 200


HOLDERS = """
  db:
    image: sysdesign/postgres:18
    command: [postgres, -c, shared_buffers=16MB, -c, max_connections=20]
    environment: {POSTGRES_USER: shop, POSTGRES_PASSWORD: "${SYSDESIGN_PASSWORD_DB}"}
    volumes: ["./db:/docker-entrypoint-initdb.d:ro"]
  app: &app
    image: sysdesign/python:3
    working_dir: /app
    command: [uvicorn, "server:app", --port, "8000"]
    environment:
      DATABASE_URL: "postgresql://shop:${SYSDESIGN_PASSWORD_DB}@db:5432/shop"
      HOLD: 8
    volumes: ["./app:/app:ro"]
    depends_on: [db]
  app2: *app
"""
HOLDER = """
import os
import httpx, psycopg
from fastapi import FastAPI

app = FastAPI()
held = [psycopg.connect(os.environ["DATABASE_URL"]) for _ in range(int(os.environ["HOLD"]))]
if "FRIEND_URL" in os.environ:
    httpx.get(os.environ["FRIEND_URL"]).raise_for_status()

@app.get("/health")
def health():
    return {}
"""


@pytest.fixture
async def holders(
    instances: Callable[..., Watched],  # noqa: F811
    make_lesson: Callable[..., Source],
) -> Watched:
    """Two running services that hold eight connections each of a database that gives sixteen."""
    files = {"db/1.sql": "CREATE TABLE t (n int);", "app/server.py": HOLDER}
    source = make_lesson(lesson(HOLDERS, **files), lesson(HOLDERS, **files))
    instance = instances(replace(source, editable=("app/*.py", "compose.yaml")))
    await instance.start()
    return instance


async def test_who_gives_something_back_does_so_before_others_come(holders: Watched) -> None:
    edit(
        holders.source.workspace / "compose.yaml",
        ("HOLD: 8", "HOLD: 4"),
        ("  app2: *app\n", "  app3: *app\n  app4: *app\n  app2: *app\n"),
    )
    done = await holders.apply()
    assert (done.started, done.restarted) == (["app3", "app4"], ["app", "app2"])
    assert all_ready(holders)


async def test_who_is_needed_comes_before_who_needs_it(holders: Watched) -> None:
    friend = """  app2: *app
  app3:
    <<: *app
    depends_on: [db]
    environment: {DATABASE_URL: "postgresql://shop:${SYSDESIGN_PASSWORD_DB}@db:5432/shop", HOLD: 1}
"""
    edit(
        holders.source.workspace / "compose.yaml",
        ("HOLD: 8", 'HOLD: 5\n      FRIEND_URL: "http://app3:8000/health"'),
        ("[db]", "[db, app3]"),
        ("  app2: *app\n", friend),
    )
    done = await holders.apply()
    assert (done.started, done.restarted) == (["app3"], ["app", "app2"])
    assert all_ready(holders)


async def test_the_first_database_is_the_first_one_also_after_a_failure(
    instances: Callable[..., Watched],  # noqa: F811
    make_source: Callable[..., Source],
    curriculum: Path,
) -> None:
    source = make_source("tiny-replica")
    source = replace(source, editable=(*source.editable, "compose.yaml"))
    compose = source.workspace / "compose.yaml"
    shutil.copy(source.pristine / "compose.yaml", compose)
    instance = instances(source)
    await instance.start()
    before = instance.dsn()
    edit(
        compose, ("max_connections=30", "max_connections=31"), ('"server:app"', '"server:nothing"')
    )
    with pytest.raises(StartFailedError, match="app ended"):
        await instance.apply()
    assert instance.dsn() == before
    assert instance.dsn() == instance.dsn(service="db")
    assert all_ready(instance), [(e.name, e.state, e.reason) for e in instance.status.services]


async def test_an_apply_says_that_a_database_of_another_name_begins_anew(
    instances: Callable[..., Watched],  # noqa: F811
    make_lesson: Callable[..., Source],
) -> None:
    source = make_lesson(lesson(DB, **{"db/1.sql": "CREATE TABLE t (n int);"}))
    source = replace(source, editable=("compose.yaml",))
    compose = source.workspace / "compose.yaml"
    shutil.copy(source.pristine / "compose.yaml", compose)
    instance = instances(source)
    await instance.start()
    edit(compose, ("POSTGRES_USER: shop,", "POSTGRES_USER: shop, POSTGRES_DB: other,"))
    done = await instance.apply()
    assert done.message.startswith("Restarted db. db begins with pristine data: ")
    assert instance.status.reason
    assert instance.status.reason in done.message
    edit(compose, ("16MB", "17MB"))
    assert (await instance.apply()).message == "Restarted db."


async def test_a_stop_ends_what_an_apply_prepares_and_starts_nothing_more(
    instances: Callable[..., Watched],  # noqa: F811
    make_lesson: Callable[..., Source],
    until: Until,
) -> None:
    seed = "SELECT pg_sleep(CASE current_database() WHEN 'slow' THEN 600 ELSE 0 END);\n"
    source = make_lesson(lesson(DB, **{"db/1.sql": seed}))
    source = replace(source, editable=("compose.yaml",))
    compose = source.workspace / "compose.yaml"
    shutil.copy(source.pristine / "compose.yaml", compose)
    instance = instances(source)
    await instance.start()
    edit(compose, ("POSTGRES_USER: shop,", "POSTGRES_USER: shop, POSTGRES_DB: slow,"))
    applying = asyncio.ensure_future(instance.apply())
    await until(lambda: list(paths.templates().glob(".made-up-db-*.partial")))
    stopping = asyncio.ensure_future(instance.stop())
    await until(stopping.done)
    with pytest.raises(ConflictError, match="stopped meanwhile"):
        await applying
    assert instance.status.state is State.STOPPED
    told = [data["state"] for kind, data in instance.events if kind.endswith(".state")]
    assert set(told[told.index("stopping") :]) == {"stopping", "stopped"}

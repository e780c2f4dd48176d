"""Faults end with what they were put on, however that ends, and leave nothing behind."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
import pytest
from links_shop import close_shop, open_shop

from jupyter_sysdesign.errors import ConflictError, StartFailedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from links_shop import Shop

    from jupyter_sysdesign.environment.source import Source

pytestmark = pytest.mark.anyio

REASONS = {
    "stopped": "the environment is stopping",
    "reset": "the environment was reset",
    "killed": "the environment is stopping",
}


@pytest.fixture
async def own(make_source: Callable[..., Source], curriculum: object) -> AsyncIterator[Shop]:
    shop = await open_shop(make_source("tiny-links"))
    yield shop
    await close_shop(shop)


async def put_on(shop: Shop) -> None:
    await shop.inject("latency", ("app", "stock"), latency_ms=5000)
    await shop.inject("cpu-quota", "app", cpus=0.3)
    await shop.inject("hold-lock", "db")
    await shop.inject("wrong-password", "db", drop_connections=False)
    await shop.inject("memory-limit", "cache", mib=1)
    await shop.inject("pause", "cache")


async def works(shop: Shop) -> None:
    assert shop.injector.active == []
    target = shop.instance.target
    shop.http.base_url = f"http://{target.host}:{target.port}"  # type: ignore[assignment]
    assert (await shop.get("/items")).json() == 1000
    assert await shop.fastest_ms("/level", 1) < 4000
    assert (await shop.http.post("/count")).status_code == 200
    assert {each.name: each.cpus for each in shop.instance.status.services}["app"] == 1.5


async def test_a_stop_a_reset_and_a_crash_end_all_faults(own: Shop) -> None:
    for how, reason in REASONS.items():
        own.told.clear()
        await put_on(own)
        put = [each.id for each in own.injector.active]
        assert len(put) == 6
        if how == "stopped":
            await own.instance.stop()
            with pytest.raises(ConflictError, match="is stopped"):
                await own.inject("kill", "app")
            await own.instance.start()
        elif how == "reset":
            await own.instance.reset()
        else:
            runtime = own.instance._life._runtime
            assert runtime is not None
            assert runtime.supervisor is not None
            os.kill(runtime.supervisor, signal.SIGKILL)
            while own.instance.status.state.value != "failed":  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            await own.instance.start()
        ended = [said for kind, said in own.told if kind == "fault.ended"]
        assert [each.id for each in ended] == put
        assert {each.reason for each in ended} == {reason}, how
        await works(own)


async def test_a_stop_does_not_wait_for_a_fault_that_is_being_injected(own: Shop) -> None:
    paused = await own.inject("pause", "cache")
    held = await psycopg.AsyncConnection.connect(own.instance.dsn("app", "db"))
    await held.execute("LOCK TABLE items")
    async with await psycopg.AsyncConnection.connect(own.instance.dsn("admin", "db")) as admin:
        # It waits for the lock's holder, that is, for seconds.
        other = asyncio.create_task(own.inject("hold-lock", "db", table="items"))
        while not (await admin.execute("SELECT FROM pg_locks WHERE NOT granted")).rowcount:  # noqa: ASYNC110 (the server tells nobody)
            await asyncio.sleep(0.02)
    assert not other.done()
    await own.instance.stop()
    with pytest.raises(ConflictError, match="the environment is stopping"):
        await other
    await held.close()
    assert own.injector.active == []
    assert own.ended(paused) == "the environment is stopping"
    await own.instance.start()
    await works(own)


@asynccontextmanager
async def editable(make_source: Callable[..., Source]) -> AsyncIterator[tuple[Shop, Path]]:
    """Open a shop whose ``compose.yaml`` may be edited; return both."""
    source = make_source("tiny-links")
    source = replace(source, editable=(*source.editable, "compose.yaml"))
    compose = source.workspace / "compose.yaml"
    shutil.copy(source.pristine / "compose.yaml", compose)
    shop = await open_shop(source)
    try:
        yield shop, compose
    finally:
        await close_shop(shop)


async def test_a_quota_that_is_applied_during_a_fault_stays(
    make_source: Callable[..., Source], curriculum: object
) -> None:
    async with editable(make_source) as (shop, compose):
        fault = await shop.inject("cpu-quota", "app", cpus=0.3)
        compose.write_text(compose.read_text().replace('cpus: "1.5"', 'cpus: "0.9"'))
        await shop.instance.apply()
        await shop.recover(fault)
        assert {each.name: each.cpus for each in shop.instance.status.services}["app"] == 0.9
        await shop.instance.service("app", "stop")
        await shop.instance.service("app", "start")
        assert {each.name: each.cpus for each in shop.instance.status.services}["app"] == 0.9


async def test_a_quota_does_not_outlive_its_fault_where_what_is_applied_does_not_start(
    make_source: Callable[..., Source], curriculum: object
) -> None:
    async with editable(make_source) as (shop, compose):
        fault = await shop.inject("cpu-quota", "app", cpus=0.3)
        service, app, rest = compose.read_text().partition("  app:\n")
        compose.write_text(service + app + rest.replace("server:app", "server:nothing"))
        with pytest.raises(StartFailedError):
            await shop.instance.apply()
        assert shop.ended(fault) == "app stopped"
        await works(shop)

"""A replica that does not replay shows what was, until it is recovered; on both runtimes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import psycopg
import pytest
from links_shop import Shop, close_shop, open_shop

from jupyter_sysdesign.errors import ConflictError, InvalidRequestError
from jupyter_sysdesign.faults import database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from jupyter_sysdesign.environment.source import Source

pytestmark = pytest.mark.anyio


@pytest.fixture(
    scope="module", params=["embedded", pytest.param("docker", marks=pytest.mark.docker)]
)
async def opened(
    shared_source: Callable[..., Source], request: pytest.FixtureRequest
) -> AsyncIterator[Shop]:
    name = f"replica-{request.param}"
    shop = await open_shop(shared_source("tiny-replica", name), runs_on=request.param)
    yield shop
    await close_shop(shop)


async def add(shop: Shop) -> None:
    (await shop.http.post("/items", json={"category": "x", "price": 1})).raise_for_status()


async def shows(shop: Shop, count: int) -> None:
    until = asyncio.get_running_loop().time() + 30
    while (found := (await shop.get("/items")).json()) != count:
        assert asyncio.get_running_loop().time() < until, f"it shows {found}, not {count}"
        await asyncio.sleep(0.02)


async def test_a_paused_replica_shows_old_data_until_it_is_recovered(shop: Shop) -> None:
    before = (await shop.get("/items")).json()
    fault = await shop.inject("pause-replication", "replica")
    assert fault.evidence.startswith("replay stands at ")
    assert int(fault.evidence.split("; ")[1].split()[0]) > 0
    await add(shop)
    await asyncio.sleep(0.5)
    assert (await shop.get("/items")).json() == before
    with psycopg.connect(shop.instance.dsn("grader", "db")) as primary:
        assert primary.execute("SELECT count(*) FROM public.items").fetchone() == (before + 1,)
        lag = (
            "SELECT sent_lsn = pg_current_wal_lsn(), replay_lsn < sent_lsn FROM pg_stat_replication"
        )
        until = asyncio.get_running_loop().time() + 30
        while (behind := primary.execute(lag).fetchone()) != (True, True):
            assert asyncio.get_running_loop().time() < until, behind
            primary.rollback()  # or it would see the same for ever
            await asyncio.sleep(0.02)
    with pytest.raises(ConflictError, match="already"):
        await shop.inject("pause-replication", "replica")
    await shop.recover(fault)
    await shows(shop, before + 1)
    await shop.recover(fault)
    assert [kind for kind, _ in shop.told] == ["fault.started", "fault.ended"]


async def test_a_restart_ends_it(shop: Shop) -> None:
    fault = await shop.inject("pause-replication", "replica")
    before = (await shop.get("/items")).json()
    await add(shop)
    await shop.inject("restart", "replica")
    assert shop.ended(fault).startswith("replica ")
    assert shop.injector.active == []
    await shows(shop, before + 1)


async def test_it_holds_without_a_primary_too(shop: Shop) -> None:
    kill = await shop.inject("kill", "db")
    fault = await shop.inject("pause-replication", "replica")
    assert fault.evidence == "replay is paused; its primary does not run"
    before = (await shop.get("/items")).json()
    await shop.recover(kill)
    await add(shop)
    await asyncio.sleep(0.5)
    assert (await shop.get("/items")).json() == before
    await shop.recover(fault)
    await shows(shop, before + 1)


async def test_a_replica_that_stands_still_goes_on_in_time_and_replays_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_CONNECT_S", 40)  # longer than we wait
    first = await shop.inject("pause-replication", "replica", for_s=600)
    pause = await shop.inject("pause", "replica", for_s=600)
    for each in (first, pause):
        shop.injector._time_is_over(each.id)
    until = asyncio.get_running_loop().time() + 30
    while shop.injector.active:
        assert asyncio.get_running_loop().time() < until
        await asyncio.sleep(0.02)
    assert [said.id for kind, said in shop.told if kind == "fault.ended"] == [pause.id, first.id]


async def test_each_is_put_where_it_belongs(shop: Shop) -> None:
    with pytest.raises(InvalidRequestError, match="db is no replica") as refused:
        await shop.inject("pause-replication", "db")
    assert refused.value.hint == "It can be put on replica."
    with pytest.raises(InvalidRequestError, match="app is no database"):
        await shop.inject("pause-replication", "app")
    for fault in ("hold-lock", "wrong-password"):
        with pytest.raises(InvalidRequestError, match="replica is a replica"):
            await shop.inject(fault, "replica")
    await shop.recover(await shop.inject("exhaust-connections", "replica"))

"""What a fault on a link does, measured from outside beside the same path without it."""

from __future__ import annotations

import asyncio
import math
import operator
import os
import random
from typing import TYPE_CHECKING

import psycopg
import pytest
import redis

from jupyter_sysdesign.errors import ConflictError, InvalidRequestError, NotFoundError

if TYPE_CHECKING:
    from links_shop import Shop

pytestmark = pytest.mark.anyio

STOCK = ("app", "stock")
CACHE = ("app", "cache")
DB = ("app", "db")
LB = ("lb", "app")


async def test_marked_links_go_through_one_process_that_the_ledger_knows(shop: Shop) -> None:
    status = shop.instance.status
    assert all(each.marked for each in status.links if (each.source, each.target) in (STOCK, DB))
    assert status.proxy is not None
    ledger = (shop.instance.source.workspace.parent / "home" / "instances").glob("*/ledger.json")
    text = next(iter(ledger)).read_text()
    # Containers are known by their labels.
    assert (f"[{status.proxy.pid}, " if shop.instance.runs_on == "embedded" else "docker") in text
    for path in ("/items", "/level"):
        assert (await shop.get(path)).status_code == 200
    assert (await shop.http.post("/count")).status_code == 200


@pytest.mark.parametrize(("link", "path"), [(STOCK, "/level"), (LB, "/level")])
async def test_latency_is_added_to_each_round_trip(
    shop: Shop, link: tuple[str, str], path: str
) -> None:
    before = await shop.fastest_ms(path)
    fault = await shop.inject("latency", link, latency_ms=200)
    slower = await shop.fastest_ms(path, below=before + 300)
    await shop.recover(fault)
    after = await shop.fastest_ms(path, below=before + 100)
    assert 200 <= slower < before + 300
    assert after < before + 100
    assert "ms" in fault.evidence


async def test_latency_of_a_database_counts_for_every_round_trip(shop: Shop) -> None:
    before = await shop.fastest_ms("/items", 3)
    await shop.inject("latency", DB, latency_ms=50)
    # Logging in alone takes three: startup, SCRAM's two, and the statement with its transaction.
    most = before + 10 * 50
    assert 3 * 50 <= await shop.fastest_ms("/items", 3, below=most) < most


async def test_latencies_of_two_links_add_up_and_the_same_twice_is_refused(shop: Shop) -> None:
    before = await shop.fastest_ms("/level")
    await shop.inject("latency", STOCK, latency_ms=100)
    with pytest.raises(ConflictError, match="Latency is on app → stock already"):
        await shop.inject("latency", STOCK, latency_ms=100)
    await shop.inject("latency", LB, latency_ms=100)
    await shop.inject("jitter", STOCK, jitter_ms=1)
    assert 200 <= await shop.fastest_ms("/level", below=before + 350) < before + 350


async def test_jitter_is_spread_over_its_range_and_drawn_from_its_seed(shop: Shop) -> None:
    before = await shop.fastest_ms("/level")
    drawn = random.Random(7)
    least = [drawn.random() * 200 for _ in range(6)]
    most = [before + each + 150 for each in least]
    fastest = [math.inf] * 6
    # The same seed draws the same: what a busy machine added to one answer, it adds to few rounds.
    for _ in range(10):
        fault = await shop.inject("jitter", STOCK, jitter_ms=200, seed=7)
        took = [await shop.took_ms("/level") for _ in least]
        await shop.recover(fault)
        assert all(map(operator.le, least, took)), (least, took)
        fastest = list(map(min, fastest, took))
        if all(map(operator.lt, fastest, most)):
            break
    assert all(map(operator.lt, fastest, most)), (fastest, most)


async def test_a_partition_in_both_directions(shop: Shop) -> None:
    await shop.http.post("/count")
    url = shop.instance.cache_url("cache")
    before = int(redis.Redis.from_url(url).get("count"))
    fault = await shop.inject("partition", CACHE)
    answer = await shop.http.post("/count")
    assert (answer.status_code, answer.json()["detail"]) == (503, "TimeoutError")
    assert int(redis.Redis.from_url(url).get("count")) == before
    await shop.recover(fault)
    assert (await shop.http.post("/count")).status_code == 200


async def test_a_partition_of_the_answers_only(shop: Shop) -> None:
    await shop.http.post("/count")
    url = shop.instance.cache_url("cache")
    before = int(redis.Redis.from_url(url).get("count"))
    fault = await shop.inject("partition", CACHE, direction="to_source")
    # The connection was there already: the order arrives and is carried out.
    assert (await shop.http.post("/count")).status_code == 503
    assert int(redis.Redis.from_url(url).get("count")) == before + 1
    with pytest.raises(ConflictError, match="does not go with it"):
        await shop.inject("blackhole", CACHE)
    await shop.recover(fault)
    assert (await shop.http.post("/count")).status_code == 200


async def test_a_partition_of_the_requests_only(shop: Shop) -> None:
    await shop.http.post("/count")
    url = shop.instance.cache_url("cache")
    before = int(redis.Redis.from_url(url).get("count"))
    await shop.inject("partition", CACHE, direction="to_target")
    assert (await shop.http.post("/count")).status_code == 503
    assert int(redis.Redis.from_url(url).get("count")) == before


async def test_what_waited_at_a_partition_arrives_when_it_heals(shop: Shop) -> None:
    await shop.get("/level")
    fault = await shop.inject("partition", STOCK)
    asking = asyncio.create_task(shop.get("/level"))
    done, _ = await asyncio.wait([asking], timeout=0.5)
    assert not done
    await shop.recover(fault)
    assert (await asking).json() == 12


async def test_one_of_ten_requests_is_reset(shop: Shop) -> None:
    fault = await shop.inject("reset", STOCK, share=0.1, seed=11)
    answers = [await shop.get("/level") for _ in range(300)]
    await shop.recover(fault)
    broken = [answer for answer in answers if answer.status_code != 200]
    assert {answer.json()["detail"] for answer in broken} == {"ReadError"}
    # Five standard deviations of a binomial distribution of 300 × 0.1, and the draws themselves.
    assert 4 < len(broken) < 56
    drawn = random.Random(11)
    assert [answer.status_code != 200 for answer in answers] == [
        drawn.random() < 0.1 for _ in answers
    ]


async def test_all_new_connections_are_reset_and_old_ones_go_on(shop: Shop) -> None:
    assert (await shop.get("/level")).status_code == 200
    await shop.inject("reset", STOCK, share=1, of="connections")
    assert (await shop.get("/level")).status_code == 200
    await shop.inject("reset", DB, share=1, of="connections")
    answer = await shop.get("/items")
    assert answer.status_code == 503
    assert "server closed the connection" in answer.text or "reset by peer" in answer.text


async def test_a_blackhole_takes_everything_and_gives_nothing(shop: Shop) -> None:
    await shop.http.post("/count")
    fault = await shop.inject("blackhole", CACHE)
    answer = await shop.http.post("/count")
    assert answer.json()["detail"] == "TimeoutError"
    await shop.recover(fault)
    # The connection that lost bytes was ended: the next one begins anew.
    assert (await shop.http.post("/count")).status_code == 200


async def test_bandwidth_holds_for_the_sum_of_all_connections(shop: Shop) -> None:
    size = 40 * 1024
    before = await shop.fastest_ms(f"/list?size={size}", 3)
    await shop.inject("bandwidth", STOCK, kib_per_s=100)
    for at_once in (1, 2):
        most = at_once * (before + 600)
        took = await shop.fastest_ms(f"/list?size={size}", 1, at_once=at_once, below=most)
        assert at_once * 390 <= took < most
    small = await shop.fastest_ms("/level", 3, below=before + 100)
    assert small < before + 100


async def test_a_fault_ends_by_itself_in_time(shop: Shop) -> None:
    fault = await shop.inject("latency", STOCK, latency_ms=100, for_s=0.3)
    assert fault.ends_at is not None
    while shop.injector.active:  # noqa: ASYNC110 (that is told to others)
        await asyncio.sleep(0.02)
    assert shop.ended(fault) == "its time was over"


async def test_wrong_requests_change_nothing(shop: Shop) -> None:
    with pytest.raises(NotFoundError, match="no fault 'gravity'"):
        await shop.inject("gravity", STOCK)
    with pytest.raises(NotFoundError, match="stock → app") as refused:
        await shop.inject("latency", ("stock", "app"))
    assert "app → stock" in refused.value.hint
    with pytest.raises(InvalidRequestError, match="put on a link"):
        await shop.inject("latency", "stock")
    with pytest.raises(InvalidRequestError, match=r"arguments.latency_ms"):
        await shop.inject("latency", STOCK, latency_ms=-1)
    with pytest.raises(InvalidRequestError, match="latency"):
        await shop.inject("latency", STOCK, latency=1)
    assert shop.told == []


async def test_a_killed_proxy_comes_back_and_takes_its_faults_with_it(shop: Shop) -> None:
    fault = await shop.inject("partition", STOCK)
    proxy = shop.instance.status.proxy
    assert proxy is not None
    assert proxy.pid is not None
    os.kill(proxy.pid, 9)
    while (now := shop.instance.status.proxy) is None or now.pid in (None, proxy.pid):  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    assert shop.ended(fault) == "the link proxy ended"
    assert shop.injector.active == []
    assert shop.instance.status.state.value == "ready"
    # Connections through the old one are broken, and the way is free again.
    while (await shop.get("/level")).status_code != 200:
        pass
    await shop.recover(fault)


async def test_psql_of_the_learner_goes_straight_to_the_database(shop: Shop) -> None:
    await shop.inject("partition", DB)
    dsn = shop.instance.dsn()
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        assert (await (await connection.execute("SELECT 1")).fetchone()) == (1,)

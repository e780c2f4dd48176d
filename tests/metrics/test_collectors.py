"""Each collector on the real server it is for."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import TYPE_CHECKING

import httpx
import psutil
import psycopg
import pytest
from prometheus_client import Counter, Gauge, Histogram

from jupyter_sysdesign.metrics.collectors.app import AppCollector
from jupyter_sysdesign.metrics.collectors.haproxy import HaproxyCollector, parse
from jupyter_sysdesign.metrics.collectors.postgres import PostgresCollector
from jupyter_sysdesign.metrics.collectors.valkey import ValkeyCollector

if TYPE_CHECKING:
    from conftest import Haproxy, Page, Postgres, Valkey
    from prometheus_client import CollectorRegistry

pytestmark = pytest.mark.anyio


def _histogram(registry: CollectorRegistry) -> Histogram:
    return Histogram(
        "http_request_duration_seconds",
        "Time to answer",
        ["method", "route", "status"],
        buckets=(0.01, 0.1, 1),
        registry=registry,
    )


@pytest.mark.parametrize("kind", ["page", "unix_page"])
async def test_an_apps_own_metrics(kind: str, request: pytest.FixtureRequest):
    page: Page = request.getfixturevalue(kind)
    latency = _histogram(page.registry)
    pool = Gauge("pool_in_use", "Connections lent", ["pool"], registry=page.registry)
    jobs = Counter("jobs_done", "Jobs", registry=page.registry)
    wait = Histogram("pool_wait_seconds", "Waiting", buckets=(0.1, 1), registry=page.registry)
    collector = AppCollector(page.source)
    pool.labels("a").set(3)
    pool.labels("b").set(4)
    first = await collector.sample()
    assert first == {"app.pool_in_use": 7}
    idle = await collector.sample()
    assert (idle["app.requests_per_s"], idle["app.errors_per_s"]) == (0, 0)

    began = time.monotonic()
    for _ in range(90):
        latency.labels("GET", "/items", "200").observe(0.05)
    for _ in range(10):
        latency.labels("GET", "/items", "503").observe(0.5)
    for _ in range(1000):  # questions of ours
        latency.labels("GET", "/metrics", "200").observe(9)
    jobs.inc(30)
    wait.observe(0.05)
    await asyncio.sleep(1)
    second = await collector.sample()
    seconds = time.monotonic() - began
    # The collector's interval began a little earlier than this test's and ended a little earlier.
    assert second["app.requests_per_s"] == pytest.approx(100 / seconds, rel=0.5)
    assert second["app.errors_per_s"] / second["app.requests_per_s"] == pytest.approx(0.1)
    assert second["app.jobs_done_per_s"] / second["app.requests_per_s"] == pytest.approx(0.3)
    assert second["app.latency_p50_ms"] == pytest.approx(10 + 90 * 50 / 90)
    assert second["app.latency_p95_ms"] == pytest.approx(100 + 900 * 5 / 10)
    assert second["app.latency_p99_ms"] == pytest.approx(100 + 900 * 9 / 10)
    assert second["app.pool_wait_p50_ms"] == pytest.approx(50)

    third = await collector.sample()
    assert third["app.requests_per_s"] == 0
    assert third["app.errors_per_s"] == 0
    assert "app.latency_p99_ms" not in third  # nobody asked: there is no latency
    await collector.close()


async def test_an_app_that_restarts_counts_from_nothing(page: Page):
    latency = _histogram(page.registry)
    for _ in range(500):
        latency.labels("GET", "/", "200").observe(0.05)
    collector = AppCollector(page.source)
    await collector.sample()
    page.registry = type(page.registry)()
    latency = _histogram(page.registry)
    for _ in range(20):
        latency.labels("GET", "/", "200").observe(0.5)
    began = time.monotonic()
    await asyncio.sleep(1)
    found = await collector.sample()
    assert 0 < found["app.requests_per_s"] < 40 / (time.monotonic() - began)
    assert found["app.latency_p50_ms"] > 100
    await collector.close()


async def test_requests_without_a_status_say_nothing_of_errors(page: Page):
    requests = Counter("http_requests", "Requests", ["path"], registry=page.registry)
    collector = AppCollector(page.source)
    await collector.sample()
    idle = await collector.sample()
    assert idle == {
        "app.requests_per_s": 0,
        "app.errors_per_s": 0,
    }  # nobody came, and nobody met one
    requests.labels("/a").inc(30)
    found = await collector.sample()
    assert found["app.requests_per_s"] > 0
    assert "app.errors_per_s" not in found
    await collector.close()


async def test_a_counter_of_requests_goes_before_the_histogram(page: Page):
    requests = Counter("http_requests", "Requests", ["path", "code"], registry=page.registry)
    _histogram(page.registry)
    collector = AppCollector(page.source)
    await collector.sample()
    requests.labels("/a", "200").inc(30)
    requests.labels("/a", "500").inc(10)
    requests.labels("/health", "200").inc(99)
    await asyncio.sleep(0.05)
    found = await collector.sample()
    assert found["app.errors_per_s"] / found["app.requests_per_s"] == pytest.approx(0.25)
    await collector.close()


async def test_requests_to_others_are_not_its_own(page: Page):
    payment = Histogram(
        "payment_request_duration_seconds", "Bank", buckets=(1, 3), registry=page.registry
    )
    latency = _histogram(page.registry)
    collector = AppCollector(page.source)
    await collector.sample()
    for _ in range(100):
        latency.labels("GET", "/items", "200").observe(0.005)
        payment.observe(2)
    began = time.monotonic()
    await asyncio.sleep(0.5)
    found = await collector.sample()
    assert found["app.requests_per_s"] < 150 / (time.monotonic() - began)
    assert found["app.latency_p95_ms"] <= 10
    assert found["app.payment_request_duration_p95_ms"] > 1000
    await collector.close()


async def test_a_page_that_is_missing_is_an_error(page: Page):
    page.close()
    collector = AppCollector(page.source)
    with pytest.raises(httpx.ConnectError):
        await collector.sample()
    await collector.close()


async def test_postgres_says_what_statements_do(postgres: Postgres):
    collector = PostgresCollector(postgres.source)
    first = await collector.sample()
    assert first["db.connections_total"] == 0
    assert first["db.connections_max"] == 100
    assert not [name for name in first if name.endswith("_per_s")]

    with psycopg.connect(postgres.dsn("shop"), autocommit=True) as app:
        for _ in range(4):
            app.execute("SELECT count(*) FROM items WHERE category = 3").fetchall()
        for number in range(10):
            app.execute("SELECT * FROM items WHERE id = %s", (number,)).fetchall()
        app.execute("INSERT INTO items VALUES (9001, 1, 1), (9002, 1, 1)")
        app.execute("SELECT pg_sleep(0.1)")
        backend = app.info.backend_pid
    # Sessions report what they did when they end, at the latest, and are counted until then.
    while psutil.pid_exists(backend):  # noqa: ASYNC110 (it tells nobody)
        await asyncio.sleep(0.01)
    with psycopg.connect(postgres.dsn("shop"), autocommit=True):
        found = await collector.sample()
        for _ in range(200):
            if found["db.seq_scans_per_s"]:
                break
            await asyncio.sleep(0.02)
            found = await collector.sample()
        assert found["db.connections_total"] == found["db.connections_idle"] == 1
    scans = found["db.seq_scans_per_s"]
    assert found["db.table.items.seq_scans_per_s"] == scans
    assert found["db.table.items.seq_tuples_per_s"] / scans == pytest.approx(5000)
    assert found["db.index_scans_per_s"] / scans == pytest.approx(10 / 4)
    assert found["db.rows_written_per_s"] / scans == pytest.approx(2 / 4)
    assert found["db.table.untouched.seq_scans_per_s"] == 0
    assert not [name for name in found if "migrations" in name]
    assert found["db.blocks_per_s"] / scans > 20
    assert 0 <= found["db.cache_hit_ratio"] <= 1
    assert found["db.transactions_per_s"] / scans >= 16 / 4 * 0.9
    assert found["db.slowest_statement_ms"] >= 100
    assert found["db.statements_per_s"] / scans >= 16 / 4
    await collector.close()


@pytest.mark.parametrize(
    ("change", "table"),
    [("DROP INDEX spare", "items"), ("ALTER TABLE items RENAME TO goods", "goods")],
)
async def test_a_change_of_the_schema_is_no_traffic(postgres: Postgres, change: str, table: str):
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as admin:
        admin.execute("CREATE INDEX spare ON items (price)")
        with psycopg.connect(postgres.dsn("shop"), autocommit=True) as app:
            app.execute("SET enable_seqscan = off")
            for number in range(500):
                app.execute("SELECT * FROM items WHERE id = %s", (number,))
            for number in range(5):
                app.execute("SELECT * FROM items WHERE price = %s", (number,))
            backend = app.info.backend_pid
        # Sessions report what they did when they end, at the latest.
        while psutil.pid_exists(backend):  # noqa: ASYNC110 (it tells nobody)
            await asyncio.sleep(0.01)
        collector = PostgresCollector(postgres.source)
        await collector.sample()
        assert (await collector.sample())["db.table.items.index_scans_per_s"] == 0
        admin.execute(change)
        found = await collector.sample()
    assert found[f"db.table.{table}.index_scans_per_s"] == 0
    assert found[f"db.table.{table}.index_tuples_per_s"] == 0
    assert found["db.index_scans_per_s"] == 0
    await collector.close()


async def test_totals_are_over_all_tables(postgres: Postgres):
    async def done(statement: str) -> None:
        with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as admin:
            admin.execute(statement)
            backend = admin.info.backend_pid
        # Sessions report what they did when they end, at the latest.
        while psutil.pid_exists(backend):  # noqa: ASYNC110 (it tells nobody)
            await asyncio.sleep(0.01)

    many = "CREATE TABLE t%s AS SELECT generate_series(1, 99) id"
    await done(f"DO $$ BEGIN FOR n IN 1..30 LOOP EXECUTE format('{many}', n); END LOOP; END $$")
    await done("CREATE TABLE youngest (id int)")
    collector = PostgresCollector(postgres.source)
    await collector.sample()
    assert (await collector.sample())["db.rows_written_per_s"] == 0
    await done("INSERT INTO youngest VALUES (1), (2)")
    found = await collector.sample()
    assert found["db.rows_written_per_s"] > 0
    tables = [name for name in found if name.startswith("db.table.")]
    shown = [name for name in tables if name.endswith(".rows_written_per_s")]
    assert len(shown) == 20
    assert "db.table.youngest.rows_written_per_s" not in shown
    await collector.close()


async def test_an_idle_database_looks_idle_however_often_it_is_asked(postgres: Postgres):
    collector = PostgresCollector(postgres.source)
    await collector.sample()
    for _ in range(30):
        await asyncio.sleep(0.05)
        found = await collector.sample()
        assert found["db.blocks_per_s"] == 0
        assert found["db.seq_scans_per_s"] == 0
        assert found["db.connections_total"] == 0
        assert "db.slowest_statement_ms" not in found
        assert "db.cache_hit_ratio" not in found
    await collector.close()


async def test_connections_are_counted_by_state(postgres: Postgres):
    collector = PostgresCollector(postgres.source)
    holder = await psycopg.AsyncConnection.connect(postgres.dsn("shop"))
    await holder.execute("UPDATE items SET price = 1 WHERE id = 1")
    waiter = await psycopg.AsyncConnection.connect(postgres.dsn("shop"))
    waiting = asyncio.create_task(waiter.execute("UPDATE items SET price = 2 WHERE id = 1"))
    found = await collector.sample()
    while not found["db.connections_waiting"]:
        await asyncio.sleep(0.01)
        found = await collector.sample()
    assert found["db.connections_idle_in_transaction"] == 1
    assert found["db.connections_active"] == found["db.connections_waiting"] == 1
    assert found["db.connections_total"] == 2
    await holder.rollback()
    await waiting
    for each in (holder, waiter):
        await each.close()
    await collector.close()


async def test_a_database_without_the_extension_still_has_the_rest(postgres: Postgres):
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as admin:
        admin.execute("DROP EXTENSION pg_stat_statements")
    collector = PostgresCollector(postgres.source)
    await collector.sample()
    await asyncio.sleep(0.02)
    found = await collector.sample()
    assert "db.seq_scans_per_s" in found
    assert "db.statements_per_s" not in found
    await collector.close()


async def test_a_session_that_was_ended_is_opened_again(postgres: Postgres):
    collector = PostgresCollector(postgres.source)
    await collector.sample()
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'grader'"
        )
    with pytest.raises(psycopg.OperationalError):
        await collector.sample()
    assert "db.connections_total" in await collector.sample()
    await collector.close()


async def test_closing_ends_a_question_to_a_frozen_database(postgres: Postgres):
    collector = PostgresCollector(postgres.source)
    await collector.sample()
    processes = [psutil.Process(pid) for pid in postgres.everybody()]
    for process in processes:
        process.suspend()
    asking = asyncio.create_task(collector.sample())
    await asyncio.sleep(0.1)
    assert not asking.done()
    await collector.close()
    with pytest.raises(psycopg.OperationalError):
        await asking
    for process in processes:
        process.resume()


async def test_valkey(valkey: Valkey):
    collector = ValkeyCollector(valkey.source)
    first = await collector.sample()
    assert first["cache.clients"] == 0
    assert first["cache.keys"] == 0
    with valkey.client() as client:
        for number in range(20):
            client.set(f"k{number}", "x" * 1000)
        for number in range(15, 25):
            client.get(f"k{number}")
        found = await collector.sample()
        assert found["cache.clients"] == 1
    assert found["cache.keys"] == 20
    assert found["cache.hit_ratio"] == 0.5
    assert found["cache.ops_per_s"] > 0
    assert found["cache.memory_used_bytes"] > first["cache.memory_used_bytes"]
    quiet = await collector.sample()
    assert "cache.hit_ratio" not in quiet
    await collector.close()


def settled(haproxy: Haproxy, *, errors: int) -> bool:
    with socket.socket(socket.AF_UNIX) as stats:
        stats.connect(str(haproxy.path))
        stats.sendall(b"show stat\n")
        rows = parse(b"".join(iter(lambda: stats.recv(65536), b"")).decode())
    fronts = [row for row in rows if row["svname"] == "FRONTEND" and row["pxname"] != "stats"]
    return all(row["hrsp_5xx"] == str(errors) and row["scur"] == "0" for row in fronts)


async def test_haproxy(haproxy: Haproxy):
    collector = HaproxyCollector(haproxy.source)
    await collector.sample()

    def ask(path: str) -> int:
        return httpx.get(
            f"http://127.0.0.1:{haproxy.port}{path}", trust_env=False, timeout=60
        ).status_code

    answers = [await asyncio.to_thread(ask, path) for path in ["/metrics"] * 9 + ["/nowhere"] * 3]
    assert answers == [200] * 9 + [503] * 3
    # An answer is counted when HAProxy is done with it, which may be after it has arrived.
    while not settled(haproxy, errors=3):  # noqa: ASYNC110 (HAProxy has no event for it)
        await asyncio.sleep(0.02)
    found = await collector.sample()
    requests = found["lb.requests_per_s"]
    assert requests > 0
    assert found["lb.errors_per_s"] / requests == pytest.approx(3 / 12)
    assert found["lb.server.here.requests_per_s"] / requests == pytest.approx(9 / 12)
    assert found["lb.server.here.up"] == 1
    assert found["lb.servers_up"] == 2  # without health checks nobody knows better
    assert found["lb.servers_down"] == 0
    assert found["lb.retries_per_s"] > 0
    assert found["lb.sessions"] == found["lb.queued"] == 0
    assert not [name for name in found if "stats" in name]

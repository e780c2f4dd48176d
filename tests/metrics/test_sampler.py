"""All services at once: one that is dead, frozen or slow costs nobody else a sample."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import psutil
import psycopg
import pytest
from prometheus_client import Gauge

from jupyter_sysdesign.load.target import Target
from jupyter_sysdesign.metrics.sampler import Sampler
from jupyter_sysdesign.metrics.sources import AppSource, Sources

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Haproxy, Page, Postgres, Valkey

pytestmark = pytest.mark.anyio

ONE_OF_EACH = {
    "app": "app.answer",
    "db": "db.connections_total",
    "cache": "cache.keys",
    "lb": "lb.sessions",
}


def _services(values: dict[str, float]) -> set[str]:
    return {service for service, name in ONE_OF_EACH.items() if name in values}


def _tasks() -> set[str]:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    return {task.get_coro().__qualname__ for task in others}  # type: ignore[union-attr]


async def _until(sampler: Sampler, expected: set[str]) -> None:
    """Wait until two samples in a row have just these services."""
    end = time.monotonic() + 30
    last: list[float] = []
    while len(last) < 2:
        assert time.monotonic() < end, (_services(sampler.latest[1]), expected)
        ts, values = sampler.latest
        if _services(values) != expected:
            last.clear()
        elif ts not in last:
            last.append(ts)
        await asyncio.sleep(0.02)


@pytest.fixture
def sources(page: Page, postgres: Postgres, valkey: Valkey, haproxy: Haproxy) -> Sources:
    Gauge("answer", "To everything", registry=page.registry).set(42)
    return Sources(
        apps=(page.source,),
        postgres=(postgres.source,),
        valkey=(valkey.source,),
        haproxy=(haproxy.source,),
        processes=lambda: {"db": postgres.everybody(), "cache": [valkey.pid]},
        cpu_quotas={"db": 0.4},
    )


async def test_a_frozen_or_dead_service_has_missing_values_and_nobody_else_waits(
    sources: Sources,
    postgres: Postgres,
    valkey: Valkey,
    haproxy: Haproxy,
    start_valkey: Callable[[], Valkey],
):
    heard: list[tuple[float, dict[str, float]]] = []
    sampler = Sampler(
        sources, interval_s=0.2, on_sample=lambda ts, values: heard.append((ts, values))
    )
    sampler.start()
    everybody = set(ONE_OF_EACH)
    await _until(sampler, everybody)
    assert sampler.latest[1]["db.cpu_quota_cores"] == 0.4
    assert sampler.latest[1]["db.memory_bytes"] > 1_000_000

    frozen = [psutil.Process(pid) for pid in postgres.everybody()]
    for process in frozen:
        process.suspend()
    await _until(sampler, everybody - {"db"})
    assert "db.memory_bytes" in sampler.latest[1]  # it is still there

    valkey.freeze()
    haproxy.freeze()
    await _until(sampler, {"app"})
    for process in (*frozen, psutil.Process(valkey.pid), psutil.Process(haproxy.pid)):
        process.resume()
    await _until(sampler, everybody)

    valkey.kill()
    await _until(sampler, everybody - {"cache"})
    start_valkey()
    await _until(sampler, everybody)
    await sampler.stop()

    times, values = sampler.series.window()
    assert times == [ts for ts, _ in heard]
    assert values["db.connections_total"].count(None) >= 4
    assert 42 in values["app.answer"]


async def test_it_stops_at_once_although_a_database_is_frozen(
    sources: Sources, postgres: Postgres, recwarn: pytest.WarningsRecorder
):
    sampler = Sampler(sources, interval_s=0.2)
    sampler.start()
    await _until(sampler, set(ONE_OF_EACH))
    frozen = [psutil.Process(pid) for pid in postgres.everybody()]
    for process in frozen:
        process.suspend()
    await _until(sampler, set(ONE_OF_EACH) - {"db"})
    await sampler.stop()
    end = time.monotonic() + 30
    while ours := {name for name in _tasks() if "sample" in name or "Sampler" in name}:
        assert time.monotonic() < end, ours
        await asyncio.sleep(0.02)
    for process in frozen:
        process.resume()
    assert not recwarn.list


@pytest.mark.parametrize("late_s", [0, 0.1])
async def test_it_leaves_no_session_behind(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch, late_s: float
):
    connect = psycopg.AsyncConnection.connect

    async def connecting(*arguments: object, **options: object) -> object:
        await asyncio.sleep(late_s)
        return await connect(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(psycopg.AsyncConnection, "connect", connecting)
    sampler = Sampler(Sources(postgres=(postgres.source,)), interval_s=0.1)
    await sampler.sample()
    await sampler.stop()
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as admin:
        query = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'grader'"
        end = time.monotonic() + 10
        while admin.execute(query).fetchone() != (0,):
            assert time.monotonic() < end
            await asyncio.sleep(0.02)


async def test_a_service_that_answers_late_has_its_values_in_a_later_sample(page: Page):
    Gauge("answer", "To everything", registry=page.registry).set(42)
    release = asyncio.Event()

    async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await release.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nlate 1\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(slowly, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    slow = AppSource("slow", Target("127.0.0.1", port))
    sampler = Sampler(Sources(apps=(page.source, slow)), interval_s=0.1)
    seen: list[dict[str, float]] = []
    while seen.count({"app.answer": 42}) < 3:
        seen.append(await sampler.sample())
        assert len(seen) < 100
    assert not [values for values in seen if "slow.late" in values]
    release.set()
    while "slow.late" not in seen[-1]:
        seen.append(await sampler.sample())
        assert len(seen) < 200
    await sampler.stop()
    server.close()
    await server.wait_closed()


async def test_a_service_that_is_always_late_has_its_values_in_each_sample():
    async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.15)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nlate 1\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(slowly, "127.0.0.1", 0)
    slow = AppSource("slow", Target("127.0.0.1", server.sockets[0].getsockname()[1]))
    sampler = Sampler(Sources(apps=(slow,)), interval_s=0.2)

    async def answered() -> None:
        end = time.monotonic() + 30
        while not all(task.done() for task in sampler._pending.values()):
            assert time.monotonic() < end
            await asyncio.sleep(0.01)

    await sampler.sample()
    for _ in range(3):
        await answered()
        assert "slow.late" in await sampler.sample()
    await answered()
    await sampler.stop()
    server.close()
    await server.wait_closed()


async def test_sources_may_change_and_may_be_unknown_for_a_while(page: Page, valkey: Valkey):
    Gauge("answer", "To everything", registry=page.registry).set(42)
    now = Sources(apps=(page.source,))

    def sources() -> Sources:
        if now is None:
            raise LookupError("it is being restarted")
        return now

    sampler = Sampler(sources, interval_s=0.1)

    async def found() -> set[str]:
        for _ in range(100):  # on a busy machine an answer may be late
            if services := _services(await sampler.sample()):
                return services
        return set()

    assert await found() == {"app"}
    now = None  # type: ignore[assignment]
    assert await found() == {"app"}
    now = Sources(valkey=(valkey.source,))
    assert await found() == {"cache"}
    await sampler.stop()


async def test_an_app_cannot_say_for_itself_what_is_measured_from_outside(page: Page):
    for name in ("answer", "memory_bytes", "cpu_quota_cores"):
        Gauge(name, "To everything", registry=page.registry).set(42)
    now = Sources(processes=lambda: {"app": [os.getpid()]})
    sampler = Sampler(lambda: now, interval_s=0.1)
    await sampler.sample()
    now = replace(now, apps=(page.source,))  # it comes last
    found = await sampler.sample()
    for _ in range(100):  # on a busy machine an answer may be late
        if "app.answer" in found:
            break
        found = await sampler.sample()
    assert found["app.answer"] == 42
    assert found["app.memory_bytes"] > 1_000_000
    assert "app.cpu_quota_cores" not in found  # it has none
    await sampler.stop()


async def test_a_listener_that_fails_does_not_end_it(page: Page, caplog):
    Gauge("answer", "To everything", registry=page.registry).set(42)

    heard = 0
    enough = asyncio.Event()

    def fail(_ts: float, _values: dict[str, float]) -> None:
        nonlocal heard
        heard += 1
        if heard == 3:
            enough.set()
        raise RuntimeError("not today")

    sampler = Sampler(Sources(apps=(page.source,)), interval_s=0.05, on_sample=fail)
    sampler.start()
    await enough.wait()
    await sampler.stop()
    assert "not today" in caplog.text

"""What a fault on a service, a database or a cache does, on real servers."""

from __future__ import annotations

import asyncio
import errno
import time
from typing import TYPE_CHECKING, Any

import psutil
import psycopg
import pytest
import redis

from jupyter_sysdesign.environment import proctree
from jupyter_sysdesign.environment.services import postgres
from jupyter_sysdesign.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
)
from jupyter_sysdesign.faults import cache as cache_faults
from jupyter_sysdesign.faults import database as database_faults
from jupyter_sysdesign.faults.cache import MemoryLimit
from jupyter_sysdesign.faults.database import ExhaustConnections

if TYPE_CHECKING:
    from links_shop import Shop

    from jupyter_sysdesign.faults.fault import Fault

pytestmark = pytest.mark.anyio


async def until(condition: object, timeout_s: float = 30.0) -> None:
    deadline = asyncio.get_running_loop().time() + timeout_s
    while not condition():  # type: ignore[operator]
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.01)


def fail_once(
    monkeypatch: pytest.MonkeyPatch, kind: type[Fault[Any]], method: str, error: Exception
) -> None:
    works = getattr(kind, method)

    async def fails(_fault: Fault[Any]) -> None:
        monkeypatch.setattr(kind, method, works)
        raise error

    monkeypatch.setattr(kind, method, fails)


# --- services ----------------------------------------------------------------------------------


async def test_a_killed_service_is_gone_until_it_is_recovered(shop: Shop) -> None:
    pids = shop.instance.processes()["stock"]
    fault = await shop.inject("kill", "stock")
    assert fault.evidence.startswith(f"nothing is left of {len(pids)} process")
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert (await shop.get("/level")).status_code == 502
    with pytest.raises(ConflictError):
        await shop.inject("kill", "stock")
    await shop.recover(fault)
    assert (await shop.get("/level")).status_code == 200
    await shop.recover(fault)
    assert [kind for kind, _ in shop.told] == ["fault.started", "fault.ended"]


async def test_a_killed_service_that_somebody_starts_is_over_it(shop: Shop) -> None:
    fault = await shop.inject("kill", "stock")
    await shop.instance.service("stock", "start")
    assert shop.ended(fault) == "stock was started again"
    assert shop.injector.active == []


async def test_a_paused_service_stands_still_and_goes_on(shop: Shop) -> None:
    fault = await shop.inject("pause", "stock")
    asking = asyncio.create_task(shop.get("/level"))
    done, _ = await asyncio.wait([asking], timeout=0.4)
    assert not done
    assert await shop.instance.stands_still("stock")
    await shop.recover(fault)
    assert (await asking).json() == 12


async def test_a_pause_by_hand_is_nobody_elses_to_end(shop: Shop) -> None:
    await shop.instance.service("stock", "pause")
    with pytest.raises(ConflictError, match="stock is paused"):
        await shop.inject("pause", "stock")
    assert {each.name: each.state.value for each in shop.instance.status.services}[
        "stock"
    ] == "paused"
    await shop.instance.service("stock", "resume")
    fault = await shop.inject("pause", "stock")
    await shop.instance.service("stock", "resume")
    assert shop.ended(fault) == "stock was resumed"


async def test_what_kills_a_service_ends_what_was_on_it(shop: Shop) -> None:
    pause = await shop.inject("pause", "stock")
    quota = await shop.inject("cpu-quota", "stock", cpus=0.5)
    kill = await shop.inject("kill", "stock")
    assert shop.ended(pause) == shop.ended(quota) == "stock failed: killed"
    await shop.recover(kill)
    assert next(e for e in shop.instance.status.services if e.name == "stock").cpus is None


async def test_a_restart_is_another_process(shop: Shop) -> None:
    before = shop.instance.processes()["stock"][0]
    fault = await shop.inject("restart", "stock")
    assert (fault.state, fault.reason) == ("ended", "it is over as soon as it is done")
    assert shop.instance.processes()["stock"][0] != before
    assert [kind for kind, _ in shop.told] == ["fault.started", "fault.ended"]


@pytest.mark.measures
@pytest.mark.skipif(not proctree.LINUX, reason="CPU quotas need Linux")
async def test_a_cpu_quota_holds_and_the_old_one_comes_back(shop: Shop) -> None:
    async def cpu_s_of_busy_work() -> tuple[float, float]:
        pids = shop.instance.processes()["stock"]
        before, began = cpu_s(pids), time.monotonic()
        size = 3 << 20
        await asyncio.gather(*(shop.http.get(f"/list?size={size}") for _ in range(40)))
        return cpu_s(pids) - before, time.monotonic() - began

    fault = await shop.inject("cpu-quota", "stock", cpus=0.05)
    assert fault.evidence == "held to 0.05 cores"
    used_s, took_s = await cpu_s_of_busy_work()
    # A burst is saved up, hence not 0.05 to the point.
    assert used_s / took_s < 0.15
    await shop.recover(fault)
    again = await shop.inject("cpu-quota", "app", cpus=0.7)
    assert again.evidence == "held to 0.7 cores instead of 1.5"
    await shop.recover(again)
    assert next(e for e in shop.instance.status.services if e.name == "app").cpus == 1.5


@pytest.mark.skipif(not proctree.LINUX, reason="CPU quotas need Linux")
async def test_a_quota_that_could_not_be_taken_back_is_taken_back_later(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> None:
        raise UnavailableError("nobody answers")

    fault = await shop.inject("cpu-quota", "app", cpus=0.7)
    with monkeypatch.context() as trouble:
        trouble.setattr(shop.instance, "set_quota", fails)
        with pytest.raises(UnavailableError):
            await shop.recover(fault)
    assert [each.id for each in shop.injector.active] == [fault.id]
    await shop.recover(fault)
    assert next(e for e in shop.instance.status.services if e.name == "app").cpus == 1.5


# --- database ----------------------------------------------------------------------------------


async def test_a_held_lock_blocks_a_writer_and_shows_in_pg_locks(shop: Shop) -> None:
    fault = await shop.inject("hold-lock", "db", mode="EXCLUSIVE")
    assert "ExclusiveLock on public.items" in fault.evidence
    dsn = shop.instance.dsn()
    with psycopg.connect(dsn) as reader:
        assert reader.execute("SELECT count(*) FROM items").fetchone() == (1000,)
    with psycopg.connect(dsn, options="-c lock_timeout=300") as writer:
        with pytest.raises(psycopg.errors.LockNotAvailable):
            writer.execute("INSERT INTO items (category, price) VALUES ('x', 1)")
        writer.rollback()
        held = writer.execute(
            "SELECT a.application_name, a.state FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
            " WHERE l.relation = 'items'::regclass AND l.mode = 'ExclusiveLock' AND l.granted"
        ).fetchone()
    assert held == ("sysdesign fault", "idle in transaction")
    await shop.recover(fault)
    with psycopg.connect(dsn, options="-c lock_timeout=300") as writer:
        writer.execute("UPDATE items SET price = 1 WHERE id = 1")
        writer.rollback()


async def test_readers_wait_too_where_the_lock_is_exclusive_for_all(shop: Shop) -> None:
    fault = await shop.inject("hold-lock", "db", table="items")
    asking = asyncio.create_task(shop.get("/items"))
    done, _ = await asyncio.wait([asking], timeout=0.4)
    assert not done
    await shop.recover(fault)
    assert (await asking).json() == 1000


async def test_the_learner_may_end_the_session_that_holds_the_lock(shop: Shop) -> None:
    fault = await shop.inject("hold-lock", "db")
    with psycopg.connect(shop.instance.dsn()) as me:
        me.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'sysdesign fault'"
        )
    await until(lambda: not shop.injector.active)
    assert shop.ended(fault).startswith("its session was ended")
    assert (await shop.get("/items")).status_code == 200


async def test_tables_that_are_not_there(shop: Shop) -> None:
    for table in ("nothing", "no.such", "pg_catalog.pg_class; DROP TABLE items", "", "a\0b"):
        with pytest.raises((NotFoundError, InvalidRequestError, ConflictError)):
            await shop.inject("hold-lock", "db", table=table)
    with pytest.raises(ConflictError, match="permission denied"):
        await shop.inject("hold-lock", "db", table="pg_catalog.pg_authid")
    assert shop.injector.active == []


async def test_exhausted_connections_give_the_servers_own_error(shop: Shop) -> None:
    fault = await shop.inject("exhaust-connections", "db")
    answer = await shop.get("/items")
    assert answer.status_code == 503
    assert "remaining connection slots are reserved" in answer.text
    assert "remaining connection slots are reserved" in fault.evidence
    # The grader and we ourselves still get in; who leaves is replaced.
    with psycopg.connect(shop.instance.dsn("admin")) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'sysdesign fault' LIMIT 3"
        )
        count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sysdesign fault'"
        wanted = int(fault.evidence.split()[1])
        await until(lambda: admin.execute(count).fetchone() == (wanted,))
    await shop.recover(fault)
    assert (await shop.get("/items")).status_code == 200


async def test_sessions_that_somebody_ends_do_not_pile_up_with_who_takes_all(shop: Shop) -> None:
    fault = await shop.inject("exhaust-connections", "db")
    me = psutil.Process()
    with psycopg.connect(shop.instance.dsn("admin"), autocommit=True) as admin:
        before = me.num_fds()
        where = " FROM pg_stat_activity WHERE application_name = 'sysdesign fault'"

        def sessions() -> set[object]:
            return set(admin.execute(f"SELECT pid {where}").fetchall())

        for _ in range(3):
            ended = sessions()
            admin.execute(f"SELECT pg_terminate_backend(pid) {where}")
            await until(lambda: sessions() and not sessions() & ended)  # noqa: B023
        await until(lambda: me.num_fds() <= before)
    await shop.recover(fault)


async def test_a_connection_that_becomes_free_meanwhile_is_taken_too(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaver = await psycopg.AsyncConnection.connect(shop.instance.dsn())
    verify = ExhaustConnections.verify

    async def verify_later(fault: ExhaustConnections) -> str:
        pid = leaver.info.backend_pid
        await leaver.close()
        with psycopg.connect(shop.instance.dsn("admin"), autocommit=True) as admin:
            left = "SELECT FROM pg_stat_activity WHERE pid = %s"
            await until(lambda: not admin.execute(left, (pid,)).rowcount)
        return await verify(fault)

    monkeypatch.setattr(database_faults, "_REFILL_S", 60)  # or it may be taken before
    monkeypatch.setattr(ExhaustConnections, "verify", verify_later)
    fault = await shop.inject("exhaust-connections", "db")
    with psycopg.connect(shop.instance.dsn("admin")) as admin:
        count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sysdesign fault'"
        assert admin.execute(count).fetchone() == (int(fault.evidence.split()[1]),)
    await shop.recover(fault)
    assert (await shop.get("/items")).status_code == 200


async def test_a_wrong_password_and_the_right_one_again(shop: Shop) -> None:
    fault = await shop.inject("wrong-password", "db")
    answer = await shop.get("/items")
    assert 'password authentication failed for user "shop"' in answer.json()["detail"]
    with pytest.raises(ConflictError, match="password authentication failed"):
        await shop.inject("hold-lock", "db")
    with pytest.raises(ConflictError, match="does not go with it"):
        await shop.inject("exhaust-connections", "db")
    await shop.recover(fault)
    assert (await shop.get("/items")).status_code == 200


async def test_a_wrong_password_ends_no_session_of_another_fault(shop: Shop) -> None:
    app = await psycopg.AsyncConnection.connect(shop.instance.dsn())
    lock = await shop.inject("hold-lock", "db")
    password = await shop.inject("wrong-password", "db")
    with pytest.raises(psycopg.OperationalError, match="terminating connection"):
        await app.execute("SELECT 1")
    for _ in range(20):  # an end that nobody asked for is heard of within moments
        assert [each.id for each in shop.injector.active] == [lock.id, password.id]
        await asyncio.sleep(0.05)
    await shop.recover(password)
    await shop.recover(lock)


async def test_a_database_that_stands_still_takes_no_orders(shop: Shop) -> None:
    lock = await shop.inject("hold-lock", "db")
    pause = await shop.inject("pause", "db")
    with pytest.raises(ConflictError, match="db is paused"):
        await shop.inject("exhaust-connections", "db")
    assert [each.id for each in shop.injector.active] == [lock.id, pause.id]
    await shop.recover(pause)
    await shop.recover(lock)


async def test_a_database_that_dies_takes_its_faults_with_it(shop: Shop) -> None:
    lock = await shop.inject("hold-lock", "db")
    kill = await shop.inject("kill", "db")
    assert shop.ended(lock) == "db failed: killed"
    await shop.recover(kill)
    assert (await shop.get("/items")).status_code == 200


# --- cache -------------------------------------------------------------------------------------


async def test_a_flush_empties_the_cache(shop: Shop) -> None:
    cache = redis.Redis.from_url(shop.instance.cache_url("cache"))
    cache.set("one", 1)
    fault = await shop.inject("flush", "cache")
    assert cache.dbsize() == 0
    assert fault.state == "ended"
    assert fault.evidence.startswith("removed ")
    cache.close()


async def test_a_memory_limit_is_felt_and_taken_back(shop: Shop) -> None:
    cache = redis.Redis.from_url(shop.instance.cache_url("cache"))
    before = cache.config_get("maxmemory*")
    with pytest.raises(InvalidRequestError, match="mib"):  # 0 bytes are no limit at all
        await shop.inject("memory-limit", "cache", mib=1e-7)
    fault = await shop.inject("memory-limit", "cache", mib=1, policy="noeviction")
    assert "maxmemory is 1048576 bytes (noeviction)" in fault.evidence
    with pytest.raises(redis.ResponseError, match="not allowed when used memory"):
        fill(cache)
    await shop.recover(fault)
    assert cache.config_get("maxmemory*") == before
    cache.set("one", "x" * 100_000)
    evicting = await shop.inject("memory-limit", "cache", mib=2, policy="allkeys-lru")
    fill(cache)
    assert cache.info("stats")["evicted_keys"] > 50
    await shop.recover(evicting)
    cache.flushall()
    cache.close()


async def test_what_cannot_recover_when_its_time_is_over_does_so_later(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    cache = redis.Redis.from_url(shop.instance.cache_url("cache"))
    before = cache.config_get("maxmemory")
    fault = await shop.inject("memory-limit", "cache", for_s=600, mib=1)
    await shop.instance.service("cache", "pause")
    shop.injector._time_is_over(fault.id)
    await until(lambda: "could not be recovered" in caplog.text)
    assert [each.id for each in shop.injector.active] == [fault.id]
    await shop.instance.service("cache", "resume")
    await until(lambda: not shop.injector.active)
    assert shop.ended(fault) == "its time was over"
    assert cache.config_get("maxmemory") == before
    cache.close()


async def test_an_error_nobody_foresaw_does_not_end_the_recovery_in_time(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fault = await shop.inject("memory-limit", "cache", for_s=600, mib=1)
    fail_once(monkeypatch, MemoryLimit, "recover", OSError(errno.ENOSPC, "No space left"))
    shop.injector._time_is_over(fault.id)
    await until(lambda: "could not be recovered: [Errno 28] No space left" in caplog.text)
    await until(lambda: not shop.injector.active)
    assert shop.ended(fault) == "its time was over"


@pytest.mark.parametrize("trouble", [ConflictError("no time"), OSError(errno.ENOSPC, "no space")])
async def test_what_fails_and_cannot_be_undone_either_is_in_force_until_its_time_is_over(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    cache = redis.Redis.from_url(shop.instance.cache_url("cache"))
    before = cache.config_get("maxmemory")
    fail_once(monkeypatch, MemoryLimit, "verify", UnavailableError("nobody answers"))
    fail_once(monkeypatch, MemoryLimit, "recover", trouble)
    with pytest.raises(UnavailableError, match="nobody answers"):
        await shop.inject("memory-limit", "cache", for_s=0.5, mib=1)
    (fault,) = shop.injector.active
    assert fault.evidence == f"it could not be undone: {trouble}"
    assert cache.config_get("maxmemory") != before
    await until(lambda: not shop.injector.active)
    assert shop.ended(fault) == "its time was over"
    assert cache.config_get("maxmemory") == before
    cache.close()


@pytest.mark.parametrize(
    ("fault", "on", "arguments"),
    [
        ("memory-limit", "cache", {"mib": 1}),
        ("wrong-password", "db", {"drop_connections": False}),
    ],
)
async def test_what_cannot_recover_from_under_a_pause_does_not_hold_it_up(
    shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    on: str,
    arguments: dict[str, object],
) -> None:
    for module, timeout in ((cache_faults, "_TIMEOUT_S"), (postgres, "_CONNECT_TIMEOUT_S")):
        monkeypatch.setattr(module, timeout, 40)  # longer than we wait
    first = await shop.inject(fault, on, for_s=600, **arguments)
    pause = await shop.inject("pause", on, for_s=600)
    for each in (first, pause):
        shop.injector._time_is_over(each.id)
    await until(lambda: not shop.injector.active)
    assert shop.ended(pause) == shop.ended(first) == "its time was over"
    assert [said.id for kind, said in shop.told if kind == "fault.ended"] == [pause.id, first.id]


async def test_each_fault_has_its_kinds(shop: Shop) -> None:
    with pytest.raises(InvalidRequestError, match="app is no database") as refused:
        await shop.inject("hold-lock", "app")
    assert "db" in refused.value.hint
    with pytest.raises(NotFoundError, match="no service 'nobody'"):
        await shop.inject("kill", "nobody")
    with pytest.raises(InvalidRequestError, match="put on a service"):
        await shop.inject("kill", ("app", "db"))


def cpu_s(pids: list[int]) -> float:
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids)


def fill(cache: redis.Redis) -> None:
    """Write ten megabytes."""
    for number in range(100):
        cache.set(f"big-{number}", "x" * 100_000)

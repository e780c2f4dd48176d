"""A primary and its replica: one pair from the first start on, over kills, stops and resets."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio
import psycopg
import pytest
from watched import Watched

from jupyter_sysdesign import paths
from jupyter_sysdesign.control.models import SqlRequest
from jupyter_sysdesign.environment.services import postgres_replica
from jupyter_sysdesign.environment.status import Link, State
from jupyter_sysdesign.errors import ConflictError
from jupyter_sysdesign.metrics.collectors.postgres import PostgresCollector
from jupyter_sysdesign.metrics.sources import PostgresSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from jupyter_sysdesign.environment.source import Source

pytestmark = pytest.mark.anyio

COUNT = "SELECT count(*) FROM items"
WRITE = "INSERT INTO items (category, price) VALUES ('new', 1)"


@pytest.fixture(params=["embedded", pytest.param("docker", marks=pytest.mark.docker)])
async def pair(
    make_source: Callable[..., Source], curriculum: object, request: pytest.FixtureRequest
) -> AsyncIterator[Watched]:
    """Return a running ``tiny-replica``."""
    instance = Watched(make_source("tiny-replica"), runs_on=request.param)
    await instance.start()
    yield instance
    await stop(instance)


async def stop(instance: Watched) -> None:
    if instance.status.state is not State.STOPPED:
        await instance.stop()


async def ask(instance: Watched, service: str, statement: str) -> Any:
    found = await instance.sql(SqlRequest(statement=statement, service=service))
    return found.rows[0][0] if found.rows else None


async def shows(instance: Watched, count: int) -> None:
    """Wait until the replica shows so many items; a generous limit only ends a hung test."""
    until = asyncio.get_running_loop().time() + 30
    while (found := await ask(instance, "replica", COUNT)) != count:
        assert asyncio.get_running_loop().time() < until, f"it shows {found}, not {count}"
        await asyncio.sleep(0.02)


async def state_of(instance: Watched, service: str) -> tuple[object, ...]:
    """Return what makes a cluster itself: its identifier, and whether it is a standby."""
    async with await psycopg.AsyncConnection.connect(instance.dsn("admin", service)) as admin:
        row = await (
            await admin.execute(
                "SELECT system_identifier, pg_is_in_recovery() FROM pg_control_system()"
            )
        ).fetchone()
    assert row is not None
    return row


async def test_a_pair_starts_streams_and_survives_kills_stops_and_resets(pair: Watched) -> None:
    assert pair.status.state is State.READY, pair.status.reason
    assert [each.replica_of for each in pair.status.services] == [*(None, "db", None)]
    assert Link(source="replica", target="db") in pair.status.links
    (identifier, standby), (same, also) = [await state_of(pair, n) for n in ("db", "replica")]
    assert identifier == same
    assert (standby, also) == (False, True)
    await ask(pair, "db", WRITE)
    await shows(pair, 1001)
    with (
        pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
        psycopg.connect(pair.dsn("app", "replica")) as replica,
    ):
        replica.execute(WRITE)

    with pytest.raises(psycopg.OperationalError, match=r"no pg_hba.conf entry"):
        psycopg.connect(pair.dsn("replication", "db"))  # it may stream, and nothing else

    # Who is killed comes back to the other one, whichever it was.
    await pair.service("replica", "kill")
    await ask(pair, "db", WRITE)
    await pair.service("replica", "start")
    await shows(pair, 1002)
    await pair.service("db", "kill")
    assert await ask(pair, "replica", COUNT) == 1002
    await pair.service("replica", "stop")
    await pair.service("replica", "start")  # its primary is away, and it answers all the same
    assert await ask(pair, "replica", COUNT) == 1002
    await pair.service("db", "start")
    await ask(pair, "db", WRITE)
    await shows(pair, 1003)

    await pair.stop()
    await pair.start()
    assert await ask(pair, "replica", COUNT) == 1003
    await ask(pair, "db", WRITE)
    await shows(pair, 1004)
    await pair.reset()
    assert pair.status.state is State.READY, pair.status.reason
    assert await ask(pair, "replica", COUNT) == 1000
    await ask(pair, "db", WRITE)
    await shows(pair, 1001)


async def test_lag_is_seen_while_a_replica_stands_still_and_is_gone_again(pair: Watched) -> None:
    collector = PostgresCollector(PostgresSource("db", pair.dsn("grader", "db"), ("replica",)))

    async def lag() -> tuple[float, float]:
        # The primary knows of a replica a moment after that one has begun to follow it.
        while "replica.replication_lag_s" not in (found := await collector.sample()):  # noqa: ASYNC110 (nobody is told)
            await asyncio.sleep(0.02)
        return found["replica.replication_lag_bytes"], found["replica.replication_lag_s"]

    assert (await lag())[1] == 0
    await pair.service("replica", "pause")
    await ask(pair, "db", WRITE)
    first = await lag()
    await asyncio.sleep(0.2)
    await ask(pair, "db", WRITE)
    second = await lag()
    assert 0 < first[0] < second[0]
    assert second[1] - first[1] >= 0.2
    await pair.service("replica", "kill")
    assert (await lag())[0] >= second[0]  # its primary knows no more of it, we do
    await pair.service("replica", "start")
    await shows(pair, 1002)
    until = asyncio.get_running_loop().time() + 30
    while (await lag()) != (0, 0):
        assert asyncio.get_running_loop().time() < until
        await asyncio.sleep(0.02)
    await collector.close()


DB = """
  db:
    image: sysdesign/postgres:18
    command: [postgres, -c, max_slot_wal_keep_size=4MB, -c, max_wal_size=2MB, -c, min_wal_size=2MB]
    environment: {POSTGRES_USER: shop, POSTGRES_PASSWORD: "${SYSDESIGN_PASSWORD_DB}"}
    volumes: ["./db:/docker-entrypoint-initdb.d:ro"]
"""
REPLICA = """
  second-copy:
    image: sysdesign/postgres:18
    x-sysdesign: {replica_of: db}
"""


async def alone(make_lesson: Callable[..., Source]) -> tuple[Watched, Callable[[], object]]:
    """Start a database of one row; return it, and what writes a replica beside it."""
    head = "name: made-up\nservices:"
    source = make_lesson(
        {"compose.yaml": head + DB, "db/01.sql": "CREATE TABLE items AS SELECT 1 AS n"},
        {"compose.yaml": head + DB},
    )
    instance = Watched(replace(source, editable=("compose.yaml",)))
    await instance.start()
    compose = source.workspace / "compose.yaml"
    return instance, lambda: compose.write_text(head + DB + REPLICA)


async def test_a_replica_that_was_away_for_too_long_or_is_new_is_copied_anew(
    make_lesson: Callable[..., Source],
) -> None:
    instance, add_replica = await alone(make_lesson)
    try:
        fill = "INSERT INTO items SELECT n FROM generate_series(1, 20000) AS n"
        await ask(instance, "db", fill)
        add_replica()
        assert (await instance.apply()).started == ["second-copy"]
        assert await ask(instance, "second-copy", COUNT) == 20001

        await instance.service("second-copy", "stop")
        for _ in range(6):
            await ask(instance, "db", fill)
        async with await psycopg.AsyncConnection.connect(
            instance.dsn("admin", "db"), autocommit=True
        ) as admin:
            await admin.execute("CHECKPOINT")
            kept = await admin.execute("SELECT wal_status FROM pg_replication_slots")
            assert await kept.fetchall() == [("lost",)]
        await instance.service("second-copy", "start")
        assert await ask(instance, "second-copy", COUNT) == 140001
        await ask(instance, "db", fill)
        until = asyncio.get_running_loop().time() + 30
        while await ask(instance, "second-copy", COUNT) != 160001:
            assert asyncio.get_running_loop().time() < until
            await asyncio.sleep(0.02)
    finally:
        await stop(instance)


async def test_a_stop_does_not_wait_for_a_copy(
    make_lesson: Callable[..., Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_replica, "COPY", (*postgres_replica.COPY, "--max-rate=32k"))
    instance, add_replica = await alone(make_lesson)
    add_replica()
    applying = asyncio.ensure_future(instance.apply())
    data = paths.instances() / instance.id / "data"
    while not list(data.glob("*second-copy*/*")):
        assert not applying.done()
        await asyncio.sleep(0.02)
    with anyio.fail_after(60):  # at this rate it would take some minutes
        await instance.stop()
    with pytest.raises(ConflictError, match="stopped meanwhile"):
        await applying
    assert not list(data.glob("*second-copy*"))


async def test_a_stop_does_not_wait_for_a_checkpoint(make_lesson: Callable[..., Source]) -> None:
    instance, add_replica = await alone(make_lesson)
    async with await psycopg.AsyncConnection.connect(instance.dsn("admin", "db")) as admin:
        working = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'"
        (checkpointer,) = await (await admin.execute(working)).fetchone() or [0]
    os.kill(checkpointer, signal.SIGSTOP)  # so that it takes as long as anybody may wait
    add_replica()
    applying = asyncio.ensure_future(instance.apply())
    asked = "SELECT count(*) FROM pg_stat_activity WHERE query = 'CHECKPOINT' AND state = 'active'"
    async with await psycopg.AsyncConnection.connect(
        instance.dsn("admin", "db"), autocommit=True
    ) as admin:
        while await (await admin.execute(asked)).fetchone() != (1,):
            assert not applying.done()
            await asyncio.sleep(0.02)
    stopping = asyncio.ensure_future(instance.stop())
    stopped, _ = await asyncio.wait({stopping}, timeout=40)
    with suppress(ProcessLookupError):
        os.kill(checkpointer, signal.SIGCONT)
    await stopping
    assert stopped
    with pytest.raises(ConflictError, match="stopped meanwhile"):
        await applying


async def test_a_copy_that_was_cut_short_by_a_kill_is_made_anew(
    make_lesson: Callable[..., Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    instance, add_replica = await alone(make_lesson)
    add_replica()
    at_leisure = (*postgres_replica.COPY, "--max-rate=8M")
    data = paths.instances() / instance.id / "data"
    with monkeypatch.context() as slowly:
        slowly.setattr(postgres_replica, "COPY", at_leisure)
        applying = asyncio.ensure_future(instance.apply())
        while not (half := list(data.glob("*second-copy*/sysdesign.json"))):
            assert not applying.done()
            await asyncio.sleep(0.002)
    copy, aside = half[0].parent, data.parent / "aside"
    subprocess.run(["cp", "-a", copy, aside], check=True)  # noqa: ASYNC221 (what a kill would leave)
    assert not (aside / "global" / "pg_control").exists()
    await instance.stop()
    with pytest.raises(ConflictError, match="stopped meanwhile"):
        await applying
    aside.rename(copy)
    try:
        await instance.start()
        assert instance.status.state is State.READY, instance.status.reason
        assert await ask(instance, "second-copy", COUNT) == 1
        assert sorted(each.name for each in data.iterdir()) == ["db", "second-copy"]
    finally:
        await stop(instance)


async def test_the_primary_may_be_given_fewer_connections(
    make_lesson: Callable[..., Source],
) -> None:
    """A replica refuses to go on with less than its log was written with."""
    head = f"name: made-up\nservices:{DB}{REPLICA}"
    assert "max_connections" not in head
    source = make_lesson(
        {"compose.yaml": head, "db/01.sql": "CREATE TABLE items AS SELECT 1 AS n"},
        {"compose.yaml": head},
    )
    instance = Watched(replace(source, editable=("compose.yaml",)))
    await instance.start()
    try:
        for connections in (40, 30):
            more = f"max_wal_size=2MB, -c, max_connections={connections}"
            (source.workspace / "compose.yaml").write_text(head.replace("max_wal_size=2MB", more))
            assert (await instance.apply()).restarted == ["db", "second-copy"]
            await ask(instance, "db", "INSERT INTO items VALUES (1)")
            shown = await ask(instance, "second-copy", "SELECT current_setting('max_connections')")
            assert shown == str(connections)
        until = asyncio.get_running_loop().time() + 30
        while await ask(instance, "second-copy", COUNT) != 3:
            assert asyncio.get_running_loop().time() < until
            await asyncio.sleep(0.02)
    finally:
        await stop(instance)


async def test_a_synchronous_replica_shows_what_was_committed_at_once(
    make_lesson: Callable[..., Source],
) -> None:
    settings = "synchronous_standby_names=*, -c, synchronous_commit=remote_apply"
    command = DB.replace("max_wal_size=2MB", settings)
    source = make_lesson(
        {
            "compose.yaml": f"name: made-up\nservices:{command}{REPLICA}",
            "db/01.sql": "CREATE TABLE items AS SELECT 1 AS n",
        }
    )
    instance = Watched(source)
    await instance.start()
    try:
        for count in range(2, 12):
            await ask(instance, "db", "INSERT INTO items VALUES (1)")
            assert await ask(instance, "second-copy", COUNT) == count
    finally:
        await stop(instance)

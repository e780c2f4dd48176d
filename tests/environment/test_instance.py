"""Instances of the tiny lessons on real servers."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest
from watched import Watched

from jupyter_sysdesign import paths
from jupyter_sysdesign.control.models import SqlRequest
from jupyter_sysdesign.environment import proctree
from jupyter_sysdesign.environment.status import EnvironmentStatus, ServiceState, State
from jupyter_sysdesign.errors import (
    ConflictError,
    InvalidFileError,
    MissingBinaryError,
    NotFoundError,
    ResourceError,
    SqlError,
    StartFailedError,
    UnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from jupyter_sysdesign.environment.source import Source

    Until = Callable[..., Awaitable[None]]

pytestmark = pytest.mark.anyio


@pytest.fixture
async def instances(home: Path) -> AsyncIterator[Callable[..., Watched]]:
    """Return a maker of instances; all are stopped in the end."""
    made: list[Watched] = []

    def make(source: Source, **options: Any) -> Watched:
        made.append(Watched(source, **options))
        return made[-1]

    yield make
    for each in made:
        if each.status.state is not State.STOPPED:
            await each.stop()


@pytest.fixture
async def tiny(instances: Callable[..., Watched], tiny_lesson: Source) -> Watched:
    """A running instance of tiny."""
    instance = instances(tiny_lesson)
    await instance.start()
    return instance


async def get(instance: Watched, path: str, **options: Any) -> httpx.Response:
    async with httpx.AsyncClient(base_url=instance.status.url or "", timeout=60) as client:
        return await client.get(path, **options)


async def rows(instance: Watched) -> int:
    result = await instance.sql(SqlRequest(statement="SELECT count(*) FROM items"))
    return int(result.rows[0][0])


# --- up and down --------------------------------------------------------------------------------


async def test_it_starts_answers_and_stops_without_a_trace(
    instances: Callable[..., Watched], tiny_full_lesson: Source, until: Until
) -> None:
    instance = instances(tiny_full_lesson)
    assert instance.status.state is State.STOPPED
    await instance.start()
    status = instance.status
    assert status.state is State.READY, status.reason
    assert {each.name: each.state for each in status.services} == dict.fromkeys(
        ("db", "cache", "app1", "app2", "lb"), ServiceState.READY
    )
    assert status.url == instance.of("lb").url == f"http://127.0.0.1:{instance.target.port}"
    assert (await get(instance, "/items")).json()[0]["price"] >= 0
    processes = instance.processes()
    assert len(processes["db"]) > 3  # the postmaster and its children
    # One of the database's may just have done what it was there for.
    await until(
        lambda: all(
            proctree.started(each) for tree in instance.processes().values() for each in tree
        )
    )
    assert set(instance.metrics_addresses()) == {"app1", "app2"}
    assert instance.cache_url("cache").startswith("unix://:")

    await instance.stop()
    assert instance.states == ["preparing", "starting", "ready", "stopping", "stopped"]
    assert not [pid for tree in processes.values() for pid in tree if proctree.started(pid)]
    assert not list(paths.runtime().iterdir())
    with socket.socket() as knock:
        assert knock.connect_ex(("127.0.0.1", int(status.url.rpartition(":")[2])))
    for kind, data in instance.events:
        if kind == "environment.state":
            EnvironmentStatus.model_validate(data)


async def test_data_and_address_survive_a_stop_and_reset_brings_pristine_data(
    tiny: Watched,
) -> None:
    url = tiny.status.url
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        assert (await client.post("/items", json={"category": "x", "price": 1})).status_code == 201
    await tiny.stop()
    await tiny.start()
    assert tiny.status.url == url
    assert await rows(tiny) == 1001
    await tiny.reset()
    assert tiny.status.state is State.READY
    assert tiny.status.url == url
    assert await rows(tiny) == 1000
    assert (await get(tiny, "/items")).status_code == 200
    await tiny.sql(SqlRequest(statement="DELETE FROM items"))
    await tiny.stop()
    await tiny.reset()
    assert tiny.status.state is State.STOPPED
    assert not list((paths.instances() / tiny.id / "data").glob("*.trash*"))
    await tiny.start()
    assert await rows(tiny) == 1000


async def test_wrong_moments_are_refused_and_change_nothing(
    tiny: Watched, instances: Callable[..., Watched]
) -> None:
    before = tiny.status
    with pytest.raises(ConflictError, match="ready already"):
        await tiny.start()
    for action in ("start", "resume"):
        with pytest.raises(ConflictError):
            await tiny.service("app", action)
    with pytest.raises(NotFoundError, match="no service 'web'"):
        await tiny.service("web", "stop")
    with pytest.raises(ConflictError, match="Another program"):
        await instances(tiny.source).start()
    assert tiny.status == before
    await tiny.stop()
    for operation in (tiny.stop, tiny.apply, tiny.drift, lambda: tiny.service("app", "stop")):
        with pytest.raises(ConflictError):
            await operation()
    with pytest.raises(ConflictError):
        _ = tiny.target
    assert tiny.status.state is State.STOPPED


async def test_of_two_starts_at_once_one_wins(
    instances: Callable[..., Watched], tiny_lesson: Source
) -> None:
    instance = instances(tiny_lesson)
    outcomes = await asyncio.gather(
        instance.start(), instance.start(), instance.start(), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in outcomes) == [
        "ConflictError",
        "ConflictError",
        "NoneType",
    ]
    assert instance.status.state is State.READY


@pytest.mark.parametrize("moment", ["preparing", "starting", "db ready"])
async def test_a_stop_interrupts_a_start(
    instances: Callable[..., Watched], tiny_lesson: Source, moment: str, until: Until
) -> None:
    instance = instances(tiny_lesson)
    starting = asyncio.ensure_future(instance.start())
    await until(
        lambda: (
            instance.of("db").state is ServiceState.READY
            if moment == "db ready"
            else instance.status.state.value == moment
        )
    )
    stopping = asyncio.ensure_future(instance.stop())
    await asyncio.sleep(0)
    with pytest.raises(ConflictError):  # start while stopping
        await instance.start()
    with pytest.raises(ConflictError, match="stopped meanwhile"):
        await starting
    await stopping
    assert instance.status.state is State.STOPPED
    assert not list(paths.runtime().iterdir())
    await instance.start()
    assert instance.status.state is State.READY


async def test_a_start_that_is_cancelled_leaves_nothing(
    instances: Callable[..., Watched], tiny_lesson: Source, until: Until
) -> None:
    instance = instances(tiny_lesson)
    starting = asyncio.ensure_future(instance.start())
    await until(lambda: instance.of("db").pid)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert instance.status.state is State.STOPPED
    assert not list(paths.runtime().iterdir())


async def test_a_stop_interrupts_a_reset_and_an_action(tiny: Watched) -> None:
    resetting = asyncio.ensure_future(tiny.reset())
    acting = asyncio.ensure_future(tiny.service("app", "stop"))
    await asyncio.sleep(0.01)
    await tiny.stop()
    with pytest.raises(ConflictError):
        await resetting
    await asyncio.wait([acting])
    assert tiny.status.state is State.STOPPED
    await tiny.start()
    assert await rows(tiny) == 1000


async def test_two_instances_run_side_by_side(
    tiny: Watched, instances: Callable[..., Watched], make_source: Callable[..., Source]
) -> None:
    other = instances(make_source("tiny", "other"))
    await other.start()
    assert other.id != tiny.id
    assert other.status.url != tiny.status.url
    await other.sql(SqlRequest(statement="DELETE FROM items"))
    assert await rows(tiny) == 1000
    await tiny.stop()
    assert await rows(other) == 0
    await other.remove()
    assert not (paths.instances() / other.id).exists()
    assert other.source.workspace.exists()


async def test_a_port_taken_while_it_was_stopped_is_given_up_and_said(tiny: Watched) -> None:
    old = tiny.target.port
    await tiny.stop()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", old))
        other.listen()
        await tiny.start()
        assert tiny.target.port != old
        assert tiny.status.reason == (
            f"Port {old} was taken meanwhile: app listens on {tiny.target.port} now"
        )
        assert tiny.status.reason in tiny.lines
        assert (await get(tiny, "/health")).status_code == 200


async def test_data_of_another_seed_are_replaced_and_it_is_said(
    instances: Callable[..., Watched], tiny_lesson: Source, home: Path
) -> None:
    pristine = shutil.copytree(tiny_lesson.pristine, home.parent / "pristine")
    tiny = instances(replace(tiny_lesson, pristine=pristine))
    await tiny.start()
    await tiny.sql(SqlRequest(statement="INSERT INTO items (category, price) VALUES ('x', 1)"))
    await tiny.stop()
    more = pristine / "db" / "03-more.sql"
    more.write_text("INSERT INTO nowhere VALUES (1);\n")
    with pytest.raises(InvalidFileError, match=r"03-more\.sql:1"):
        await tiny.start()
    more.unlink()
    await tiny.start()
    assert await rows(tiny) == 1001  # what could not be seeded replaced nothing
    assert tiny.status.reason == ""
    await tiny.stop()
    more.write_text("INSERT INTO items (category, price) VALUES ('y', 1), ('y', 2);\n")
    await tiny.start()
    assert await rows(tiny) == 1002
    assert tiny.status.reason.startswith("db begins with pristine data")
    assert tiny.status.reason in tiny.lines
    await tiny.stop()
    await tiny.start()
    assert tiny.status.reason == ""
    await tiny.stop()
    origin = paths.instances() / tiny.id / "data" / "db" / "sysdesign.json"
    origin.write_text("")  # as a power loss may leave it
    await tiny.start()
    assert tiny.status.reason.startswith("db begins with pristine data")


# --- what the learner breaks --------------------------------------------------------------------


async def test_a_syntax_error_is_shown_with_its_line_and_heals_on_save(
    tiny: Watched, until: Until
) -> None:
    file = tiny.source.workspace / "app" / "server.py"
    good = file.read_text()
    file.write_text("import os\ndef broken(:\n    pass\n")
    await until(lambda: tiny.of("app").reason == "app/server.py:2: invalid syntax")
    assert tiny.of("app").state is ServiceState.FAILED
    assert tiny.status.state is State.DEGRADED
    assert tiny.status.reason == "app: app/server.py:2: invalid syntax"
    assert "app/server.py:2: invalid syntax" in tiny.lines
    assert ("file.saved", {"path": "app/server.py"}) in tiny.events
    with pytest.raises(httpx.ConnectError):
        await get(tiny, "/health")
    file.write_text(good.replace('"ok"', '"mended"'))
    await until(lambda: tiny.status.state is State.READY)
    assert (await get(tiny, "/health")).json() == {"status": "mended"}


async def test_a_save_restarts_the_app_and_only_the_app(tiny: Watched, until: Until) -> None:
    file = tiny.source.workspace / "app" / "server.py"
    database, app = tiny.of("db").pid, tiny.of("app").pid
    file.touch()  # nothing changed
    file.write_text(file.read_text().replace('"ok"', '"new"'))
    await until(lambda: tiny.of("app").pid not in (app, None))
    await until(lambda: tiny.of("app").state is ServiceState.READY)
    assert (await get(tiny, "/health")).json() == {"status": "new"}
    assert tiny.of("db").pid == database
    assert tiny.status.state is State.READY
    restarts = [
        data
        for kind, data in tiny.events
        if kind == "service.state" and data["reason"] == "app/server.py was saved"
    ]
    assert [data["name"] for data in restarts] == ["app"]


async def test_what_else_lies_in_its_folder_holds_nobody_up(
    instances: Callable[..., Watched], tiny_lesson: Source, until: Until
) -> None:
    folder = tiny_lesson.workspace / "app"
    for name in ("pipe", "pipe.py"):
        os.mkfifo(folder / name)
    with (folder / "large").open("wb") as large:
        large.truncate(1 << 40)  # of which the disk holds nothing
    instance = instances(tiny_lesson)
    await instance.start()
    assert instance.status.state is State.READY
    first = instance.of("app").pid
    file = folder / "server.py"
    file.write_text(file.read_text().replace('"ok"', '"new"'))
    await until(lambda: instance.of("app").pid not in (first, None))  # it is told a little before
    await until(lambda: instance.of("app").state is ServiceState.READY)
    assert "app/server.py was saved" in instance.lines
    assert (await get(instance, "/health")).json() == {"status": "new"}
    second = instance.of("app").pid
    (folder / "large").write_text("")
    await until(lambda: instance.of("app").pid not in (second, None))
    await until(lambda: instance.of("app").state is ServiceState.READY)
    assert "app/large was saved" in instance.lines


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("def broken(:\n", "app/server.py:1: invalid syntax"),
        ("import no_such_module\n", "No module named 'no_such_module'"),
        ("import time\ntime.sleep(600)\n", "app did not answer within 2 s"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", "was killed by SIGKILL"),
    ],
)
async def test_an_app_that_cannot_start_degrades_and_comes_back(
    instances: Callable[..., Watched], tiny_lesson: Source, code: str, reason: str, until: Until
) -> None:
    file = tiny_lesson.workspace / "app" / "server.py"
    good = file.read_text()
    file.write_text(code)
    instance = instances(tiny_lesson, start_timeout_s=60.0)
    starting = asyncio.ensure_future(instance.start())
    if "sleep" in code:  # the app's time only: the database may need all of its own
        await until(lambda: "app" in instance._life.runners)
        instance._life.runners["app"]._start_timeout_s = 2.0
    await starting
    assert instance.status.state is State.DEGRADED
    assert reason in instance.status.reason
    assert instance.of("db").state is ServiceState.READY
    assert await rows(instance) == 1000
    instance._life.runners["app"]._start_timeout_s = 60.0
    file.write_text(good)
    await until(lambda: instance.status.state is State.READY)
    assert (await get(instance, "/health")).status_code == 200


async def test_what_only_the_author_can_mend_fails_the_start_and_leaves_nothing(
    instances: Callable[..., Watched], make_source: Callable[..., Source], home: Path
) -> None:
    source = make_source()
    pristine = home.parent / "lesson"
    shutil.copytree(source.pristine, pristine)
    compose = (pristine / "compose.yaml").read_text()
    source = type(source)(source.lesson, pristine, source.workspace, source.editable)

    (pristine / "compose.yaml").write_text(compose.replace("16MB", "16Mandarins"))
    instance = instances(source)
    with pytest.raises(StartFailedError, match=r"db ended with code 1 .*\n.*shared_buffers"):
        await instance.start()
    assert instance.status.state is State.FAILED
    assert "shared_buffers" in instance.status.reason
    assert not list(paths.runtime().iterdir())

    (pristine / "compose.yaml").write_text("name: tiny\nservices:\n  db: {image: nonsense}\n")
    with pytest.raises(InvalidFileError, match=r"compose.yaml:3"):
        await instance.start()
    with pytest.raises(InvalidFileError):
        instances(source)
    assert not list(paths.runtime().iterdir())

    (pristine / "compose.yaml").write_text(compose)
    await instance.start()
    assert instance.status.state is State.READY


async def test_a_missing_binary_fails_the_start(
    instances: Callable[..., Watched], tiny_lesson: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSDESIGN_POSTGRES", "/no/such/postgres")
    instance = instances(tiny_lesson)
    with pytest.raises(MissingBinaryError):
        await instance.start()
    assert instance.status.state is State.FAILED
    assert not list(paths.runtime().iterdir())
    monkeypatch.delenv("SYSDESIGN_POSTGRES")
    await instance.start()
    assert instance.status.state is State.READY


async def test_a_folder_that_cannot_be_used_fails_the_start(
    instances: Callable[..., Watched], tiny_lesson: Source
) -> None:
    blocked = paths.instances() / tiny_lesson.instance_id
    blocked.write_text("a file, not a folder")
    instance = instances(tiny_lesson)
    with pytest.raises(ResourceError, match="cannot be used"):
        await instance.start()
    assert instance.status.state is State.FAILED
    blocked.unlink()
    await instance.start()
    assert instance.status.state is State.READY


@pytest.mark.skipif(os.geteuid() != 0 or sys.platform != "linux", reason="needs to mount a tmpfs")
async def test_a_full_disk_fails_the_start_and_leaves_nothing(
    instances: Callable[..., Watched], tiny_lesson: Source
) -> None:
    small = str(paths.home())
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m,mode=0711", "none", small]
    subprocess.run(mount, check=True)  # noqa: ASYNC221
    try:
        instance = instances(tiny_lesson)
        with pytest.raises(ResourceError):
            await instance.start()
        assert instance.status.state is State.FAILED
        assert not list(paths.runtime().iterdir())
    finally:
        subprocess.run(["umount", small], check=True)  # noqa: ASYNC221
    await instance.start()
    assert instance.status.state is State.READY


# --- services -----------------------------------------------------------------------------------


async def test_services_can_be_stopped_killed_paused_and_brought_back(tiny: Watched) -> None:
    assert (await tiny.service("app", "stop")).state is ServiceState.STOPPED
    assert tiny.status.state is State.DEGRADED
    with pytest.raises(ConflictError):
        await tiny.service("app", "stop")
    (tiny.source.workspace / "app" / "server.py").touch()  # a save does not start it
    assert (await tiny.service("app", "start")).state is ServiceState.READY
    assert tiny.status.state is State.READY

    assert (await tiny.service("app", "pause")).state is ServiceState.PAUSED
    with pytest.raises(ConflictError):
        await tiny.service("app", "pause")
    with pytest.raises(httpx.ReadTimeout):
        async with httpx.AsyncClient(base_url=tiny.status.url, timeout=0.5) as client:
            await client.get("/health")
    assert (await tiny.service("app", "resume")).state is ServiceState.READY
    assert (await get(tiny, "/health")).status_code == 200

    killed = await tiny.service("app", "kill")
    assert (killed.state, killed.reason) == (ServiceState.FAILED, "killed")
    with pytest.raises(httpx.ConnectError):
        await get(tiny, "/health")
    await tiny.service("app", "start")
    await tiny.service("app", "pause")
    await tiny.service("app", "stop")  # also when it is frozen
    await tiny.service("app", "start")
    assert tiny.status.state is State.READY
    assert (await get(tiny, "/health")).status_code == 200


async def test_a_service_that_dies_by_itself_is_failed_with_its_last_words(
    tiny: Watched, until: Until
) -> None:
    os.kill(tiny.of("app").pid, signal.SIGKILL)
    await until(lambda: tiny.status.state is State.DEGRADED)
    assert tiny.of("app").reason.startswith("was killed by SIGKILL: ")
    assert tiny.of("app").pid is None
    await tiny.service("app", "start")
    assert tiny.status.state is State.READY


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
async def test_a_killed_postmaster_takes_its_frozen_children_along_and_comes_back(
    tiny: Watched, until: Until
) -> None:
    connection = await psycopg.AsyncConnection.connect(tiny.dsn())
    tree = tiny.processes()["db"]
    await tiny.service("db", "pause")
    os.kill(tree[0], signal.SIGKILL)
    await until(lambda: tiny.of("db").state is ServiceState.FAILED)
    assert [pid for pid in tree if proctree.started(pid)] == []
    with pytest.raises(psycopg.OperationalError):
        await connection.execute("SELECT 1")
    await connection.close()
    await tiny.service("db", "start")
    assert tiny.status.state is State.READY
    assert await rows(tiny) == 1000


@pytest.mark.measures
@pytest.mark.skipif(sys.platform != "linux", reason="quotas are Linux only")
async def test_the_database_is_held_to_its_quota_with_all_its_backends(tiny: Watched) -> None:
    burn = "SELECT count(*) FROM items a, items b, items c"
    connections = [await psycopg.AsyncConnection.connect(tiny.dsn()) for _ in range(4)]
    queries = [asyncio.ensure_future(each.execute(burn)) for each in connections]
    await tiny.set_quota("db", 0.3)
    tree = proctree.Tree(tiny.of("db").pid)
    await asyncio.sleep(0.5)
    loop = asyncio.get_running_loop()
    tree.scan(thorough=True)
    assert len(tree.pids) > len(connections)
    before, began = tree.cpu_s(), loop.time()
    await asyncio.sleep(3)
    used = (tree.cpu_s() - before) / (loop.time() - began)
    assert 0.15 < used < 0.45
    assert tiny.of("db").cpus == 0.3
    assert await rows(tiny) == 1000  # slow, and alive
    tree.close()
    await tiny.service("db", "kill")
    await asyncio.wait(queries)
    for query, connection in zip(queries, connections, strict=True):
        assert isinstance(query.exception(), psycopg.OperationalError)
        await connection.close()


async def test_a_supervisor_that_is_lost_in_the_last_step_of_a_start_fails_it(
    instances: Callable[..., Watched],
    tiny_lesson: Source,
    until: Until,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    instance = instances(tiny_lesson)
    life = instance._life
    then = life._list_migrations

    async def lose_it() -> None:
        os.kill(life._runtime.supervisor, signal.SIGKILL)
        await until(lambda: instance.of("db").state is ServiceState.STOPPED)
        await then()

    with monkeypatch.context() as last_step:
        last_step.setattr(life, "_list_migrations", lose_it)
        with pytest.raises(UnavailableError, match="was killed"):
            await instance.start()
    assert instance.status.state is State.FAILED
    await instance.start()
    assert instance.status.state is State.READY


async def test_a_lost_supervisor_fails_the_instance_even_in_the_middle_of_something(
    tiny: Watched, until: Until
) -> None:
    (tiny.source.workspace / "migrations" / "001-slow.sql").write_text("SELECT pg_sleep(600);\n")
    applying = asyncio.ensure_future(tiny.apply())
    sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    watching = SqlRequest(statement=sleeping, role="grader")
    while (await tiny.sql(watching)).rows == [[0]]:  # noqa: ASYNC110 (the database's event)
        await asyncio.sleep(0.02)
    os.kill(tiny._life._runtime.supervisor, signal.SIGKILL)
    with pytest.raises((ConflictError, UnavailableError)):
        await applying
    await until(lambda: tiny.status.state is State.FAILED)
    assert tiny.status.reason == "The process that runs its services was killed"
    assert not list(paths.runtime().iterdir())
    await tiny.start()
    assert tiny.status.state is State.READY


async def test_secrets_never_reach_a_log(tiny: Watched, until: Until) -> None:
    file = tiny.source.workspace / "app" / "server.py"
    file.write_text(file.read_text() + '\nprint("I am", os.environ["DATABASE_URL"], flush=True)\n')
    await until(lambda: "I am postgresql://shop:********@" in tiny.lines)
    password = tiny.dsn().partition("shop:")[2].partition("@")[0]
    logs = paths.instances() / tiny.id / "logs"
    for text in (tiny.lines, *(path.read_text() for path in logs.iterdir())):
        assert password not in text
    assert any("I am" in each["line"] for each in tiny.logs("app", 50))


async def test_logs_outlive_the_program_that_ran_it(
    tiny: Watched, instances: Callable[..., Watched], until: Until
) -> None:
    await until(lambda: "Application startup complete" in tiny.lines)
    await tiny.stop()
    again = instances(tiny.source)
    lines = again.logs(None, 500)
    assert any("Application startup complete" in each["line"] for each in lines)
    assert {each["service"] for each in lines} == {"app", "db"}
    assert len(again.logs("db", 2)) == 2
    with pytest.raises(NotFoundError):
        again.logs("web", 2)


# --- the database -------------------------------------------------------------------------------


async def test_migrations_are_applied_listed_and_replayed(tiny: Watched, until: Until) -> None:
    folder = tiny.source.workspace / "migrations"
    assert tiny.status.migrations == []
    (folder / "001-index.sql").write_text("CREATE INDEX by_category ON items (category);\n")
    await until(lambda: [each.state for each in tiny.status.migrations] == ["pending"])
    applied = await tiny.apply()
    assert (applied.applied, applied.replayed) == (["001-index.sql"], False)
    assert [each.state for each in tiny.status.migrations] == ["applied"]
    assert not (await tiny.drift()).drifted
    await tiny.sql(SqlRequest(statement="DELETE FROM items WHERE id > 10"))

    (folder / "001-index.sql").write_text("CREATE INDEX by_price ON items (price);\n")
    await until(lambda: [each.state for each in tiny.status.migrations] == ["changed"])
    applied = await tiny.apply()
    assert applied.replayed
    assert "changed after it was applied" in applied.message
    assert tiny.status.state is State.READY
    assert await rows(tiny) == 1000
    found = await tiny.sql(
        SqlRequest(
            statement="SELECT indexname FROM pg_indexes WHERE tablename = 'items' ORDER BY 1"
        )
    )
    assert found.rows == [["by_price"], ["items_pkey"]]

    (folder / "002-bad.sql").write_text("SELECT 1;\nCREATE INDX nonsense;\n")
    with pytest.raises(InvalidFileError, match=r"migrations/002-bad.sql:2"):
        await tiny.apply()
    assert tiny.status.state is State.READY


async def test_a_file_whose_name_cannot_be_said_keeps_nobody_from_stopping(tiny: Watched) -> None:
    folder = os.fsencode(tiny.source.workspace / "migrations")
    with open(folder + b"/009-\xe9.sql", "w") as file:  # noqa: ASYNC230, PTH123 (no path has it)
        file.write("SELECT 1;")
    with pytest.raises(InvalidFileError, match="name is not UTF-8"):
        await tiny.apply()
    assert tiny.status.model_dump_json()
    await tiny.stop()
    assert tiny.status.state is State.STOPPED


async def test_sql_answers_in_json_values_and_refuses_in_words(tiny: Watched) -> None:
    result = await tiny.sql(
        SqlRequest(
            statement="SELECT 1 AS one, 1.5::numeric, 'x', NULL, true, '{1,2}'::int[],"
            " '{\"a\": 1}'::jsonb, 'NaN'::float8, '\\x01ff'::bytea, date '2026-01-02',"
            " interval '90 s', 'Infinity'::numeric;"
        )
    )
    assert result.columns[0] == "one"
    assert result.rows == [
        [
            1,
            1.5,
            "x",
            None,
            True,
            [1, 2],
            {"a": 1},
            "nan",
            "\\x01ff",
            "2026-01-02",
            "00:01:30",
            "Infinity",
        ]
    ]
    many = await tiny.sql(SqlRequest(statement="SELECT * FROM items", max_rows=5))
    assert (len(many.rows), many.truncated) == (5, True)
    exact = await tiny.sql(SqlRequest(statement="SELECT 1", max_rows=1))
    assert not exact.truncated
    for none in ("SELECT id, id, 1 AS n FROM items WHERE false -- none", "TABLE items LIMIT 0;"):
        found = await tiny.sql(SqlRequest(statement=none))
        assert (found.rows, found.row_count) == ([], 0)
        assert found.columns in (["id", "id", "n"], ["id", "category", "price"])
    changed = await tiny.sql(SqlRequest(statement="UPDATE items SET price = 1 WHERE id < 4"))
    assert (changed.columns, changed.row_count) == ([], 3)
    chosen = "WITH few AS (SELECT id FROM items WHERE id < 4) "
    update = f"{chosen} UPDATE items SET price = 2 FROM few WHERE items.id = few.id"
    changed = await tiny.sql(SqlRequest(statement=update))
    assert (changed.columns, changed.row_count) == ([], 3)
    returned = await tiny.sql(SqlRequest(statement=f"{update} RETURNING price::int", max_rows=2))
    assert (returned.columns, returned.rows, returned.truncated) == (["price"], [[2], [2]], True)
    nothing = await tiny.sql(SqlRequest(statement="CREATE TABLE t (a int)"))
    assert (nothing.columns, nothing.row_count) == ([], 0)
    bound = await tiny.sql(
        SqlRequest(statement="SELECT %s::int + 1, '100%%'", parameters=[41], role="grader")
    )
    assert bound.rows == [[42, "100%"]]

    for statement, said in (
        ("SELEC 1", 'syntax error at or near "SELEC"'),
        ("SELECT 1;\nSELECT 2", "cannot insert multiple commands"),
        ("SELECT *\nFROM nowhere", 'line 2: relation "nowhere" does not exist'),
        ("COPY items TO '/tmp/x'", "permission denied"),
        ("SELECT pg_read_file('/etc/passwd')", "permission denied"),
        ("COPY items FROM STDIN", "COPY"),
    ):
        with pytest.raises(SqlError, match=said):
            await tiny.sql(SqlRequest(statement=statement))
    with pytest.raises(SqlError):
        await tiny.sql(SqlRequest(statement="DELETE FROM items", role="grader"))
    with pytest.raises(NotFoundError):
        await tiny.sql(SqlRequest(statement="SELECT 1", service="app"))


async def test_explain_measures_and_rolls_back(tiny: Watched) -> None:
    result = await tiny.sql(SqlRequest(statement="DELETE FROM items", explain=True))
    assert result.plan is not None
    assert result.plan["Plan"]["Node Type"] == "ModifyTable"
    assert "Execution Time" in result.plan
    assert await rows(tiny) == 1000
    with pytest.raises(SqlError):
        await tiny.sql(SqlRequest(statement="SELECT 1; COMMIT; DELETE FROM items", explain=True))
    assert await rows(tiny) == 1000
    wrong = "SELECT id\nFROM itmes\nWHERE id = 1\nORDER BY id\nLIMIT 1"
    with pytest.raises(SqlError, match=r"^line 2: "):
        await tiny.sql(SqlRequest(statement=wrong, explain=True))


async def test_a_database_that_is_down_is_unavailable(tiny: Watched) -> None:
    await tiny.service("db", "stop")
    with pytest.raises(UnavailableError):
        await tiny.sql(SqlRequest(statement="SELECT 1"))
    with pytest.raises(UnavailableError):
        await tiny.drift()
    with pytest.raises(UnavailableError):
        await tiny.apply()
    assert tiny.status.state is State.DEGRADED
    await tiny.service("db", "start")
    assert await rows(tiny) == 1000

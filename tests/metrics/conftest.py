"""Real servers to be sampled: PostgreSQL, Valkey, HAProxy, and a ``/metrics`` page."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import socketserver
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import psycopg
import pytest
from prometheus_client import CollectorRegistry, MetricsHandler
from redis import Redis

from jupyter_sysdesign.environment import binaries
from jupyter_sysdesign.environment.owner import make_folder, server_owner
from jupyter_sysdesign.environment.programs import for_owner
from jupyter_sysdesign.load.target import Target
from jupyter_sysdesign.metrics.sources import (
    AppSource,
    HaproxySource,
    PostgresSource,
    ValkeySource,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SCHEMA = """
CREATE EXTENSION pg_stat_statements;
CREATE ROLE shop LOGIN;
CREATE ROLE grader LOGIN IN ROLE pg_monitor, pg_read_all_data;
CREATE SCHEMA sysdesign;
CREATE TABLE sysdesign.migrations (name text);
CREATE TABLE items (id int PRIMARY KEY, category int, price int);
INSERT INTO items SELECT n, n % 10, n FROM generate_series(1, 5000) n;
CREATE TABLE untouched (id int);
GRANT ALL ON ALL TABLES IN SCHEMA public TO shop;
ANALYZE;
"""


@dataclass
class Process:
    """One server process of a test."""

    popen: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self.popen.pid

    def freeze(self) -> None:
        self.popen.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.popen.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self.popen.kill()
        self.popen.wait()


@dataclass
class Postgres(Process):
    """A PostgreSQL and how to reach it."""

    sockets: Path

    def dsn(self, user: str) -> str:
        return f"postgresql://{user}@/postgres?host={self.sockets}"

    @property
    def source(self) -> PostgresSource:
        return PostgresSource("db", self.dsn("grader"))

    def everybody(self) -> list[int]:
        """Return the postmaster and its children."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [self.pid, *map(int, children)]


@dataclass
class Valkey(Process):
    """A Valkey and how to reach it."""

    path: Path

    @property
    def source(self) -> ValkeySource:
        return ValkeySource("cache", f"unix://:secret@{self.path}?db=0")

    def client(self) -> Redis:
        return Redis(unix_socket_path=str(self.path), password="secret")


@dataclass
class Haproxy(Process):
    """An HAProxy, its published port and its stats socket."""

    path: Path
    port: int

    @property
    def source(self) -> HaproxySource:
        return HaproxySource("lb", str(self.path))


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """Return a folder with a short name that every user may enter."""
    base = Path(tempfile.mkdtemp(prefix="sdm-", dir="/tmp"))
    base.chmod(0o711)
    yield base
    shutil.rmtree(base, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster(folder: Path) -> Path:
    """Return a seeded PostgreSQL data folder, to be copied."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYSDESIGN_HOME", str(folder / "home"))
        owner = server_owner()
        data, sockets = folder / "cluster", folder / "build"
        for each in (data, sockets):
            make_folder(each, owner)
        initdb = for_owner(binaries.find("initdb"), owner)
        subprocess.run(
            [initdb, "-D", data, "-U", "postgres", "--auth=trust", "--no-sync"],
            check=True,
            capture_output=True,
            cwd="/",
            **_as(owner),
        )
        server = _start_postgres(folder, data, sockets)
        with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
            connection.execute(_SCHEMA)
        server.popen.send_signal(signal.SIGINT)
        server.popen.wait()
        return data


@pytest.fixture
def postgres(folder: Path, cluster: Path) -> Iterator[Postgres]:
    """Run a PostgreSQL of the test's own."""
    base = Path(tempfile.mkdtemp(prefix="pg", dir=folder))
    base.chmod(0o711)
    owner = server_owner()
    sockets = base / "s"
    make_folder(sockets, owner)
    subprocess.run(["cp", "-a", cluster, base / "data"], check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYSDESIGN_HOME", str(folder / "home"))
        server = _start_postgres(folder, base / "data", sockets)
    yield server
    for pid in server.everybody() if server.popen.poll() is None else ():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    server.popen.send_signal(signal.SIGQUIT)
    server.popen.wait()
    shutil.rmtree(base, ignore_errors=True)


@pytest.fixture
def start_valkey(folder: Path) -> Iterator[Callable[[], Valkey]]:
    """Start a Valkey, always at the same socket."""
    path = Path(tempfile.mkdtemp(prefix="vk", dir=folder)) / "s"
    started: list[Valkey] = []

    def start() -> Valkey:
        argv = [binaries.find("valkey-server"), "--port", "0", "--unixsocket", path]
        argv += ["--requirepass", "secret", "--save", "", "--daemonize", "no"]
        popen = subprocess.Popen(argv, stdout=subprocess.DEVNULL, cwd=path.parent)
        server = Valkey(popen, path)
        started.append(server)

        def answers() -> bool:
            with server.client() as client:
                return bool(client.ping())

        _wait_for(answers, server.popen)
        return server

    yield start
    for server in started:
        server.thaw()
        server.kill()


@pytest.fixture
def valkey(start_valkey: Callable[[], Valkey]) -> Valkey:
    return start_valkey()


@pytest.fixture
def haproxy(folder: Path, page: Page) -> Iterator[Haproxy]:
    """Run an HAProxy before the metrics page, and a server that is not there."""
    base = Path(tempfile.mkdtemp(prefix="ha", dir=folder))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (base / "haproxy.cfg").write_text(
        f"""
global
    stats socket {base}/s mode 600 level admin
defaults
    mode http
    timeout connect 1s
    timeout client 5s
    timeout server 5s
frontend web
    bind 127.0.0.1:{port}
    option socket-stats
    default_backend pages
    use_backend nowhere if {{ path /nowhere }}
frontend stats
    bind unix@{base}/stats
    stats enable
backend pages
    server here 127.0.0.1:{page.port}
backend nowhere
    server gone 127.0.0.1:1
"""
    )
    popen = subprocess.Popen([binaries.find("haproxy"), "-db", "-q", "-f", base / "haproxy.cfg"])
    server = Haproxy(popen, base / "s", port)

    def answers() -> bool:  # on its own socket: a look at the port would count as traffic
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(str(server.path))
            link.sendall(b"show info\n")
            return bool(link.recv(1))

    _wait_for(answers, popen)
    yield server
    server.thaw()
    server.kill()


class Page:
    """A real ``/metrics`` page of prometheus_client, on TCP or on a unix socket.

    Attributes:
        registry: what it shows; replace it to let the service restart.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.registry = CollectorRegistry()
        self.path = path
        page = self

        class Handler(MetricsHandler):
            """Shows the registry of the moment."""

            @property
            def registry(self) -> CollectorRegistry:  # type: ignore[override]
                return page.registry

            def log_message(self, *_: Any) -> None:
                pass

            def address_string(self) -> str:
                return "unix"

        self._server: socketserver.BaseServer
        if path is None:
            self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            self.port = self._server.server_address[1]
        else:
            self._server = socketserver.ThreadingUnixStreamServer(str(path), Handler)
            self.port = 80
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def source(self) -> AppSource:
        path = str(self.path) if self.path else None
        return AppSource("app", Target("127.0.0.1", self.port, path))

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def page() -> Iterator[Page]:
    running = Page()
    yield running
    running.close()


@pytest.fixture
def unix_page(folder: Path) -> Iterator[Page]:
    running = Page(Path(tempfile.mkdtemp(dir=folder)) / "s")
    yield running
    running.close()


def _start_postgres(folder: Path, data: Path, sockets: Path) -> Postgres:
    owner = server_owner()
    argv = [for_owner(binaries.find("postgres"), owner), "-D", data, "-k", sockets]
    settings = {
        "listen_addresses": "",
        "fsync": "off",
        "shared_buffers": "16MB",
        "shared_preload_libraries": "pg_stat_statements",
    }
    for name, value in settings.items():
        argv += ["-c", f"{name}={value}"]
    popen = subprocess.Popen(argv, stderr=subprocess.DEVNULL, cwd=folder, **_as(owner))
    server = Postgres(popen, sockets)
    asked: list[int] = []

    def answers() -> bool:
        with psycopg.connect(server.dsn("postgres")) as connection:
            asked.append(connection.info.backend_pid)
        return True

    _wait_for(answers, popen)
    _wait_for(lambda: not psutil.pid_exists(asked[-1]), popen)  # until then it is counted
    return server


def _as(owner: Any) -> dict[str, Any]:
    return {"user": owner.uid, "group": owner.gid, "extra_groups": []} if owner else {}


def _wait_for(answers: Callable[[], bool], popen: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while True:
        with contextlib.suppress(Exception):
            if answers():
                return
        assert popen.poll() is None, "the server ended"
        assert time.monotonic() < end, "the server does not answer"
        time.sleep(0.02)

"""Each way in which Docker can fail: a clear message, a clean state, and it works again after."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import docker
import pytest
from puppets import COMPOSE, PUPPET, Puppet

from jupyter_sysdesign import paths
from jupyter_sysdesign.control.startable import check_startable
from jupyter_sysdesign.environment.runtimes.docker import labels
from jupyter_sysdesign.environment.status import ServiceState, State
from jupyter_sysdesign.environment.sweep import sweep_all
from jupyter_sysdesign.errors import ConflictError, MissingBinaryError, ResourceError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from docker import APIClient

    from jupyter_sysdesign.environment.source import Source

    Until = Callable[..., Awaitable[None]]

pytestmark = [pytest.mark.anyio, pytest.mark.docker]

IMAGES = ("sysdesign/network:1", "sysdesign/python:3")
_DISK_MIB = 1200
_BRIDGE = "sdtest0"


@pytest.fixture
def idle(on_docker: Callable[..., Puppet], make_lesson: Callable[..., Source]) -> Puppet:
    """Return a puppet that was not started."""
    return on_docker(make_lesson({"compose.yaml": COMPOSE, "app/server.py": PUPPET}), Puppet)


def refused(instance: Puppet) -> None:
    """Check that nothing is left of a start that failed."""
    assert instance.status.state is State.FAILED
    assert instance.status.reason
    assert instance.processes() == {}
    assert not list(paths.runtime().iterdir())


# --- no engine ----------------------------------------------------------------------------------


async def test_no_engine(idle: Puppet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{paths.home()}/nobody.sock")
    for refuse in (idle.start, _checking(idle.source)):
        with pytest.raises(MissingBinaryError, match="No Docker engine answers at unix://") as told:
            await refuse()
        assert "embedded runtime" in told.value.hint
    refused(idle)
    monkeypatch.delenv("DOCKER_HOST")
    await idle.start()
    assert await idle.run("answer = 1") == 1


async def test_a_container_that_somebody_removes(
    idle: Puppet, client: APIClient, until: Until
) -> None:
    await idle.start()
    client.remove_container(labels.name(idle.id, "app"), force=True)
    await until(lambda: idle.of("app").state is ServiceState.FAILED)
    await idle.service("app", "start")
    assert await idle.run("answer = 1") == 1
    client.remove_container(labels.name(idle.id, "app"), force=True)
    with anyio.fail_after(60):
        await idle.stop()


async def test_an_engine_of_another_machine(idle: Puppet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.1:2376")
    with pytest.raises(MissingBinaryError, match="does not see the files here"):
        await idle.start()
    refused(idle)


async def test_no_sdk(idle: Puppet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "docker", None)
    with pytest.raises(MissingBinaryError, match="SDK is not installed") as told:
        await idle.start()
    assert "jupyter-sysdesign[docker]" in told.value.hint
    refused(idle)


def _checking(source: Source) -> Callable[[], Awaitable[None]]:
    async def check() -> None:
        check_startable(source, "docker")

    return check


# --- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", ["app", "~network"])
async def test_a_name_that_somebody_else_has(idle: Puppet, client: APIClient, service: str) -> None:
    name = labels.name(idle.id, service)
    other = client.create_container("sysdesign/python:3", name=name, command=["-V"])
    try:
        with pytest.raises(ConflictError, match=name):
            await idle.start()
        refused(idle)
        assert client.inspect_container(name)["Id"] == other["Id"]
    finally:
        client.remove_container(other)
    await idle.start()


async def test_a_network_name_that_somebody_else_has(idle: Puppet, client: APIClient) -> None:
    other = client.create_network(labels.name(idle.id), internal=True)
    try:
        with pytest.raises(ConflictError, match="The network name") as told:
            await idle.start()
        assert "docker network rm" in told.value.hint
        refused(idle)
    finally:
        client.remove_network(other["Id"])
    await idle.start()


async def test_a_subnet_that_somebody_else_has_is_passed_over(
    idle: Puppet, client: APIClient
) -> None:
    await idle.start()
    host = idle.address("app").host
    await idle.stop()
    subnet = f"{host.rpartition('.')[0]}.{int(host.rpartition('.')[2]) - 2}/29"
    other = client.create_network("sysdesign-test-other", ipam={"Config": [{"Subnet": subnet}]})
    try:
        await idle.start()
        assert idle.address("app").host != host
        assert await idle.run("answer = 1") == 1
    finally:
        client.remove_network(other["Id"])


async def test_who_removes_the_network_ends_the_environment_in_order(
    idle: Puppet, client: APIClient, until: Until
) -> None:
    await idle.start()
    client.kill(labels.name(idle.id, "~network"))
    await until(lambda: idle.status.state is State.FAILED)
    assert idle.status.reason.startswith("Its private network was ended")
    await idle.start()
    assert await idle.run("answer = 1") == 1


# --- an engine of our own -----------------------------------------------------------------------


class Engine:
    """A private engine with a small disk, to be stopped and filled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"unix://{folder}/docker.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *("dockerd", "--host", self.url, "--data-root", str(self.folder / "data")),
                    *("--exec-opt", "native.cgroupdriver=cgroupfs"),
                    # With no bridge at all it would remove that of this machine's engine.
                    *("--bridge", _BRIDGE, "--iptables=false", "--ip-masq=false"),
                    *("--exec-root", str(self.folder / "exec")),
                    *("--pidfile", str(self.folder / "pid")),
                ],
                env={"PATH": os.environ["PATH"]},  # it is no test's
                stdout=log,
                stderr=log,
            )
        for _ in range(600):
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as door:
                door.connect(str(self.folder / "docker.sock"))
                return
            time.sleep(0.1)
        pytest.fail((self.folder / "log").read_text()[-3000:])

    def stop(self, number: int = signal.SIGTERM) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(60)

    def client(self) -> APIClient:
        return docker.APIClient(base_url=self.url, timeout=120)


@pytest.fixture(scope="module")
def private() -> Iterator[Engine]:
    """Return a running engine that has the images of a puppet."""
    if os.geteuid() != 0:
        pytest.skip("only root can start an engine of its own")
    folder = Path(tempfile.mkdtemp(prefix="sde-", dir="/tmp"))
    (folder / "data").mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={_DISK_MIB}m", "none", str(folder / "data")],
        check=True,
    )
    engine = Engine(folder)
    subprocess.run(["ip", "link", "add", _BRIDGE, "type", "bridge"], check=True)
    subprocess.run(["ip", "addr", "add", "10.213.8.1/24", "dev", _BRIDGE], check=True)
    try:
        engine.start()
        saved = subprocess.Popen(["docker", "save", *IMAGES], stdout=subprocess.PIPE)
        subprocess.run(
            ["docker", "--host", engine.url, "load", "--quiet"],
            stdin=saved.stdout,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        saved.stdout.close()
        saved.wait()
        yield engine
        engine.stop()
    finally:
        subprocess.run(["ip", "link", "del", _BRIDGE], check=True)
        subprocess.run(["umount", "--lazy", str(folder / "data")], check=True)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def elsewhere(private: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """Make the private engine the one that is used."""
    monkeypatch.setenv("DOCKER_HOST", private.url)
    yield private
    sweep_all()
    with private.client() as client:
        assert client.containers(all=True) == []
        assert [each for each in client.networks() if each["Name"].startswith("sysdesign")] == []


async def test_a_missing_image(idle: Puppet, elsewhere: Engine) -> None:
    with elsewhere.client() as client:
        client.tag(IMAGES[1], "kept", "1")
        client.remove_image(IMAGES[1], noprune=True)
        try:
            for refuse in (idle.start, _checking(idle.source)):
                with pytest.raises(MissingBinaryError, match="image") as told:
                    await refuse()
                assert "sysdesign images build" in told.value.hint
            refused(idle)
        finally:
            client.tag("kept:1", *IMAGES[1].split(":"))
    await idle.start()
    assert await idle.run("answer = 1") == 1
    await idle.stop()


# When an engine dies while the SDK connects to it, the SDK leaves its socket to the collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_an_engine_that_restarts_under_it(
    idle: Puppet, elsewhere: Engine, until: Until, number: int
) -> None:
    await idle.start()
    tree = idle.processes()["app"]
    elsewhere.stop(number)
    await until(lambda: idle.status.state is State.FAILED)
    # It ends the containers in order, if it has the time.
    assert idle.status.reason in {
        "The Docker engine went away",
        "Its private network was ended; perhaps Docker stopped",
    }
    with pytest.raises(MissingBinaryError, match="No Docker engine answers"):
        await idle.start()
    elsewhere.start()
    await idle.start()
    assert await idle.run("answer = 1") == 1
    assert not set(tree) & set(idle.processes()["app"])
    await idle.stop()


async def test_a_full_disk_of_the_engine(idle: Puppet, elsewhere: Engine) -> None:
    filler = elsewhere.folder / "data" / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(1 << 16))
    try:
        with pytest.raises(ResourceError, match="no disk space left") as told:
            await idle.start()
        assert "docker system df" in told.value.hint
        refused(idle)
    finally:
        filler.unlink()
    await idle.start()
    assert await idle.run("answer = 1") == 1
    await idle.stop()

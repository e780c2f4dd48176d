"""Environments on a real Docker engine: the same states, files and answers as embedded ones."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from jupyter_sysdesign import paths
from jupyter_sysdesign.control.models import SqlRequest
from jupyter_sysdesign.environment import proctree
from jupyter_sysdesign.environment.runtimes.docker import labels
from jupyter_sysdesign.environment.status import ServiceState, State
from jupyter_sysdesign.errors import ConflictError
from jupyter_sysdesign.metrics.collectors.processes import cpu_s, memory_bytes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from docker import APIClient
    from puppets import Puppet
    from watched import Watched

    from jupyter_sysdesign.environment.source import Source

    Until = Callable[..., Awaitable[None]]

pytestmark = [pytest.mark.anyio, pytest.mark.docker]

ROWS = SqlRequest(statement="SELECT count(*) FROM items")


async def items(instance: Watched) -> httpx.Response:
    async with httpx.AsyncClient(base_url=instance.status.url or "", timeout=60) as http:
        return await http.get("/items")


async def test_five_services_start_answer_and_stop_without_a_trace(
    on_docker: Callable[..., Watched], tiny_full_lesson: Source, client: APIClient
) -> None:
    instance = on_docker(tiny_full_lesson)
    await instance.start()
    status = instance.status
    assert status.state is State.READY, status.reason
    assert status.runtime == "docker"
    assert {each.name: each.state for each in status.services} == dict.fromkeys(
        ("db", "cache", "app1", "app2", "lb"), ServiceState.READY
    )
    assert status.url == instance.of("lb").url == f"http://{instance.address('lb')}"
    assert (await items(instance)).json()[0]["price"] >= 0
    assert (await instance.sql(ROWS)).rows == [[1000]]
    assert set(instance.metrics_addresses()) == {"app1", "app2"}
    processes = instance.processes()
    assert len(processes["db"]) > 3  # the postmaster and its children
    assert all(memory_bytes(tree) > 1 << 20 for name, tree in processes.items())
    mine = client.containers(filters={"label": f"{labels.INSTANCE}={instance.id}"})
    assert len(mine) == 6  # and the one that holds the network

    await instance.stop()
    assert instance.states == ["preparing", "starting", "ready", "stopping", "stopped"]
    assert not [pid for tree in processes.values() for pid in tree if proctree.started(pid)]
    assert not list(paths.runtime().iterdir())
    assert not (paths.instances() / instance.id / "ledger.json").exists()
    for found in (client.containers(all=True), client.networks()):
        assert not [each for each in found if instance.id in str(each["Labels"])]


async def test_a_container_may_do_next_to_nothing(
    on_docker: Callable[..., Watched], tiny_full_lesson: Source, client: APIClient
) -> None:
    instance = on_docker(tiny_full_lesson)
    await instance.start()
    for name in ("db", "cache", "app1", "lb"):
        found = client.inspect_container(labels.name(instance.id, name))
        assert found["Config"]["Labels"].items() >= labels.of(instance.id, name).items()
        assert not found["Config"]["User"].startswith("0:")
        limits = found["HostConfig"]
        assert limits["ReadonlyRootfs"]
        assert limits["CapDrop"] == ["ALL"]
        assert not limits["CapAdd"]
        assert limits["SecurityOpt"] == ["no-new-privileges"]
        assert not limits["Privileged"]
        assert limits["PidsLimit"] == 256
        assert limits["Memory"] == limits["MemorySwap"] == instance.of(name).memory_bytes
        assert limits["CpuQuota"] / limits["CpuPeriod"] == pytest.approx(0.5)
        # Who talks by unix sockets alone has no network at all.
        assert limits["NetworkMode"].startswith("container:" if name == "lb" else "none")
        assert all("size=" in options for options in limits["Tmpfs"].values())
        written = {each["Target"] for each in limits["Mounts"] if not each.get("ReadOnly")}
        data, sockets = paths.instances() / instance.id / "data", paths.runtime()
        assert all(each.startswith((str(data), str(sockets))) for each in written)


async def test_data_survive_a_stop_and_a_change_of_runtime_and_reset_is_pristine(
    on_docker: Callable[..., Watched], tiny_lesson: Source
) -> None:
    instance = on_docker(tiny_lesson)
    await instance.start()
    url = instance.status.url
    async with httpx.AsyncClient(base_url=url or "", timeout=60) as http:
        assert (await http.post("/items", json={"category": "x", "price": 1})).status_code == 201
    with pytest.raises(ConflictError, match="runs on the docker runtime"):
        instance.run_on("embedded")
    await instance.stop()
    instance.run_on("embedded")
    await instance.start()
    assert (await instance.sql(ROWS)).rows == [[1001]]
    assert (instance.status.url or "").startswith("http://127.0.0.1:")
    await instance.stop()
    instance.run_on("docker")
    await instance.start()
    assert instance.status.url == url
    assert (await instance.sql(ROWS)).rows == [[1001]]
    await instance.reset()
    assert instance.status.state is State.READY
    assert (await instance.sql(ROWS)).rows == [[1000]]
    assert (await items(instance)).status_code == 200


async def test_saved_files_restart_the_app_and_apply_follows_compose_and_migrations(
    on_docker: Callable[..., Watched], tiny_lesson: Source, until: Until
) -> None:
    instance = on_docker(tiny_lesson)
    await instance.start()
    server = tiny_lesson.workspace / "app" / "server.py"
    good = server.read_text()
    server.write_text("def broken(:\n")
    await until(lambda: "app/server.py:1" in instance.of("app").reason)
    assert instance.status.state is State.DEGRADED
    server.write_text(good)
    await until(lambda: instance.status.state is State.READY)

    migrations = tiny_lesson.workspace / "migrations"
    migrations.mkdir(exist_ok=True)
    (migrations / "001-index.sql").write_text("CREATE INDEX ON items (price);")
    compose = (tiny_lesson.pristine / "compose.yaml").read_text()
    before = instance.of("app").pid
    (tiny_lesson.workspace / "compose.yaml").write_text(
        compose.replace("depends_on: {db", 'depends_on: {"db"').replace(
            'cpus: "0.5", memory: 512M}}}\n  app', 'cpus: "0.5", memory: 256M}}}\n  app'
        )
    )
    done = await instance.apply()
    assert done.applied == ["001-index.sql"]
    assert done.restarted == ["db"]
    assert done.kept == ["app"]
    assert instance.of("app").pid == before
    assert instance.of("db").memory_bytes == 256 << 20


async def test_how_a_service_ended_is_told_as_on_the_embedded_runtime(
    puppet: Puppet, until: Until
) -> None:
    with pytest.raises(httpx.HTTPError):
        await puppet.run("import os; print('last words', flush=True); os._exit(3)")
    await until(lambda: puppet.of("app").state is ServiceState.FAILED)
    assert puppet.of("app").reason == "ended with code 3: last words"
    assert puppet.of("app").exit_code == 3
    assert puppet.status.state is State.DEGRADED
    await puppet.service("app", "start")
    with pytest.raises(httpx.HTTPError):
        await puppet.run("import os; os._exit(-1)")
    await until(lambda: puppet.of("app").state is ServiceState.FAILED)
    assert puppet.of("app").reason.startswith("ended with code 255")
    await puppet.service("app", "start")
    with pytest.raises(httpx.HTTPError):
        await puppet.run("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    await until(lambda: puppet.of("app").state is ServiceState.FAILED)
    assert puppet.of("app").reason.startswith("was killed by SIGSEGV")
    await puppet.service("app", "start")
    os.kill(puppet.of("app").pid, 9)  # what the gate does to a database
    await until(lambda: puppet.of("app").state is ServiceState.FAILED)
    assert puppet.of("app").reason.startswith("was killed by SIGKILL")
    with pytest.raises(ConflictError):
        await puppet.service("app", "pause")
    await puppet.service("app", "start")
    assert await puppet.run("answer = 1") == 1
    assert {each["line"] for each in puppet.logs("app")} >= {"last words"}


async def test_who_takes_more_memory_than_allowed_is_ended_and_it_is_said(
    puppet: Puppet, until: Until
) -> None:
    with pytest.raises(httpx.HTTPError):
        await puppet.run("held = []\nwhile True: held.append(bytearray(1 << 20))")
    await until(lambda: puppet.of("app").state is ServiceState.FAILED)
    assert puppet.of("app").reason.startswith("out of memory: app wanted more than its 256 MiB")


async def test_one_process_of_many_out_of_memory_ends_the_service(
    puppet: Puppet, until: Until
) -> None:
    await puppet.run(
        "import subprocess, sys\n"
        "grow = 'held = []\\nwhile True: held.append(bytearray(1 << 20))'\n"
        "subprocess.Popen([sys.executable, '-c', grow])"
    )
    await until(lambda: puppet.of("app").state is ServiceState.FAILED)
    assert puppet.of("app").reason.startswith("out of memory")


async def test_a_paused_service_stands_still_whatever_its_quota(puppet: Puppet) -> None:
    spin = "import threading\ndef spin():\n  while True: pass\n"
    await puppet.run(spin + "threading.Thread(target=spin, daemon=True).start()")
    tree = puppet.processes()["app"]
    await puppet.service("app", "pause")
    before = cpu_s(tree)
    asking = asyncio.create_task(puppet.run("answer = 2"))
    await asyncio.sleep(0.3)
    assert not asking.done()
    assert cpu_s(tree) == before
    assert await puppet.stands_still("app")
    assert (await puppet.service("app", "resume")).state is ServiceState.READY
    assert await asking == 2
    await puppet.service("app", "pause")
    await puppet.service("app", "stop")  # also one that is frozen
    assert puppet.of("app").state is ServiceState.STOPPED
    await puppet.service("app", "start")
    await puppet.service("app", "pause")
    await puppet.service("app", "kill")
    assert puppet.of("app").reason == "killed"


async def test_a_pause_holds_however_little_a_service_may_use(puppet: Puppet) -> None:
    spin = "import threading\ndef spin():\n  while True: pass\n"
    await puppet.run(spin + "for _ in range(4): threading.Thread(target=spin, daemon=True).start()")
    await puppet.set_quota("app", 0.02)
    tree = puppet.processes()["app"]
    for _ in range(5):
        await puppet.service("app", "pause")
        assert await puppet.stands_still("app")
        before = cpu_s(tree)
        await asyncio.sleep(0.2)
        assert cpu_s(tree) == before
        await puppet.service("app", "resume")
    began, before = time.monotonic(), cpu_s(tree)
    await asyncio.sleep(2.0)
    assert (cpu_s(tree) - before) / (time.monotonic() - began) < 0.05


async def test_who_has_next_to_no_processor_can_be_killed(puppet: Puppet) -> None:
    await puppet.run(
        "import subprocess, sys\n"
        "spin = 'import time; time.sleep(5)\\nwhile True: pass'\n"
        "for _ in range(60): subprocess.Popen([sys.executable, '-c', spin])"
    )
    await asyncio.sleep(6)
    await puppet.set_quota("app", 0.01)
    await puppet.service("app", "kill")
    assert puppet.of("app").reason == "killed"
    assert puppet.processes() == {}


async def test_a_service_that_ends_by_itself_as_it_is_told_to(puppet: Puppet) -> None:
    for pause_s in (0, 0.01, 0.03, 0.1, 0.2, 0.3):
        ending = f"import os, threading; threading.Timer({pause_s}, os._exit, [3]).start()"
        with contextlib.suppress(httpx.HTTPError):  # it is quicker than its answer
            await puppet.run(ending)
        with contextlib.suppress(ConflictError):  # it was noticed before
            await puppet.service("app", "stop")
        assert puppet.processes() == {}
        await puppet.service("app", "start")
        assert await puppet.run("answer = 1") == 1


async def test_a_quota_is_the_engines_and_can_be_changed(puppet: Puppet) -> None:
    spin = "import threading\ndef spin():\n  while True: pass\n"
    await puppet.run(spin + "for _ in range(2): threading.Thread(target=spin, daemon=True).start()")
    tree = puppet.processes()["app"]

    async def cores() -> float:
        began, before = time.monotonic(), cpu_s(tree)
        await asyncio.sleep(2.0)
        return (cpu_s(tree) - before) / (time.monotonic() - began)

    assert await cores() < 0.6
    await puppet.set_quota("app", 0.2)
    assert 0.01 < await cores() < 0.25
    await puppet.set_quota("app", 0.02)  # less than the kernel gives out in a short period
    assert await cores() < 0.05


@pytest.mark.parametrize("after", ["preparing", "starting"])
async def test_a_stop_in_the_middle_of_a_start_leaves_nothing(
    on_docker: Callable[..., Watched],
    tiny_lesson: Source,
    client: APIClient,
    until: Until,
    after: str,
) -> None:
    instance = on_docker(tiny_lesson)
    starting = asyncio.create_task(instance.start())
    await until(lambda: after in instance.states)
    await instance.stop()
    with pytest.raises(ConflictError):
        await starting
    assert instance.status.state is State.STOPPED
    for found in (client.containers(all=True), client.networks()):
        assert not [each for each in found if instance.id in str(each["Labels"])]
    await instance.start()
    assert (await items(instance)).status_code == 200

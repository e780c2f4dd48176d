"""The hub as a service of a swarm of one machine, in an engine of the test's own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from engine import ROOT
from engine import docker as ask_engine
from hub.conftest import INSTRUCTOR, LEARNERS, Hub, build
from hub.journey import (
    LISTENING,
    REACH,
    guess_of,
    open_lesson,
    pids,
    play_at_once,
    refused_over_http,
)

pytestmark = [
    pytest.mark.containers,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(os.geteuid() != 0, reason="a second engine needs root"),
]

HUB_IMAGE = "jupyter-sysdesign/hub:test"
BRIDGE = "docker_gwbridge"
DEFAULT_BRIDGE = "sdswarm0"


@dataclass
class Engine:
    """A ``dockerd`` that shares nothing with the one of this machine, the firewall included."""

    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"unix://{self.folder}/docker.sock"

    def __call__(self, *words, check=True, timeout_s=120):
        return ask_engine("--host", self.url, *words, check=check, timeout_s=timeout_s)


def link(*words, check=True):
    subprocess.run(["ip", "link", *words], check=check, capture_output=True)


@pytest.fixture(scope="module")
def engine(image):
    build(HUB_IMAGE, "--hub")
    folder = Path(tempfile.mkdtemp(prefix="sdsw-", dir="/tmp"))
    had_bridge = Path("/sys/class/net", BRIDGE).exists()
    link("add", DEFAULT_BRIDGE, "type", "bridge")
    subprocess.run(["ip", "addr", "add", "10.213.7.1/24", "dev", DEFAULT_BRIDGE], check=True)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                *("dockerd", "--data-root", folder / "data", "--exec-root", folder / "exec"),
                *("--pidfile", folder / "pid", "--host", f"unix://{folder}/docker.sock"),
                # A bridge of its own: with none at all, it would remove the other engine's.
                *("--bridge", DEFAULT_BRIDGE, "--iptables=false", "--ip-masq=false"),
            ],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
        )
    found = Engine(folder, process)
    try:
        deadline = time.monotonic() + 60
        while not found("version", "--format", "{{.Server.Version}}", check=False):
            assert process.poll() is None, (folder / "log").read_text()[-3000:]
            assert time.monotonic() < deadline
            time.sleep(0.2)
        found(*("swarm", "init", "--advertise-addr", "127.0.0.1", "--listen-addr", "127.0.0.1:2399",
                "--data-path-port", "4799"))  # fmt: skip
        with subprocess.Popen(["docker", "save", image, HUB_IMAGE], stdout=subprocess.PIPE) as save:
            subprocess.run(
                ["docker", "--host", found.url, "load"], stdin=save.stdout, check=True, timeout=600
            )
        yield found
    finally:
        found("swarm", "leave", "--force", check=False)
        process.terminate()
        process.wait(60)
        subprocess.run(["umount", "-R", folder / "exec"], check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)
        link("del", DEFAULT_BRIDGE)
        if not had_bridge:
            link("del", BRIDGE, check=False)


@dataclass
class SwarmHub(Hub):
    """The stack of hub/swarm.yaml, with what a person adds to it."""

    engine: Engine | None = None

    @property
    def log(self) -> str:
        return self.engine("service", "logs", "--raw", "--tail", "60", "sdtest_hub", check=False)

    def start(self, **environment):
        (self.data / "config.py").write_text(self.config("/srv/hub/swarm.py"))
        (self.data / "more.yaml").write_text(
            textwrap.dedent(f"""
            version: "3.8"
            services:
              hub:
                command: [jupyterhub, -f, /srv/config.py]
                configs: [{{source: config, target: /srv/config.py}}]
                volumes: ["{self.engine.folder}/docker.sock:/var/run/docker.sock"]
            configs:
              config: {{file: {self.data}/config.py}}
            """)
        )
        ours = (ROOT / "hub" / "swarm.yaml").read_text()
        (self.data / "swarm.yaml").write_text(
            ours.replace("published: 8000", f"published: {self.port}")
        )
        done = subprocess.run(
            ["docker", "--host", self.engine.url, "stack", "deploy", "--resolve-image", "never",
             "-c", self.data / "swarm.yaml", "-c", self.data / "more.yaml", "sdtest"],
            env={**os.environ, **self.environment, **environment},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        self.until(lambda: self.ask("GET", "/hub/api/")[0] == 200, "the hub does not answer")


@pytest.fixture(scope="module")
def hub(engine, image, tmp_path_factory):
    made = SwarmHub(
        tmp_path_factory.mktemp("swarm"),
        {"SYSDESIGN_HUB_IMAGE": image, "SYSDESIGN_HUB_SERVICE_IMAGE": HUB_IMAGE},
        engine=engine,
    )
    try:
        made.start()
        yield made
    finally:
        for each in engine("service", "ls", "-q", check=False).split():
            engine("service", "rm", each, check=False)
        engine("stack", "rm", "sdtest", check=False)


def test_the_same_day_in_a_swarm(hub, engine):
    def container(name):
        (found,) = engine("ps", "-q", "--filter", f"name={name}").split()
        return found

    def inside(user, script, *words):
        name = container(f"sysdesign-{user}")
        return engine("exec", name, "python3", "-c", textwrap.dedent(script), *words)

    everybody = (*LEARNERS, INSTRUCTOR)
    for user in everybody:
        hub.spawn(user)
    there = play_at_once(hub)
    ann, bob = LEARNERS
    assert len({inside(user, "import os; print(os.getuid())") for user in everybody}) == 3
    (found,) = json.loads(engine("inspect", container("sysdesign-ann")))
    assert found["HostConfig"]["ReadonlyRootfs"]
    assert found["HostConfig"]["CapDrop"] == ["ALL"]
    assert found["HostConfig"]["Memory"] == 2 << 30
    places = {each["Destination"] for each in found["Mounts"]}
    assert places == {"/home/jovyan", "/srv/exchange", "/tmp"}

    # An overlay network lets servers reach each other: there is one door, and it asks who is there.
    refused_over_http(hub, ann, bob, there[bob])
    listening = inside(bob, LISTENING)
    assert inside(ann, REACH, "sysdesign-bob", *listening.split()) == "8888"
    for path in ("api/contents", "sysdesign/v1/environments", "api/kernels"):
        status = inside(ann, KNOCK, f"http://sysdesign-bob:8888/user/bob/{path}")
        assert status == "403", (path, status)
    assert inside(ann, REACH, "hub", "8001", "2375") == ""

    # The hub is killed, and swarm brings it back; nobody's lesson notices.
    engine("kill", container("sdtest_hub"))
    hub.until(lambda: hub.ask("GET", "/hub/api/")[0] == 200, "the hub did not come back")
    for user in LEARNERS:
        hub.until(lambda user=user: hub.server(user).get("ready"), "a server was lost")
        now = hub.lesson(user, "GET", f"/environments/{there[user]['id']}")
        assert (now["state"], pids(now)) == ("ready", pids(there[user]))

    hub.stop_server(ann)
    hub.until(lambda: not engine("ps", "-q", "--filter", "name=sysdesign-ann"), "it still runs")
    hub.spawn(ann)
    assert [each["state"] for each in hub.lesson(ann, "GET", "/environments")] == ["stopped"]
    assert guess_of(hub, ann, there[ann]) == 300
    assert open_lesson(hub, ann)["id"] == there[ann]["id"]
    assert hub.lesson(bob, "GET", f"/environments/{there[bob]['id']}")["state"] == "ready"


KNOCK = """
    import sys, urllib.error, urllib.request
    try:
        print(urllib.request.urlopen(sys.argv[1], timeout=10).status)
    except urllib.error.HTTPError as refused:
        print(refused.code)
"""

"""A hub on one machine: two learners and an instructor, in containers of a real engine."""

from __future__ import annotations

import contextlib
import json
import signal
import textwrap

import pytest
from engine import docker
from hub.conftest import INSTRUCTOR, LEARNERS, Hub
from hub.journey import (
    LESSON,
    LISTENING,
    PROCESSES,
    REACH,
    SEEDED,
    guess_of,
    open_lesson,
    pids,
    play_at_once,
    refused_over_http,
)

pytestmark = [pytest.mark.containers, pytest.mark.timeout(1200)]

NETWORK = "sysdesign-hub-test"
EXCHANGE = "/srv/exchange"


@pytest.fixture(scope="module")
def hub(image, tmp_path_factory):
    prefix = "sdtest"
    data = tmp_path_factory.mktemp("hub")
    hub = Hub(
        data,
        {"SYSDESIGN_HUB_IMAGE": image, "SYSDESIGN_HUB_NETWORK": NETWORK},
        more=textwrap.dedent(f"""
            c.DockerSpawner.prefix = "{prefix}"
            c.DockerSpawner.volumes = {{
                "{prefix}-home-{{username}}": "/home/jovyan", "{prefix}-exchange": "{EXCHANGE}"}}
        """),
    )
    try:
        hub.start()
        yield hub
    finally:
        hub.stop()
        stop_proxy(hub)
        for user in (*LEARNERS, INSTRUCTOR):
            docker("rm", "--force", f"{prefix}-{user}", check=False)
            docker("volume", "rm", f"{prefix}-home-{user}", check=False)
        docker("volume", "rm", f"{prefix}-exchange", check=False)
        docker("network", "rm", NETWORK, check=False)


def stop_proxy(hub):
    """A hub that was killed leaves its proxy; the next one would have taken it over."""
    with contextlib.suppress(FileNotFoundError, ValueError, ProcessLookupError):
        import os  # noqa: PLC0415

        os.kill(int((hub.data / "proxy.pid").read_text()), signal.SIGTERM)


def inside(user, script, *words, check=True, timeout_s=120):
    """Run a program in a learner's container, as the learner."""
    return docker(
        *("exec", f"sdtest-{user}", "python3", "-c", textwrap.dedent(script), *words),
        check=check,
        timeout_s=timeout_s,
    )


def address(user):
    (found,) = json.loads(docker("inspect", f"sdtest-{user}"))
    return found["NetworkSettings"]["Networks"][NETWORK]["IPAddress"]


def test_a_day_in_a_hub(hub):
    everybody = (*LEARNERS, INSTRUCTOR)
    for user in everybody:
        hub.spawn(user)
    there = play_at_once(hub)

    # Nobody's database was seeded: it came with the image, where nobody can change it.
    for user in LEARNERS:
        assert inside(user, SEEDED).split() == ["[]", "False"]

    # Whoever they are, it is nobody else, without any privilege and without the engine.
    uids = {user: inside(user, "import os; print(os.getuid())") for user in everybody}
    assert len({*uids.values()}) == len(everybody)
    for user in LEARNERS:
        (found,) = json.loads(docker("inspect", f"sdtest-{user}"))
        assert found["HostConfig"]["ReadonlyRootfs"]
        assert found["HostConfig"]["CapDrop"] == ["ALL"]
        assert {each["Destination"] for each in found["Mounts"]} == {"/home/jovyan", EXCHANGE}
        assert not [each for each in found["Mounts"] if each["Type"] == "bind"]
        said = inside(user, "import os; print(os.path.exists('/var/run/docker.sock'))")
        assert said == "False"

    # Neither by the hub nor behind its back does one reach what is the other's.
    ann, bob = LEARNERS
    refused_over_http(hub, ann, bob, there[bob])
    listening = inside(bob, LISTENING)
    assert "8888" in inside(bob, REACH, address(bob), *listening.split()).split()
    reached = inside(ann, REACH, address(bob), *listening.split())
    assert reached == "", f"ann reaches bob's ports {reached}"
    gateway = docker("network", "inspect", NETWORK, "-f", "{{(index .IPAM.Config 0).Gateway}}")
    config = (hub.data / "config.py").read_text()
    (api_port,) = {
        line.split(":")[-1].strip('"') for line in config.splitlines() if "api_url" in line
    }
    assert inside(ann, REACH, gateway, api_port, str(hub.port)) == ""
    seen = inside(ann, PROCESSES)
    assert {*seen.split()} == {uids[ann]}

    hand_in_and_out(hub, ann, bob)

    # A hub that dies, and one that is restarted, takes nobody's lesson along.
    for how in (signal.SIGKILL, signal.SIGTERM):
        hub.stop(how)
        if how is signal.SIGKILL:
            stop_proxy(hub)
        hub.start()
        for user in LEARNERS:
            hub.until(lambda user=user: hub.server(user).get("ready"), "a server was lost")
            now = hub.lesson(user, "GET", f"/environments/{there[user]['id']}")
            assert now["state"] == "ready"
            assert pids(now) == pids(there[user])

    # The environment goes with the server; what the learner wrote is there again.
    inside(ann, "open('/home/jovyan/sysdesign/t1-02-indexes/app/mine.py', 'w').write('# mine')")
    hub.stop_server(ann)
    assert f"sdtest-{ann}" not in docker("ps", "--all", "--format", "{{.Names}}").split()
    hub.spawn(ann)
    environments = hub.lesson(ann, "GET", "/environments")
    assert [each["state"] for each in environments] == ["stopped"]
    assert guess_of(hub, ann, there[ann]) == 300
    workspace = hub.lesson(ann, "GET", f"/workspaces/{there[ann]['id']}")
    assert "app/mine.py" in workspace["files"]
    assert open_lesson(hub, ann)["id"] == there[ann]["id"]
    assert hub.lesson(bob, "GET", f"/environments/{there[bob]['id']}")["state"] == "ready"

    # Whom nobody needs any more is stopped, also without being asked.
    hub.stop()
    hub.start(SYSDESIGN_HUB_IDLE_S="4")
    hub.until(lambda: not any(hub.server(user) for user in everybody), "nobody was culled")
    left = docker("ps", "--all", "--filter", "name=sdtest-", "--format", "{{.Names}}")
    assert left == ""


def hand_in_and_out(hub, ann, bob):
    """An assignment goes out and comes back through the exchange; nobody sees another's."""

    def run(user, *words, cwd="/home/jovyan", check=True):
        return docker(*("exec", "-w", cwd, f"sdtest-{user}", *words), check=check, timeout_s=300)

    course = "/home/jovyan/algo"
    run(INSTRUCTOR, "sysdesign", "course", "init", course, "--lessons", LESSON,
        "--exchange", EXCHANGE)  # fmt: skip
    run(INSTRUCTOR, "nbgrader", "generate_assignment", LESSON, cwd=course)
    run(INSTRUCTOR, "nbgrader", "release_assignment", LESSON, cwd=course)
    for user in (ann, bob):
        run(user, "nbgrader", "fetch_assignment", LESSON, "--course", "algo")
        run(user, "sh", "-c", f"echo '# by {user}' > /home/jovyan/{LESSON}/app/server.py")
        run(user, "nbgrader", "submit", LESSON, "--course", "algo")
    said = inside(bob, f"import os; print(os.listdir('{EXCHANGE}/algo/inbound'))", check=False)
    assert said == ""  # closed to those who only hand in
    inside(bob, f"import shutil; shutil.rmtree('{EXCHANGE}/algo')", check=False)
    inside(bob, f"import os; os.rename('{EXCHANGE}/algo', '{EXCHANGE}/gone')", check=False)
    run(INSTRUCTOR, "nbgrader", "collect", LESSON, cwd=course)
    for user in (ann, bob):
        handed_in = f"{course}/submitted/{user}/{LESSON}/app/server.py"
        assert run(INSTRUCTOR, "cat", handed_in) == f"# by {user}"

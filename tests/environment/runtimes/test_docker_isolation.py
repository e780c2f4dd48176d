"""What a hostile service on the Docker runtime can do: nothing beyond its own container.

Each attempt is made from inside, by code that the service runs; what it must not reach is proven to
be there by reaching it from outside.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest
from puppets import Puppet

from jupyter_sysdesign import paths
from jupyter_sysdesign.environment.status import ServiceState, State

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from jupyter_sysdesign.environment.source import Source

    Until = Callable[..., Awaitable[None]]

pytestmark = [pytest.mark.anyio, pytest.mark.docker]

#: Tries to connect; ``answer`` is the list of those that answered.
KNOCK = """
import socket
answer = []
for host, port in {targets!r}:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as sock:
        sock.settimeout(0.5)
        try:
            sock.connect((host, port))
            answer.append([host, port])
        except OSError:
            pass
"""


@pytest.fixture
def listener() -> Iterator[int]:
    """Return the port of a service of this machine that listens on all its addresses."""
    with socket.create_server(("0.0.0.0", 0)) as server:
        server.settimeout(0.2)
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                with contextlib.suppress(TimeoutError):
                    server.accept()[0].close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        over.set()
        thread.join()


@pytest.fixture
async def neighbour(
    on_docker: Callable[..., Puppet], make_source: Callable[..., Source], curriculum: Path
) -> Puppet:
    """Return an instance of somebody else: an app and a database."""
    instance = on_docker(make_source("tiny"), Puppet)
    await instance.start()
    return instance


async def answers(instance: Puppet) -> bool:
    async with httpx.AsyncClient(base_url=instance.status.url or "", timeout=60) as http:
        return (await http.get("/items")).status_code == 200


def addresses() -> list[str]:
    """Return every address this machine has."""
    found = [each for one in psutil.net_if_addrs().values() for each in one]
    return [each.address for each in found if each.family == socket.AF_INET]


def reaches(host: str, port: int) -> bool:
    """Tell whether this machine can connect to it."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=10):
        return True
    return False


async def test_it_reaches_no_other_instance_no_machine_and_no_internet(
    puppet: Puppet, neighbour: Puppet, listener: int
) -> None:
    theirs = neighbour.address("app")
    machine = [(host, listener) for host in addresses()]
    gateway = puppet.address("app").host.rpartition(".")[0] + "."
    assert any(host.startswith(gateway) for host, _ in machine), "its bridge has no address"
    for host, port in [*machine, (theirs.host, theirs.port)]:
        reached = await asyncio.to_thread(reaches, host, port or 0)
        # Another test's bridge may be gone by now.
        assert reached or host not in {*addresses(), theirs.host}

    elsewhere = [*machine, (theirs.host, theirs.port), ("1.1.1.1", 443), ("::1", listener)]
    # 127.0.0.1 is its own there, and nobody listens.
    assert await puppet.run(KNOCK.format(targets=elsewhere)) == []
    own = puppet.address("app")
    assert await puppet.run(KNOCK.format(targets=[("127.0.0.1", own.port)])) == [
        ["127.0.0.1", own.port]
    ]
    # A question for a name would carry it out.
    assert (
        await puppet.run(
            "import socket\n"
            "try: answer = socket.getaddrinfo('example.com', 80)\n"
            "except OSError: answer = 'no'"
        )
        == "no"
    )
    sent = (
        "import socket\n"
        "sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        f"try: answer = sock.sendto(b'x', ({own.host!r}[:-1] + '1', {listener}))\n"
        "except OSError as error: answer = error.errno"
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as heard:
        heard.bind(("0.0.0.0", listener))
        heard.settimeout(1.0)
        await puppet.run(sent)
        with pytest.raises(TimeoutError):
            await asyncio.to_thread(heard.recv, 10)


async def test_it_cannot_open_the_network_that_is_closed_for_it(puppet: Puppet) -> None:
    tried = await puppet.run(
        "import ctypes, socket\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "answer = []\n"
        "try: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)\n"
        "except PermissionError: answer.append('raw')\n"
        "try: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)\n"
        "except PermissionError: answer.append('packet')\n"
        "if libc.unshare(0x10000000) != 0: answer.append('user namespace')\n"
        "if libc.mount(b'none', b'/mnt', b'tmpfs', 0, None) != 0: answer.append('mount')\n"
        "status = open('/proc/self/status').read()\n"
        "fields = dict(line.split(':\\t') for line in status.splitlines() if ':\\t' in line)\n"
        "answer.append(int(fields['CapEff'], 16) == int(fields['CapBnd'], 16) == 0)\n"
        "answer.append(fields['NoNewPrivs'].strip())\n"
        "answer.append(fields['Uid'].split()[0] != '0')\n"
    )
    assert tried == ["raw", "packet", "user namespace", "mount", True, "1", True]


async def test_it_sees_only_its_own_files_and_processes(puppet: Puppet, neighbour: Puppet) -> None:
    mine, theirs = (paths.instances() / each.id for each in (puppet, neighbour))
    secrets = [
        "/var/run/docker.sock",
        "/run/docker.sock",
        str(mine / "passwords.json"),
        str(theirs),
        str(theirs / "data" / "db"),
        str(paths.runtime() / neighbour.id.rpartition("-")[2]),
        str(paths.control_socket()),
        str(Path.home() / ".ssh"),
        str(neighbour.source.workspace),
        str(puppet.source.pristine / "compose.yaml"),
    ]
    assert (theirs / "data" / "db").is_dir()
    assert (
        await puppet.run(
            f"import os; answer = [path for path in {secrets!r} if os.path.lexists(path)]"
        )
        == []
    )
    seen = await puppet.run(
        "import os; answer = sum(name.isdigit() for name in os.listdir('/proc'))"
    )
    assert seen <= 3
    denied = await puppet.run(
        "answer = []\n"
        "for path in ('/new', '/etc/new', '/usr/bin/new', '/app/new', __import__('os').getcwd()"
        " + '/new'):\n"
        "    try: open(path, 'w').close(); answer.append(path)\n"
        "    except OSError: pass"
    )
    assert denied == []


async def test_a_fork_bomb_stays_in_its_container(
    puppet: Puppet, neighbour: Puppet, until: Until
) -> None:
    forked = await puppet.run(
        "import os\n"
        "count, answer = 0, ''\n"
        "try:\n"
        "    while count < 5000:\n"
        "        os.posix_spawn('/bin/sleep', ['sleep', '600'], {})\n"
        "        count += 1\n"
        "except OSError as error: answer = [error.errno, count]\n"
    )
    assert forked[0] == 11
    assert forked[1] < 256
    assert len(puppet.processes()["app"]) <= 256
    assert await answers(neighbour)
    assert (await puppet.service("app", "kill")).state is ServiceState.FAILED
    assert (await puppet.service("app", "start")).state is ServiceState.READY


async def test_who_fills_disks_fills_only_what_was_given_to_it(
    puppet: Puppet, neighbour: Puppet, until: Until
) -> None:
    fill = (
        "import os\n"
        "answer = {}\n"
        "for folder in ('/tmp', os.environ['HOME'], '/dev/shm'):\n"
        "    written = 0\n"
        "    try:\n"
        "        with open(folder + '/fill', 'wb') as file:\n"
        "            while written < 1 << 30: written += file.write(bytes(1 << 20))\n"
        "    except OSError as error: answer[folder] = [error.errno, written >> 20]\n"
        "    os.unlink(folder + '/fill')\n"
    )
    for error, mib in (await puppet.run(fill)).values():
        assert error == 28
        assert mib <= 64

    sockets = paths.runtime() / puppet.id.rpartition("-")[2]
    with contextlib.suppress(httpx.HTTPError):
        await puppet.run(
            f"file = open({str(sockets)!r} + '/fill', 'wb')\n"
            "while True: file.write(bytes(1 << 16)); file.flush()"
        )
    await until(lambda: puppet.of("app").state is ServiceState.FAILED)
    assert "written into the sockets' folder" in puppet.of("app").reason
    await until(lambda: not (sockets / "fill").exists())
    assert await answers(neighbour)
    assert neighbour.status.state is State.READY


async def test_a_flood_of_lines_is_kept_within_bounds(
    puppet: Puppet, neighbour: Puppet, until: Until
) -> None:
    await puppet.run(
        "import threading\n"
        "def flood():\n"
        "    while True: print('x' * 1000)\n"
        "threading.Thread(target=flood, daemon=True).start()"
    )
    log = paths.instances() / puppet.id / "logs" / "app.log"
    await until(lambda: log.exists() and log.stat().st_size)
    await asyncio.sleep(3)
    assert log.stat().st_size <= 5 << 20
    assert len(puppet.logs("app", tail=10_000)) <= 2000
    assert await answers(neighbour)


async def test_limits_of_its_own_processes_hold(puppet: Puppet) -> None:
    limits = await puppet.run(
        "import resource; answer = [resource.getrlimit(resource.RLIMIT_FSIZE)[1],"
        " resource.getrlimit(resource.RLIMIT_CORE)[1]]"
    )
    assert limits == [1 << 30, 0]

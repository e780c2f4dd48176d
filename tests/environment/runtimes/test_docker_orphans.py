"""Whoever is killed, no container and no network outlives it, and the next start finds order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import docker
import psutil
import pytest
from docker_engine import URL
from owners import Owner

from jupyter_sysdesign import paths
from jupyter_sysdesign.environment import proctree
from jupyter_sysdesign.environment.runtimes.docker import guard, labels, reaping
from jupyter_sysdesign.environment.sweep import sweep_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from docker import APIClient

    from jupyter_sysdesign.environment.source import Source

pytestmark = pytest.mark.docker


@pytest.fixture
def own(home: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Owner]]:
    """Return a maker of programs that own an instance on Docker."""
    monkeypatch.setenv("SYSDESIGN_RUNTIME", "docker")
    made: list[Owner] = []

    def make(*arguments: object) -> Owner:
        made.append(Owner(*arguments))
        return made[-1]

    yield make
    for each in made:
        each.end()


def left(client: APIClient) -> list[str]:
    filters = {"label": f"{labels.HOME}={paths.home()}"}
    found = [*client.containers(all=True, filters=filters), *client.networks(filters=filters)]
    return [str(each.get("Names") or each["Name"]) for each in found]


def wait_for(condition: Callable[[], object]) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def orphan(owner: Owner) -> None:
    """Kill the owner, and hold the guard up before it can be replaced or begin."""
    os.kill(owner.facts["guard"], signal.SIGSTOP)
    owner.process.kill()
    owner.process.wait()


def test_a_killed_owner(own: Callable[..., Owner], tiny_lesson: Source, client: APIClient) -> None:
    owner = own(tiny_lesson)
    assert len(left(client)) == 4
    owner.process.kill()
    wait_for(lambda: not left(client))
    wait_for(lambda: not ledger_of(tiny_lesson).exists())
    assert not list(paths.runtime().glob("*/*"))
    assert not any(proctree.started(pid) for pid in owner.family)
    again = own(tiny_lesson)
    assert len(left(client)) == 4
    again.ask("instance stop")
    assert not left(client)


def test_a_killed_owner_of_a_check_leaves_no_folder(
    own: Callable[..., Owner], tiny_lesson: Source, client: APIClient
) -> None:
    owner = own(tiny_lesson, "check")
    owner.process.kill()
    wait_for(lambda: not left(client))
    wait_for(lambda: not (paths.instances() / tiny_lesson.instance_id).exists())


@pytest.mark.parametrize("folder_gone", [False, True])
def test_when_the_guard_is_killed_too_the_next_program_clears_up(
    own: Callable[..., Owner], tiny_lesson: Source, client: APIClient, folder_gone: bool
) -> None:
    owner = own(tiny_lesson)
    orphan(owner)
    os.kill(owner.facts["guard"], signal.SIGKILL)
    assert len(left(client)) == 4
    if folder_gone:
        (paths.instances() / tiny_lesson.instance_id).rename(paths.home() / "elsewhere")
    sweep_all()
    assert not left(client)
    assert not any(proctree.started(pid) for pid in owner.family)


def test_the_next_start_clears_up_by_itself(
    own: Callable[..., Owner], tiny_lesson: Source, client: APIClient
) -> None:
    owner = own(tiny_lesson)
    orphan(owner)
    os.kill(owner.facts["guard"], signal.SIGKILL)
    again = own(tiny_lesson)
    assert len(left(client)) == 4
    assert not any(proctree.started(pid) for pid in owner.family)
    again.ask("instance stop")
    assert not left(client)


def test_who_clears_up_beside_others_returns_when_nothing_is_left(
    own: Callable[..., Owner], tiny_lesson: Source, client: APIClient
) -> None:
    owner = own(tiny_lesson)
    orphan(owner)

    def clear_up(_: int) -> list[str]:
        reaping.reap(URL, str(paths.home()), tiny_lesson.instance_id)
        with docker.APIClient(base_url=URL) as mine:
            return left(mine)

    with ThreadPoolExecutor() as pool:
        assert [*pool.map(clear_up, range(4))] == [[]] * 4
    os.kill(owner.facts["guard"], signal.SIGCONT)
    wait_for(lambda: not ledger_of(tiny_lesson).exists())


def test_a_killed_guard_is_replaced(
    own: Callable[..., Owner], tiny_lesson: Source, client: APIClient
) -> None:
    owner = own(tiny_lesson)
    os.kill(owner.facts["guard"], signal.SIGKILL)
    wait_for(lambda: _guards(tiny_lesson, but=owner.facts["guard"]))
    owner.process.kill()
    wait_for(lambda: not left(client))


def _guards(source: Source, but: int) -> bool:
    title = f"sysdesign-guard {source.instance_id}"
    return any(
        title in " ".join(each.info["cmdline"] or ())
        for each in psutil.process_iter(["cmdline"])
        if each.pid != but
    )


def test_a_guard_whose_owner_dies_before_it_has_begun_clears_up(
    own: Callable[..., Owner], tiny_lesson: Source, client: APIClient
) -> None:
    owner = own(tiny_lesson)
    os.kill(owner.process.pid, signal.SIGSTOP)  # it shall not replace this guard
    os.kill(owner.facts["guard"], signal.SIGKILL)
    sockets, folder = (
        paths.sockets(tiny_lesson.instance_id),
        paths.instance(tiny_lesson.instance_id),
    )
    arguments = (URL, tiny_lesson.instance_id, str(folder), str(sockets))
    code = f"from {guard.__name__} import main; main(*{arguments!r}, keep=True)"
    heard, says = os.pipe()
    os.close(heard)
    late = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=says)
    os.close(says)
    owner.process.kill()
    late.communicate(timeout=60)
    assert not left(client)
    assert not ledger_of(tiny_lesson).exists()


def ledger_of(source: Source) -> Path:
    return paths.instances() / source.instance_id / "ledger.json"


def test_an_engine_is_not_asked_about_another_home(
    own: Callable[..., Owner],
    tiny_lesson: Source,
    client: APIClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own(tiny_lesson)
    with monkeypatch.context() as other:
        other.setenv("SYSDESIGN_HOME", str(paths.home() / "other"))
        sweep_all()
    assert len(left(client)) == 4

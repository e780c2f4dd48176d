"""A verdict, as the control plane relays it; deciding it is ``grading``'s."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from family import running

from jupyter_sysdesign import errors, paths
from jupyter_sysdesign.control.checks import Checks
from jupyter_sysdesign.control.environment import Environment
from jupyter_sysdesign.control.models import ChecksRequest
from jupyter_sysdesign.curriculum.answers import AnswersFile
from jupyter_sysdesign.grading.turns import Turns

if TYPE_CHECKING:
    from conftest import Control

    from jupyter_sysdesign.control.models import Verdict
    from jupyter_sysdesign.environment.source import Source


def left(environment: str) -> list[str]:
    """Return the instances that are there beside the learner's own."""
    return [each.name for each in paths.instances().iterdir() if each.name != environment]


class Checking(threading.Thread):
    """A check under way."""

    def __init__(self, control: Control, environment: str) -> None:
        super().__init__()
        self.verdict: Verdict | None = None
        self.error: errors.SysdesignError | None = None
        self._client = control.client()
        self._environment = environment

    def run(self) -> None:
        try:
            self.verdict = self._client.check(self._environment)
        except errors.SysdesignError as error:
            self.error = error


@pytest.mark.measures
def test_a_verdict_and_how_it_came_about(control: Control, curriculum: Path) -> None:
    client, workspace = control.client(holder="kernel:a"), control.workspace()
    environment = client.create_environment(workspace.id, start=False).id
    before = client.checks(environment)
    assert (before.going, before.results, before.verdict) == (False, [], None)
    first = client.check(environment, seed=3)
    assert (first.status.value, first.seed) == ("failed", 3)
    assert left(environment) == []
    events = []
    for event in client.events(environment):
        events.append(event)
        if event.type == "verdict":
            break
    assert [each.data["id"] for each in events if each.type == "check.result"] == [
        each.id for each in first.checks
    ]
    assert events[-1].data["status"] == "failed"
    assert events[-1].data["duration_s"] == first.duration_s
    assert client.checks(environment).verdict == first
    assert [each.id for each in first.checks] == client.checks(environment).declared
    solution = curriculum / "environments" / "tiny" / "solution"
    shutil.copytree(solution, workspace.folder, dirs_exist_ok=True)
    second = client.check(environment)
    assert (second.status.value, second.reason) == ("passed", "")
    known = client.workspace(workspace.id)
    assert (known.checks_passed, known.finished) == (known.checks_total, True)


def test_a_part_of_the_checks_passes_no_lesson(control: Control) -> None:
    client, workspace = control.client(holder="kernel:a"), control.workspace()
    environment = client.create_environment(workspace.id, start=False).id
    part = client.check(environment, only=["few-indexes"])
    assert (part.status.value, part.whole) == ("passed", False)
    assert not client.workspace(workspace.id).finished
    every = client.check(environment, only=client.checks(environment).declared)
    assert (every.status.value, every.whole) == ("failed", True)


def test_a_verdict_that_cannot_be_noted_is_there_to_be_read(control: Control) -> None:
    client, workspace = control.client(holder="kernel:a"), control.workspace()
    environment = client.create_environment(workspace.id, start=False).id
    in_the_way = Path(workspace.folder) / ".sysdesign" / "answers.lock"
    in_the_way.mkdir(parents=True)  # as a full disk is
    with pytest.raises(errors.ResourceError):
        client.check(environment, only=["few-indexes"])
    verdict = client.checks(environment).verdict
    assert verdict is not None
    assert verdict.status.value == "passed"
    in_the_way.rmdir()


def test_a_check_that_waits_for_its_turn_says_so(turns: Path, control: Control) -> None:
    client, workspace = control.client(holder="kernel:a"), control.workspace()
    environment = client.create_environment(workspace.id, start=False).id
    checking = Checking(control, environment)
    with Turns().taken(lambda: None):
        checking.start()
        waits = next(each for each in client.events(environment) if each.type == "check.waits")
        assert waits.data == {"check": "keeps-serving"}
        assert client.checks(environment).going
    checking.join()
    assert checking.verdict is not None
    assert checking.verdict.checks[-1].status.value == "passed"


def test_one_check_at_a_time_and_unknown_when_the_checker_dies(control: Control) -> None:
    client, workspace = control.client(holder="kernel:a"), control.workspace()
    environment = client.create_environment(workspace.id, start=False).id
    checking = Checking(control, environment)
    checking.start()
    owner = client.info().pid
    (checker,) = control.until(lambda: running("grading.checker", owner))
    assert client.checks(environment).going
    with pytest.raises(errors.ConflictError):
        client.check(environment)
    control.until(lambda: left(environment))
    checker.kill()
    checking.join()
    assert checking.verdict is not None
    assert checking.verdict.status.value == "unknown"
    assert "unexpectedly" in checking.verdict.reason
    control.until(lambda: not left(environment), "the system under check is still there")


ASKING = """
import sys
from jupyter_sysdesign.control.client import ControlClient
with ControlClient(holder="cli:asking") as client:
    client.check(sys.argv[1])
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_check_ends_with_who_asked_for_it(
    control: Control, monkeypatch: pytest.MonkeyPatch, how: signal.Signals
) -> None:
    monkeypatch.setenv("SYSDESIGN_GRACE_S", "0.2" if how is signal.SIGKILL else "1000")
    client, workspace = control.client(holder="kernel:a"), control.workspace()
    environment = client.create_environment(workspace.id, start=False).id
    asking = subprocess.Popen(
        [sys.executable, "-c", ASKING, environment], stderr=subprocess.DEVNULL
    )
    control.until(lambda: left(environment))
    asking.send_signal(how)
    asking.wait()
    control.until(lambda: not client.checks(environment).going, "nobody waits for its verdict")
    verdict = client.checks(environment).verdict
    assert verdict is not None
    assert verdict.reason == "The check was ended before it was done"
    assert left(environment) == []


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_the_end_of_the_control_plane_ends_the_check(control: Control, how: signal.Signals) -> None:
    client, workspace = control.client(holder="kernel:a"), control.workspace()
    environment = client.create_environment(workspace.id, start=False).id
    checking = Checking(control, environment)
    checking.start()
    control.until(lambda: left(environment))
    (checker,) = running("grading.checker", client.info().pid)
    control.end(how)
    checking.join()
    assert checking.error is not None or checking.verdict is not None
    if checking.verdict is not None:
        assert checking.verdict.status.value == "unknown"
    control.until(lambda: not control.is_alive(checker.pid), "the checker outlived its owner")
    client.info()  # the next one sweeps
    control.until(lambda: not left(environment), "the system under check is still there")


@pytest.mark.anyio
async def test_an_end_that_is_told_twice_takes_no_verdict_and_no_clean_up(
    tiny_lesson: Source,
) -> None:
    given_up: list[str] = []

    async def let_go(holder: str) -> None:
        given_up.append(holder)

    async def settle(_environment: Environment) -> None:
        pass

    async def turns() -> None:
        for _ in range(100):
            await asyncio.sleep(0)

    environment = Environment(tiny_lesson, "lesson", settle, lambda _: None)
    checks = Checks(let_go)
    checking = asyncio.ensure_future(
        checks.run(environment, ChecksRequest(), ["few-indexes"], lambda _: None)
    )
    while not (found := running("grading.checker")):  # noqa: ASYNC110 (nobody is told)
        await asyncio.sleep(0.01)
    (checker,) = found
    checker.suspend()  # it takes its time to end
    while checker.status() != psutil.STATUS_STOPPED:  # noqa: ASYNC110 (same)
        await asyncio.sleep(0.01)
    await turns()  # or it would be killed, as one that is only being started
    checks.stop_all()  # as a signal does
    await turns()
    closing = asyncio.ensure_future(checks.close())
    await turns()
    checker.resume()
    await closing
    verdict = await checking
    assert (verdict.status.value, verdict.reason) == (
        "unknown",
        "The check was ended before it was done",
    )
    assert AnswersFile(tiny_lesson.workspace).tried
    assert len(given_up) == 1

"""Requests that meet: whatever comes in between, nothing runs that nobody knows of.

What has to be slow is made slow on purpose: a deletion by many files, reading a file by a pipe in
its place.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jupyter_sysdesign import errors, paths
from jupyter_sysdesign.control.environment import Environment
from jupyter_sysdesign.environment.status import State
from jupyter_sysdesign.load.profile import FILE, load_profiles

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from conftest import Control

    from jupyter_sysdesign.control.client import ControlClient
    from jupyter_sysdesign.environment.source import Source

MANY = 20_000


@pytest.fixture
def others() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool


@contextmanager
def held_up(file: Path) -> Iterator[Callable[[], bool]]:
    """Let whoever reads ``file`` wait until the end of the body.

    What is yielded tells whether somebody waits; from then on others read the file as it was.
    """
    text, pipe = file.read_text(), file.with_name("pipe")
    os.mkfifo(pipe)
    file.rename(file.with_name("real"))
    pipe.rename(file)
    writing = -1

    def waits() -> bool:
        nonlocal writing
        with suppress(OSError):  # nobody does yet
            writing = os.open(file, os.O_WRONLY | os.O_NONBLOCK)
            file.rename(pipe)
            file.with_name("real").rename(file)
        return writing >= 0

    try:
        yield waits
    finally:
        os.write(writing, text.encode())
        os.close(writing)
        pipe.unlink()


def with_compose(curriculum: Path, folder: str) -> Path:
    """Put the lesson's ``compose.yaml`` into a workspace, as if it had been edited; return it."""
    target = Path(folder) / "compose.yaml"
    shutil.copy(curriculum / "environments" / "tiny" / "compose.yaml", target)
    return target


def litter(folder: Path) -> Callable[[], bool]:
    """Fill a folder with so many files that deleting it takes a moment.

    What is returned tells whether that began.
    """
    folder.mkdir(parents=True)
    for number in range(MANY):
        (folder / str(number)).touch()

    def going() -> bool:
        try:
            return len([*folder.iterdir()]) < MANY
        except FileNotFoundError:
            return True

    return going


def states(client: ControlClient, environment: str) -> list[str]:
    """Return the states an environment has gone through, as far as its stream remembers."""
    found = []
    for event in client.events(environment):
        if event.type == "environment.state":
            found.append(event.data["state"])
        if event.seq == client.environment(environment).last_seq:
            return found
    return found


def test_what_is_made_while_the_former_is_being_deleted_lasts(
    control: Control, others: ThreadPoolExecutor
) -> None:
    client = control.client(holder="kernel:a")
    made = client.create_environment(control.workspace().id, start=False)
    going = litter(paths.instances() / made.id / "litter")
    deleted = others.submit(control.client().delete, made.id)
    control.until(going)
    with pytest.raises(errors.NotFoundError):
        control.client().environment(made.id)
    assert client.create_environment(made.id).state.value != "stopped"
    deleted.result()
    assert client.wait(made.id).state.value == "ready"
    assert [each.id for each in client.environments()] == [made.id]


def test_a_control_plane_killed_while_it_deletes_leaves_nothing_half_there(
    control: Control, others: ThreadPoolExecutor
) -> None:
    client = control.client()
    made = client.create_environment(control.workspace().id, start=False)
    going = litter(paths.instances() / made.id / "litter")
    pid = client.info().pid
    deleted = others.submit(control.client().delete, made.id)
    control.until(going)
    os.kill(pid, signal.SIGKILL)
    assert not (paths.instances() / made.id).exists()
    with suppress(errors.SysdesignError):
        deleted.result()
    assert control.client().environments() == []
    control.until(lambda: not [*paths.instances().iterdir()])


def test_a_start_that_meets_a_deletion_starts_nothing(
    control: Control, curriculum: Path, others: ThreadPoolExecutor
) -> None:
    client, workspace = control.client(holder="kernel:a"), control.workspace()
    compose = with_compose(curriculum, workspace.folder)
    made = client.create_environment(workspace.id, start=False)
    with held_up(compose) as waits:
        start = others.submit(control.client().start, made.id)
        control.until(waits)
        client.delete(made.id)
    with pytest.raises(errors.NotFoundError):
        start.result()
    assert not (paths.instances() / made.id).exists()


def test_who_looks_while_it_is_deleted_does_not_bring_it_back(
    control: Control, curriculum: Path, others: ThreadPoolExecutor
) -> None:
    workspace = control.workspace()
    compose = with_compose(curriculum, workspace.folder)
    made = control.client().create_environment(workspace.id, start=False)
    control.end()  # the next one has to read the files again
    with held_up(compose) as waits:
        looking = others.submit(control.client().environment, made.id)
        control.until(waits)
        deleted = others.submit(control.client().delete, made.id)
        wait([deleted], timeout=2)  # it must not be done before the other is
    with suppress(errors.NotFoundError):
        looking.result()
    deleted.result()
    assert not (paths.instances() / made.id).exists()
    assert control.client().environments() == []


def test_a_start_that_follows_a_stop_is_not_stopped(
    control: Control, others: ThreadPoolExecutor
) -> None:
    client, workspace = control.client(holder="kernel:a"), control.workspace().id
    client.wait(client.create_environment(workspace).id)
    stopping = others.submit(control.client().stop, workspace)
    control.until(lambda: client.environment(workspace).state.value in ("stopping", "stopped"))
    askers = [control.client(holder=f"kernel:{number}") for number in range(8)]
    asked = [
        others.submit(each.create_environment, workspace, start=number == 3)
        for number, each in enumerate(askers)
    ]
    for each in (stopping, *asked):
        each.result()
    assert client.wait(workspace).state.value == "ready"
    gone_through = states(client, workspace)
    assert gone_through[gone_through.index("stopped") :].count("stopping") == 0


def endless_run(client: ControlClient, environment: str) -> str:
    """Begin a run that ends only when somebody ends it; return its id."""
    steady = client.profiles(environment).profiles["steady"]
    return client.start_run(environment, {**steady, "duration_s": 600}).id


def test_no_run_outlives_its_environment(control: Control, others: ThreadPoolExecutor) -> None:
    client, workspace = control.client(holder="kernel:a"), control.workspace().id
    client.wait(client.create_environment(workspace).id)
    client.service(workspace, "app", "pause")  # so that it takes long to look for the paths
    begun = others.submit(endless_run, control.client(), workspace)
    wait([begun], timeout=0.5)
    client.stop(workspace)
    with suppress(errors.ConflictError):
        begun.result()
    assert [each.state for each in client.runs(workspace) if each.state == "running"] == []


class PutAway:
    """A ready environment whose runs are put away only when the test says so."""

    def __init__(self, source: Source) -> None:
        self.ended, self.go_on = asyncio.Event(), asyncio.Event()
        self.environment = Environment(source, "lesson", self._settle, lambda _: None)
        self._steady = load_profiles(source.locate(FILE), FILE)["steady"]

    async def _settle(self, _environment: Environment) -> None:
        self.ended.set()
        await self.go_on.wait()

    async def start(self) -> None:
        self.environment.start()
        while self.environment.status.state is not State.READY:  # noqa: ASYNC110 (events are for others)
            await asyncio.sleep(0.01)

    def run(self, name: str) -> str:
        target = self.environment.instance.target
        return self.environment.runs.start(name, self._steady, target, 1, 1.0).id

    async def begin_another(self) -> None:
        """Begin one as the last has ended and is not put away yet."""
        await self.ended.wait()
        self.run("second")
        self.go_on.set()

    @property
    def states(self) -> list[str]:
        return [each.state for each in self.environment.runs.list()]


@pytest.fixture
async def slow(tiny_lesson: Source) -> AsyncIterator[PutAway]:
    made = PutAway(tiny_lesson)
    await made.start()
    yield made
    await made.environment.close()


@pytest.mark.anyio
async def test_a_run_that_begins_as_the_last_is_put_away_ends_with_its_environment(
    slow: PutAway,
) -> None:
    slow.run("first")
    stopping = asyncio.ensure_future(slow.environment.stop())
    await slow.begin_another()
    await stopping
    assert slow.states == ["stopped", "stopped"]


@pytest.mark.anyio
async def test_who_stops_a_run_does_not_stop_the_next(slow: PutAway) -> None:
    stopping = asyncio.ensure_future(slow.environment.runs.stop(slow.run("first")))
    await slow.begin_another()
    assert (await stopping).state == "stopped"
    assert slow.states == ["stopped", "running"]


def test_a_start_that_meets_a_reset_is_refused(
    control: Control, curriculum: Path, others: ThreadPoolExecutor
) -> None:
    client, workspace = control.client(holder="kernel:a"), control.workspace()
    compose = with_compose(curriculum, workspace.folder)
    client.wait(client.create_environment(workspace.id).id)
    client.stop(workspace.id)
    with held_up(compose) as waits:
        reset = others.submit(control.client().reset, workspace.id)
        control.until(waits)
        with pytest.raises(errors.ConflictError, match="being reset"):
            client.start(workspace.id)
    assert reset.result().state.value == "stopped"
    client.start(workspace.id)
    assert client.wait(workspace.id).state.value == "ready"


def test_a_reset_that_is_refused_leaves_the_run_alone(
    control: Control, others: ThreadPoolExecutor
) -> None:
    client, workspace = control.client(holder="kernel:a"), control.workspace()
    client.wait(client.create_environment(workspace.id).id)
    run = endless_run(client, workspace.id)
    slow = Path(workspace.folder) / "migrations" / "001-slow.sql"
    slow.write_text("SELECT pg_sleep(600);\n")
    applied = others.submit(control.client().apply, workspace.id)
    sleeping = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"
    control.until(lambda: client.sql(workspace.id, sleeping).rows)
    with pytest.raises(errors.ConflictError, match="is busy"):
        client.reset(workspace.id)
    assert client.run(workspace.id, run).state == "running"
    client.stop(workspace.id)
    with pytest.raises(errors.ConflictError, match="stopped meanwhile"):
        applied.result()


def test_who_restores_the_pristine_data_ends_the_run_on_the_former(control: Control) -> None:
    client, workspace = control.client(holder="kernel:a"), control.workspace()
    client.wait(client.create_environment(workspace.id).id)
    migration = Path(workspace.folder) / "migrations" / "001-index.sql"
    migration.write_text("CREATE INDEX ON items (category);\n")
    client.apply(workspace.id)
    run = endless_run(client, workspace.id)
    migration.write_text("CREATE INDEX ON items (price);\n")
    assert client.apply(workspace.id).replayed
    assert client.run(workspace.id, run).state == "stopped"
    run = endless_run(client, workspace.id)
    client.reset(workspace.id)
    assert client.run(workspace.id, run).state == "stopped"


def test_who_used_a_deleted_one_does_not_hold_the_next(
    control: Control, others: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSDESIGN_GRACE_S", "1000")
    workspace = control.workspace().id
    server = control.client(holder="server:1")
    server.wait(server.create_environment(workspace).id)
    deleted = others.submit(control.client().delete, workspace)
    control.until(lambda: not _is_up(server, workspace))
    with pytest.raises((errors.ConflictError, errors.NotFoundError)):
        server.sql(workspace, "SELECT 1")
    deleted.result()
    with control.client(holder="kernel:a") as kernel:
        kernel.wait(kernel.create_environment(workspace).id)
    asking = control.client()
    control.until(lambda: asking.environment(workspace).state.value == "stopped")


def test_who_heard_of_a_deleted_one_is_told_that_the_next_is_another(control: Control) -> None:
    client, workspace = control.client(holder="kernel:a"), control.workspace().id
    client.wait(client.create_environment(workspace).id)
    last = client.environment(workspace).last_seq
    client.delete(workspace)
    client.wait(client.create_environment(workspace).id)
    assert client.environment(workspace).last_seq > last
    first, second = islice(client.events(workspace, last), 2)
    assert (first.type, first.data["missed_from"]) == ("gap", last + 1)
    assert second.data["state"] == "preparing"


def test_a_check_that_meets_a_deletion_decides_nothing(
    control: Control, curriculum: Path, others: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(curriculum, control.folder / "lessons")
    monkeypatch.setenv("SYSDESIGN_CURRICULUM", str(control.folder / "lessons"))
    checks = control.folder / "lessons" / "environments" / "tiny" / "checks.py"
    workspace = control.workspace()
    made = control.client().create_environment(workspace.id, start=False)
    with held_up(checks) as waits:
        checking = others.submit(control.client().check, made.id)
        control.until(waits)
        control.client().delete(made.id)
    with pytest.raises(errors.NotFoundError):
        checking.result()
    assert not (Path(workspace.folder) / "answers.json").exists()


def test_a_check_that_begins_while_it_is_being_deleted_ends(
    control: Control, others: ThreadPoolExecutor
) -> None:
    client, workspace = control.client(holder="kernel:a"), control.workspace().id
    client.wait(client.create_environment(workspace).id)
    client.service(workspace, "app", "pause")  # so that its end takes a while
    deleted = others.submit(control.client().delete, workspace)
    control.until(lambda: not _is_up(client, workspace))
    with suppress(errors.NotFoundError):
        verdict = control.client().check(workspace)
        assert verdict.reason == "The check was ended before it was done"
    deleted.result()


def _is_up(client: ControlClient, environment: str) -> bool:
    try:
        return client.environment(environment).state.value == "ready"
    except errors.NotFoundError:
        return False


def test_many_ask_at_once_where_the_schema_differs(
    control: Control, others: ThreadPoolExecutor
) -> None:
    client, workspace = control.client(holder="kernel:a"), control.workspace().id
    client.wait(client.create_environment(workspace).id)
    clients = [control.client() for _ in range(6)]
    assert not any(found.drifted for found in others.map(lambda one: one.drift(workspace), clients))


def test_a_check_ends_with_its_environment(control: Control, others: ThreadPoolExecutor) -> None:
    client, workspace = control.client(holder="kernel:a"), control.workspace().id
    client.create_environment(workspace, start=False)
    verdict = others.submit(control.client().check, workspace)
    control.until(lambda: client.checks(workspace).going)
    client.delete(workspace)
    assert verdict.result().status.value == "unknown"
    client.create_environment(workspace, start=False)
    assert not client.checks(workspace).going


def test_a_check_never_takes_the_learners_environment(control: Control) -> None:
    client, workspace = control.client(holder="kernel:a"), control.workspace()
    client.create_environment(workspace.id, start=False)
    for _ in range(2):  # known; and only on disk
        with pytest.raises(errors.ConflictError, match="another purpose"):
            control.client().create_environment(workspace.folder, purpose="check", start=False)
        control.end()
    assert [each.id for each in control.client().environments()] == [workspace.id]


@pytest.fixture
def slow_to_seed(curriculum: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let seeding the lesson's database take longer than anybody waits."""
    mine = shutil.copytree(curriculum, home.parent / "curriculum")
    slow = mine / "environments" / "tiny" / "db" / "03-slow.sql"
    slow.write_text("SELECT pg_sleep(600);\n")
    monkeypatch.setenv("SYSDESIGN_CURRICULUM", str(mine))


@pytest.mark.usefixtures("slow_to_seed")
def test_who_waits_for_a_start_hears_of_a_stop(
    control: Control, others: ThreadPoolExecutor
) -> None:
    client, other = control.client(holder="kernel:a"), control.client()
    environment = client.create_environment(control.workspace().id).id
    seen: list[str] = []

    def waiting() -> None:
        asked = client.environment
        client.environment = lambda each: seen.append(each) or asked(each)  # type: ignore[method-assign, func-returns-value]
        client.wait(environment, timeout_s=60)

    ready = others.submit(waiting)
    control.until(lambda: len(seen) > 1)
    other.stop(environment)
    with pytest.raises(errors.ConflictError, match="was stopped meanwhile"):
        ready.result()


@pytest.mark.usefixtures("slow_to_seed")
def test_a_stop_does_not_wait_for_data_that_somebody_else_prepares(
    control: Control, others: ThreadPoolExecutor
) -> None:
    client, workspace = control.client(holder="kernel:a"), control.workspace().id
    for each in paths.templates().glob("*.lock"):  # of other tests
        each.unlink()
    client.create_environment(workspace)
    (lock,) = control.until(lambda: [*paths.templates().glob("*.lock")])
    client.stop(workspace)
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        client.start(workspace)
        control.until(lambda: "another process" in progress(client, workspace))
        stopped = others.submit(control.client().stop, workspace)
        control.until(lambda: client.environment(workspace).state.value == "stopped")
    stopped.result()


def progress(client: ControlClient, environment: str) -> str:
    """Return what an environment is preparing."""
    found = client.environment(environment).progress
    return found.step if found else ""

"""Whatever dies, nothing of it is left (the ``home`` fixture looks), and the next start works."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from family import running

from jupyter_sysdesign import errors, paths
from jupyter_sysdesign.control.client import ControlClient
from jupyter_sysdesign.environment.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Control


# A client in a process of its own: holds an environment until it is killed.
HOLDER = """
import sys
from jupyter_sysdesign.control.client import ControlClient
client = ControlClient(holder=sys.argv[1])
print(client.wait(client.create_environment(sys.argv[2]).id).id, flush=True)
sys.stdin.read()
"""


@contextmanager
def holding(holder: str, workspace: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process that holds the workspace's environment; it has started when this yields."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, holder, workspace],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip()
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stdin.close()


def state(control: Control, environment: str) -> str:
    with ControlClient() as client:  # asked so often that none is kept
        return client.environment(environment).state.value


def fail(control: Control, environment: str) -> None:
    """Kill what runs an environment's services."""
    noted = Ledger.read(paths.instances() / environment)
    assert noted is not None
    os.kill(noted.keepers[-1].pid, signal.SIGKILL)
    control.until(lambda: state(control, environment) == "failed")


def unending(client: ControlClient, environment: str) -> dict[str, Any]:
    """Return a load that is still going on, whatever a test does first."""
    return {**client.profiles(environment).profiles["steady"], "duration_s": 600}


def test_a_killed_client_is_waited_for_and_then_given_up(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSDESIGN_GRACE_S", "12")
    monkeypatch.setenv("SYSDESIGN_IDLE_EXIT_S", "1")
    keeper = control.client(holder="test:keeper")
    keeper.info()
    one, other = control.workspace("one").id, control.workspace("other").id
    with holding("kernel:one", one) as first, holding("kernel:other", other) as second:
        first.kill()
        second.kill()
        again = control.client(holder="kernel:one")
        again.info()
        control.until(lambda: state(control, other) == "stopped", "the lost one still runs")
        # The same time has passed for both.
        assert state(control, one) == "ready"
    pid = again.info().pid
    keeper.close()
    again.close()
    control.until(lambda: not control.is_alive(pid), "it did not leave, though idle")


def test_a_client_that_leaves_takes_its_environment_along(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSDESIGN_GRACE_S", "1000")
    workspace = control.workspace().id
    client = control.client(holder="kernel:leaving")
    client.wait(client.create_environment(workspace).id)
    other = control.client(holder="cli:looking")
    other.environment(workspace)  # looking alone keeps nothing alive
    client.close()
    control.until(lambda: state(control, workspace) == "stopped")


@pytest.mark.parametrize("start", [True, False])
def test_who_comes_while_it_is_given_up_finds_it_at_rest(
    control: Control, monkeypatch: pytest.MonkeyPatch, start: bool
) -> None:
    monkeypatch.setenv("SYSDESIGN_GRACE_S", "1000")
    workspace = control.workspace().id
    leaving = control.client(holder="console:leaving")
    leaving.wait(leaving.create_environment(workspace).id)
    coming = control.client(holder="console:coming")
    coming.info()
    leaving.close()
    status = coming.create_environment(workspace, start=start, reuse=True)
    if not start:
        assert status.state.value == "stopped"
        coming.start(workspace)
    assert coming.wait(workspace).state.value == "ready"


def test_the_clean_end_of_a_server_ends_its_kernels(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSDESIGN_GRACE_S", "1000")
    workspace = control.workspace().id
    server = control.client(holder="jupyter:here")
    server.info()
    kernel = control.client(holder="kernel:here", parent="jupyter:here")
    kernel.wait(kernel.create_environment(workspace).id)
    server.close()
    control.until(lambda: state(control, workspace) == "stopped")
    # The kernel may live on: it is given a new lease.
    assert kernel.start(workspace).state.value == "preparing"
    kernel.wait(workspace)


def test_detached_until_an_end(control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYSDESIGN_GRACE_S", "1000")
    one, other = control.workspace("one").id, control.workspace("other").id
    leaving = control.client(holder="cli:up")
    for workspace in (one, other):
        leaving.wait(leaving.create_environment(workspace).id)
        leaving.detach(workspace, ttl_s=3600)
    leaving.close()
    client = control.client()
    client.detach(one, ttl_s=0.1)
    control.until(lambda: state(control, one) == "stopped")
    assert state(control, other) == "ready"
    client.end_detached(other)
    control.until(lambda: state(control, other) == "stopped")


def test_a_detached_lease_ends_where_its_environment_failed(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSDESIGN_GRACE_S", "1000")
    workspace = control.workspace().id
    leaving = control.client(holder="cli:up")
    leaving.wait(leaving.create_environment(workspace).id)
    leaving.detach(workspace, ttl_s=3600)
    leaving.close()
    fail(control, workspace)
    coming = control.client(holder="kernel:coming")
    coming.start(workspace)
    coming.wait(workspace)
    coming.close()
    control.until(lambda: state(control, workspace) == "stopped", "it outlives who started it")


def test_what_nobody_takes_over_is_given_up(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSDESIGN_GRACE_S", "0.1")
    workspace = control.workspace().id
    control.client().create_environment(workspace)
    control.until(lambda: state(control, workspace) == "stopped")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_end_of_the_control_plane_ends_everything(
    control: Control, how: signal.Signals
) -> None:
    workspace = control.workspace().id
    client = control.client(holder="kernel:a")
    status = client.wait(client.create_environment(workspace).id)
    client.sql(workspace, "INSERT INTO items (category, price) VALUES ('mine', 1)")
    run = client.start_run(workspace, unending(client, workspace))
    pids = [each.pid for each in status.services if each.pid]
    children = psutil.Process(client.info().pid).children(recursive=True)
    control.end(how)
    control.until(lambda: not any(map(control.is_alive, pids)), "services outlived their owner")
    control.until(
        lambda: not any(control.is_alive(each.pid) for each in children), "something is left"
    )
    # The same client goes on, with the next control plane.
    assert state(control, workspace) == "stopped"
    client.start(workspace)
    client.wait(workspace)
    found = client.sql(workspace, "SELECT count(*) FROM items WHERE category = 'mine'")
    assert found.rows == [[1]]
    kept = [each.state for each in client.runs(workspace) if each.id == run.id]
    assert kept == ([] if how is signal.SIGKILL else ["stopped"])


def test_a_killed_load_engine_fails_its_run_only(control: Control) -> None:
    workspace = control.workspace().id
    client = control.client(holder="kernel:a")
    client.wait(client.create_environment(workspace).id)
    run = client.start_run(workspace, unending(client, workspace))

    owner = client.info().pid
    (engine,) = control.until(lambda: running("load.engine", owner))
    engine.kill()
    control.until(lambda: client.run(workspace, run.id).state == "failed")
    assert "load engine" in client.run(workspace, run.id).reason
    assert state(control, workspace) == "ready"
    assert client.start_run(workspace, "steady").state == "running"


def test_a_stop_ends_the_run_that_is_going_on(control: Control) -> None:
    workspace = control.workspace().id
    client = control.client(holder="kernel:a")
    client.wait(client.create_environment(workspace).id)
    run = client.start_run(workspace, unending(client, workspace))
    client.stop(workspace)
    assert client.run(workspace, run.id).state == "stopped"
    with pytest.raises(errors.ConflictError):
        client.start_run(workspace, "steady")


def test_a_run_ends_with_an_environment_that_failed(control: Control) -> None:
    workspace = control.workspace().id
    client = control.client(holder="kernel:a")
    client.wait(client.create_environment(workspace).id)
    run = client.start_run(workspace, unending(client, workspace))
    control.until(lambda: client.run(workspace, run.id).ticks)
    fail(control, workspace)
    control.until(lambda: client.run(workspace, run.id).state == "stopped", "it goes on")
    client.start(workspace)
    client.wait(workspace)
    assert client.start_run(workspace, "steady").state == "running"


def test_where_nothing_can_be_written_down_it_is_told_and_stopped_all_the_same(
    control: Control,
) -> None:
    workspace = control.workspace().id
    client = control.client(holder="kernel:a")
    client.create_environment(workspace, start=False)
    # A full disk, for all that is written there while an environment runs.
    (paths.instances() / workspace / "events.new").mkdir()
    client.start(workspace)
    assert client.wait(workspace).state.value == "ready"
    assert client.stop(workspace).state.value == "stopped"


def test_a_run_that_cannot_be_kept_says_so_and_is_whole_for_now(control: Control) -> None:
    workspace = control.workspace().id
    client = control.client(holder="kernel:a")
    client.wait(client.create_environment(workspace).id)
    folder = paths.instances() / workspace / "runs"
    folder.mkdir()
    short = {**unending(client, workspace), "duration_s": 1}
    run = client.start_run(workspace, short, keep=5).id
    (folder / f"{run}.part").mkdir()  # as on a full disk
    control.until(lambda: client.run(workspace, run).state == "done")
    found = client.run(workspace, run)
    assert found.ticks
    assert found.answers
    assert found.summary is not None
    assert "This run will not be there in later sessions: " in found.summary.warning
    assert [each.name for each in folder.iterdir()] == [f"{run}.part"]


def test_a_stop_overtakes_a_start(control: Control) -> None:
    workspace = control.workspace().id
    client = control.client(holder="kernel:a")
    client.create_environment(workspace)
    assert client.stop(workspace).state.value == "stopped"
    client.start(workspace)
    assert client.wait(workspace).state.value == "ready"


def test_environments_for_a_check_are_not_seen_and_go_with_their_lease(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSDESIGN_GRACE_S", "1000")
    workspace = control.workspace()
    with control.client(holder="check:abc") as checker:
        made = checker.create_environment(workspace.folder, purpose="check")
        checker.wait(made.id)
        assert control.client().environments() == []
        assert (paths.instances() / made.id).is_dir()
    control.until(lambda: not (paths.instances() / made.id).exists())
    with pytest.raises(errors.NotFoundError):
        control.client().environment(made.id)

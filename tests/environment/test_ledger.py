from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from jupyter_sysdesign import paths
from jupyter_sysdesign.environment.ledger import Entry, Ledger, boot_id
from jupyter_sysdesign.environment.ownership import Ownership
from jupyter_sysdesign.environment.sweep import sweep_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from jupyter_sysdesign.environment.launch import Launch
    from jupyter_sysdesign.environment.runtimes.embedded import Embedded


@pytest.fixture
def stray(home: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Return a maker of processes that look like leftovers of an instance."""
    started: list[subprocess.Popen[bytes]] = []

    def make(instance: str, *, where: Path | str = "/", marked: bool = True, at: Path = home):
        env = {"SYSDESIGN_INSTANCE": instance, "SYSDESIGN_HOME": str(at)} if marked else {}
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", "import time; print(flush=True); time.sleep(600)"],
            env=env,
            cwd=where,
            start_new_session=True,
            stdout=subprocess.PIPE,
        )
        started.append(process)
        process.stdout.read(1)  # before that its environment may still be its parent's, or empty
        return process

    yield make
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def _folder(name: str) -> Path:
    folder = paths.instances() / name
    folder.mkdir(mode=0o711)
    return folder


def _note(folder: Path, *services: Entry, boot: str | None = None) -> None:
    Ledger(
        instance=folder.name,
        sockets=str(paths.runtime() / folder.name),
        boot=boot_id() if boot is None else boot,
        keepers=[],
        services={str(number): entry for number, entry in enumerate(services)},
    ).write(folder)


def test_what_is_written_is_read_back_and_nonsense_is_nothing(tmp_path: Path) -> None:
    entry = Entry.of(os.getpid())
    assert entry is not None
    assert entry.alive()
    assert Entry.of(2**22 + 1) is None
    written = Ledger("x-1", "/run/x", boot_id(), [entry], {"db": entry})
    written.write(tmp_path)
    assert Ledger.read(tmp_path) == written
    for nonsense in ("", "{", "[]", '{"instance": 1}', '{"keepers": 3}'):
        (tmp_path / "ledger.json").write_text(nonsense)
        assert Ledger.read(tmp_path) is None


@pytest.mark.anyio
async def test_the_supervisor_keeps_the_ledger_current(
    runtime: Embedded, python: Callable[..., Launch]
) -> None:
    pid = await runtime.spawn(python("app", "import time; time.sleep(600)"))
    noted = Ledger.read(runtime._folder)
    assert noted is not None
    assert {entry.pid for entry in noted.keepers} == {runtime.guard, runtime.supervisor}
    assert noted.services["app"].pid == pid
    await runtime.stop("app")
    noted = Ledger.read(runtime._folder)
    assert noted is not None
    assert noted.services == {}
    await runtime.close()
    assert Ledger.read(runtime._folder) is None


def test_the_sweep_ends_what_the_ledger_names_and_removes_sockets(stray) -> None:
    folder = _folder("gone-1")
    process = stray("gone-1", marked=False)
    entry = Entry.of(process.pid)
    assert entry is not None
    sockets = paths.runtime() / "gone-1"
    sockets.mkdir()
    _note(folder, entry)
    os.kill(process.pid, signal.SIGSTOP)  # frozen ones must go too
    assert sweep_all() == 1
    assert process.wait() == -signal.SIGKILL
    assert not sockets.exists()
    assert not (folder / "ledger.json").exists()
    assert sweep_all() == 0


def test_the_sweep_spares_a_pid_that_is_somebody_elses_now(stray) -> None:
    process = stray("other", marked=False)
    entry = Entry.of(process.pid)
    assert entry is not None
    _note(_folder("reused-1"), entry._replace(started=entry.started - 1))
    _note(_folder("rebooted-1"), entry, boot="another boot")
    assert sweep_all() == 0
    assert process.poll() is None


def test_the_sweep_finds_marked_processes_without_a_ledger(stray) -> None:
    data = _folder("crashed-1") / "data" / "db"
    data.mkdir(parents=True)
    marked = stray("crashed-1")
    unmarked_daemon = stray("crashed-1", where=data, marked=False)
    folder_is_gone = stray("removed-1")
    assert sweep_all() == 3
    for process in (marked, unmarked_daemon, folder_is_gone):
        assert process.wait() == -signal.SIGKILL


def test_the_sweep_spares_another_home_and_living_owners(stray, tmp_path: Path) -> None:
    elsewhere = stray("crashed-1", at=tmp_path)
    owned = stray("owned-1")
    ownership = Ownership.take(_folder("owned-1"))
    assert ownership is not None
    assert Ownership.take(paths.instances() / "owned-1") is None
    assert sweep_all() == 0
    assert owned.poll() is None
    assert elsewhere.poll() is None
    ownership.release()
    assert sweep_all() == 1


def test_temporary_instances_go_altogether(home: Path) -> None:
    check, lesson = _folder("check-1"), _folder("lesson-1")
    (check / "instance.json").write_text('{"purpose": "check"}')
    (lesson / "instance.json").write_text('{"purpose": "lesson"}')
    sweep_all()
    assert not check.exists()
    assert lesson.exists()

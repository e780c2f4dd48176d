"""The boxes: what a program in one sees, and that nothing of it is left.

The box is the same on both rungs; in a container there is one more around it.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import docker_engine
import psutil
import pytest

from jupyter_sysdesign import paths
from jupyter_sysdesign.environment.confine import View, command
from jupyter_sysdesign.environment.runtimes.docker import engine, labels
from jupyter_sysdesign.environment.sweep import reap_unknown
from jupyter_sysdesign.errors import UnavailableError
from jupyter_sysdesign.grading.course import boxes, containers, isolation
from jupyter_sysdesign.grading.submission import scratch

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., subprocess.CompletedProcess[str]]

if boxes.Namespaces().unusable():
    pytest.skip("namespaces cannot be made here", allow_module_level=True)

_LOOK = """
import ctypes, json, os, socket
def refused(what):
    try:
        what()
    except OSError as error:
        return error.strerror
    return ""
print(json.dumps({
    "uid": os.getuid(),
    "processes": sorted(int(each) for each in os.listdir("/proc") if each.isdigit()),
    "root": sorted(os.listdir("/")),
    "network": [name for _, name in socket.if_nameindex()],
    "write": refused(lambda: open("/usr/mine", "w")),
    "mount": refused(lambda: os.chroot("/tmp")),
    "scratch": refused(lambda: open("/scratch/full", "wb").write(bytes(3 << 20))),
    "given": os.path.exists(GIVEN),
    "hidden": os.path.exists(HIDDEN),
    "traced": ctypes.CDLL(None, use_errno=True).ptrace(0, 0, 0, 0) == 0,
    "status": dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines()),
}))
"""
_ENV = {"PATH": "/usr/bin:/bin"}


def _view(**changes) -> View:
    programs = sorted({sys.prefix, sys.base_prefix})
    view = View(read=programs, write={}, scratch={"/scratch": 1 << 20}, cwd="/scratch")
    return view._replace(uid=boxes.throwaway_user(), **changes)


def _run(view: View, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(view, list(argv)), env=_ENV, capture_output=True, text=True, check=False
    )


def _contained(view: View, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a box in a container; how it ended is not told."""
    with scratch() as folder:
        started = containers.contained(view, list(argv), _ENV, folder.name)
        with started.process as process:
            try:
                done = process.wait(60)
            finally:
                process.kill()
            said = [stream.read().decode() for stream in (process.stdout, process.stderr)]
        started.clear()
    return subprocess.CompletedProcess(argv, done, *said)


@pytest.fixture(params=["namespaces", pytest.param("docker", marks=pytest.mark.docker)])
def run(request, home) -> Run:
    """Return what runs a program in a box, on either rung."""
    return _run if request.param == "namespaces" else _contained


def _look(tmp_path: Path) -> tuple[str, str]:
    """Return a program that looks around, and the folder it is given."""
    for name in ("given", "hidden"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
    tmp_path.chmod(0o755)
    facts = f"GIVEN, HIDDEN = {str(tmp_path / 'given' / 'file')!r}, {str(tmp_path / 'hidden')!r}\n"
    return facts + _LOOK, str(tmp_path / "given")


def test_a_program_in_a_box_sees_what_it_is_given(run: Run, tmp_path):
    program, given = _look(tmp_path)
    view = _view()
    done = run(view._replace(read=[*view.read, given]), sys.executable, "-c", program)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["processes"] == [1]
    assert seen["network"] == ["lo"]
    assert seen["uid"] != 0
    assert not {"home", "var", "boot"} & set(seen["root"])
    assert seen["write"]
    assert seen["mount"]
    assert seen["scratch"] == "No space left on device"
    assert seen["given"]
    assert not seen["hidden"]
    rights = {name: int(seen["status"][name], 16) for name in ("CapEff", "CapPrm", "CapBnd")}
    assert set(rights.values()) == {0}
    assert seen["status"]["NoNewPrivs"] == "1"
    assert seen["status"]["Seccomp"] == ("2" if run is _contained else "0")
    assert seen["traced"] == (run is _run)


def test_a_box_ends_as_its_program_does():
    assert _run(_view(), "/bin/sh", "-c", "exit 7").returncode == 7
    assert _run(_view(), "/bin/sh", "-c", "kill -TERM $$; sleep 1").returncode in (0, -15)
    missing = _run(_view(), "/no/such/program")
    assert missing.returncode == 126
    assert "No such file" in missing.stderr


def test_nothing_of_a_box_outlives_whoever_started_it():
    argv = command(_view(), ["/bin/sh", "-c", "sleep 1000 & sleep 1000 & echo up; wait"])
    starter = f"import subprocess; subprocess.run({argv!r})"
    process = subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "up\n"
    below = psutil.Process(process.pid).children(recursive=True)
    assert len(below) >= 4
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    _, left = psutil.wait_procs(below, timeout=60)
    assert not left
    process.stdout.close()


def test_processes_are_counted(run: Run):
    script = "echo some; for i in $(seq 100); do sleep 5 & done; echo all"
    assert run(_view(processes=20), "/bin/sh", "-c", script).stdout == "some\n"


@pytest.mark.docker
def test_a_container_may_do_next_to_nothing(home):
    with scratch() as folder, closing(engine.connect()) as client:
        argv = ["/bin/sh", "-c", "echo up; sleep 1000"]
        started = containers.contained(_view(), argv, _ENV, folder.name)
        with started.process as process:
            assert process.stdout.readline() == b"up\n"
            (container,) = _left(client)
            found = client.inspect_container(container)
            process.kill()
        started.clear()
        assert not _left(client)
    given = found["HostConfig"]
    assert found["Config"]["User"].split(":")[0] not in ("", "0", "root")
    assert found["NetworkSettings"]["Networks"].keys() == {"none"}
    assert given["CapDrop"] == ["ALL"]
    assert not given["CapAdd"]
    assert not given["Privileged"]
    assert given["ReadonlyRootfs"]
    assert "no-new-privileges" in given["SecurityOpt"]
    assert 0 < given["Memory"] == given["MemorySwap"]
    assert 0 < given["PidsLimit"] <= 2048
    assert [each["Destination"] for each in found["Mounts"] if each["RW"]] == []


@pytest.mark.docker
def test_memory_is_counted_in_a_container(home, monkeypatch):
    monkeypatch.setattr(containers, "MEMORY_BYTES", 64 << 20)
    script = "print('some', flush=True); print(len(b'x' * (200 << 20)))"
    assert _contained(_view(), sys.executable, "-c", script).stdout == "some\n"


@pytest.mark.docker
@pytest.mark.parametrize("how", ["it is killed", "nobody holds its stdin"])
def test_a_container_ends_with_what_stands_for_it(home, how):
    with scratch() as folder, closing(engine.connect()) as client:
        argv = ["/bin/sh", "-c", "trap '' TERM HUP; echo up; sleep 1000 & sleep 1000; sleep 1000"]
        started = containers.contained(_view(), argv, _ENV, folder.name)
        with started.process as process:
            assert process.stdout.readline() == b"up\n"
            assert len(_left(client)) == 1
            process.kill() if how == "it is killed" else process.stdin.close()
        _until(lambda: not _left(client))


@pytest.mark.docker
def test_a_container_that_belongs_to_no_job_is_removed(home):
    """As one that was made, and whose grader was killed before it could start it."""
    with scratch() as folder, closing(engine.connect()) as client:
        _contained(_view(), "/bin/true")  # so that there is the image
        for instance in (folder.name, "gone"):
            client.create_container(
                containers.IMAGE,
                command=["/x"],
                name=labels.name(instance, containers.SERVICE),
                labels=labels.of(instance, containers.SERVICE),
            )
        reap_unknown()
        assert [each["Labels"][labels.INSTANCE] for each in _left(client)] == [folder.name]
    reap_unknown()
    with closing(engine.connect()) as client:
        assert not _left(client)


def _left(client) -> list[dict]:
    filters = {"label": f"{labels.HOME}={paths.home()}"}
    return client.containers(all=True, filters=filters)


def _until(what: Callable[[], object]) -> None:
    until = time.monotonic() + 60
    while not what():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.docker
def test_what_an_engine_cannot_do_is_told_and_left_to_namespaces(home, monkeypatch):
    assert isolation.choose().name == "docker"
    assert isolation.described(isolation.choose()) == "docker"
    for url, why in {
        f"unix://{home}/nobody.sock": "No Docker engine answers at",
        "tcp://192.0.2.1:2376": "an engine elsewhere does not see the files here",
    }.items():
        monkeypatch.setenv("DOCKER_HOST", url)
        told = isolation.described(isolation.choose())
        assert told.startswith("namespaces (docker: ")
        assert why in told


@pytest.mark.docker
def test_an_engine_that_lets_no_box_be_made_is_left_alone(home, monkeypatch):
    refusing = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["unshare"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}]}  # fmt: skip
    monkeypatch.setattr(containers, "PROFILE", json.dumps(refusing))
    monkeypatch.setenv("DOCKER_HOST", docker_engine.URL.replace("unix:///", "unix:////"))
    assert "unshare: Operation not permitted" in isolation.described(isolation.choose())


def test_a_signal_reaches_the_program():
    script = (
        "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(5));"
        "print('up', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen(
        command(_view(), [sys.executable, "-c", script]), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "up\n"
    process.terminate()
    assert process.wait(30) == 5
    process.stdout.close()


def test_without_any_isolation_grading_is_refused(monkeypatch):
    class Nothing:
        name = "nothing"

        def unusable(self) -> str:
            return "it is not there"

    monkeypatch.setattr(isolation, "LADDER", (Nothing(),))
    with pytest.raises(UnavailableError, match="nothing: it is not there") as refused:
        isolation.choose()
    assert "--trust-submissions" in refused.value.hint
    assert isolation.choose(trust=True).name == "none"


# What the world around a box looks like before and after two of them. It is a world of its own,
# so that nobody else's mounts (an engine's, beside us) come up in it, and a shared one, so that a
# box which forgot to make its mounts private would leave them here.
AROUND = """
mount --make-rshared / || exit 9
cd "$1"; cat /proc/mounts > before; {boxes} || exit 8; cat /proc/mounts > after
cat /proc/sys/user/max_user_namespaces; hostname
"""


def test_a_box_changes_nothing_outside(tmp_path):
    boxes = [shlex.join(command(_view(nests=nests), ["/bin/true"])) for nests in (False, True)]
    mapped = [] if os.getuid() == 0 else ["--map-root-user"]
    world = ["unshare", *mapped, "--mount", "--propagation", "private"]
    script = AROUND.format(boxes=" && ".join(boxes))
    around = [*world, "sh", "-c", script, "sh", str(tmp_path)]
    namespaces = Path("/proc/sys/user/max_user_namespaces").read_text()
    said = subprocess.run(around, check=True, stdout=subprocess.PIPE, text=True).stdout
    assert said == f"{namespaces}{socket.gethostname()}\n"
    before, after = (_lines(tmp_path / name) for name in ("before", "after"))
    assert not after - before
    # A mount whose folder an engine deletes goes in every world; it is gone from ours, then, too.
    assert not (before - after) & _lines(Path("/proc/mounts"))


def _lines(path):
    return Counter(path.read_text().split("\n"))

"""The boxes: what a program in one sees, and that nothing of it is left."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys

import psutil
import pytest

from jupyter_sysdesign.environment.confine import View, command
from jupyter_sysdesign.errors import UnavailableError
from jupyter_sysdesign.grading.course import isolation

if isolation.LADDER[0].unusable():
    pytest.skip("namespaces cannot be made here", allow_module_level=True)

_LOOK = """
import json, os, socket
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
}))
"""


def _view(**changes) -> View:
    programs = sorted({sys.prefix, sys.base_prefix})
    view = View(read=programs, write={}, scratch={"/scratch": 1 << 20}, cwd="/scratch")
    return view._replace(uid=isolation.throwaway_user(), **changes)


def _run(view: View, *argv: str, **options) -> subprocess.CompletedProcess:
    env = {"PATH": "/usr/bin:/bin"}
    return subprocess.run(
        command(view, list(argv)), env=env, capture_output=True, text=True, check=False, **options
    )


def test_a_program_in_a_box_sees_what_it_is_given(tmp_path):
    for name in ("given", "hidden"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
    tmp_path.chmod(0o755)
    facts = f"GIVEN, HIDDEN = {str(tmp_path / 'given' / 'file')!r}, {str(tmp_path / 'hidden')!r}\n"
    view = _view()
    view = view._replace(read=[*view.read, str(tmp_path / "given")])
    done = _run(view, sys.executable, "-c", facts + _LOOK)
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
    _, left = psutil.wait_procs(below, timeout=20)
    assert not left
    process.stdout.close()


def test_processes_are_counted():
    done = _run(
        _view(processes=20), "/bin/sh", "-c", "for i in $(seq 100); do sleep 5 & done; echo all"
    )
    assert done.returncode != 0
    assert "all" not in done.stdout


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
# so that nobody else's mounts (an engine's, beside us) come and go in it, and a shared one, so
# that a box which forgot to make its mounts private would leave them here.
AROUND = """
mount --make-rshared / || exit 9
look() {{ cat /proc/sys/user/max_user_namespaces /proc/mounts; hostname; }}
cd "$1"; look > before; {boxes} || exit 8; look > after
"""


def test_a_box_changes_nothing_outside(tmp_path):
    boxes = [shlex.join(command(_view(nests=nests), ["/bin/true"])) for nests in (False, True)]
    mapped = [] if os.getuid() == 0 else ["--map-root-user"]
    world = ["unshare", *mapped, "--mount", "--propagation", "private"]
    script = AROUND.format(boxes=" && ".join(boxes))
    subprocess.run([*world, "sh", "-c", script, "sh", str(tmp_path)], check=True)
    before = (tmp_path / "before").read_text()
    assert socket.gethostname() in before
    assert (tmp_path / "after").read_text() == before
